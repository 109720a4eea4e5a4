//! Which images of the store a head was trained on: they cannot judge it.

use super::InspectOptions;
use super::pictures::Pictures;
use super::report::TrainedOn;
use crate::error::Result;
use crate::head::{HeadFile, ImageRole};

pub(super) fn find(pictures: &Pictures, options: &InspectOptions) -> Result<Option<TrainedOn>> {
    let Some(head) = &options.head else {
        return Ok(None);
    };
    let record = HeadFile::read(head)?.record;
    let mut found = TrainedOn {
        recorded: record.is_known(),
        ..TrainedOn::default()
    };
    for number in 0..pictures.n_own() {
        match record.role(&pictures.digests()[pictures.distinct(number)].0) {
            ImageRole::Training => found.training.push(pictures.image(number).clone()),
            ImageRole::HeldOut => found.n_held_out += 1,
            ImageRole::New => {}
        }
    }
    Ok(Some(found))
}
