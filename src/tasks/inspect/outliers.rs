//! Images of the inspected store that are unlike all others of it, or of their class.

use super::alike::Alike;
use super::pictures::Pictures;
use super::report::{Outlier, Unlike};
use crate::classes::ClassIndex;
use crate::head::Distances;

/// So many are listed even where none is beyond the limit, since the order says more than the limit; of a
/// small store one in fifty.
const LISTED: usize = 10;

/// Those unlike everything first, then those unlike their class, each kind with the farthest first. Copies
/// are told of once; an image that is nearly equal to its nearest is none, however alike the others are.
pub(super) fn find(pictures: &Pictures, alike: &Alike, near: f32) -> Vec<Outlier> {
    let apart =
        |distances: &Distances, distinct: usize| distances.of_row[distinct] > 1.0 - f64::from(near);
    let overall = Distances::of(&alike.nearest);
    let mut alone = overall.farthest(LISTED.min(pictures.own.len() / 50));
    alone.retain(|&distinct| apart(&overall, distinct));
    let mut outliers = described(pictures, &overall, &alone, Unlike::Everything);
    if let Some(targets) = targets(pictures) {
        let within = Distances::within_classes(&pictures.own, &targets);
        let mut strangers = within.farthest(0);
        strangers.retain(|distinct| apart(&within, *distinct) && !alone.contains(distinct));
        outliers.extend(described(pictures, &within, &strangers, Unlike::Class));
    }
    outliers
}

/// The class of each distinct image of the inspected store, that of its first copy.
fn targets(pictures: &Pictures) -> Option<Vec<usize>> {
    let names = pictures.own_classes().ok()?;
    let classes = ClassIndex::from_names(names.iter().copied());
    let own = &pictures.copies()[..pictures.own.len()];
    own.iter()
        .map(|copies| classes.class_to_idx(names[copies[0]]))
        .collect()
}

fn described(
    pictures: &Pictures,
    distances: &Distances,
    rows: &[usize],
    unlike: Unlike,
) -> Vec<Outlier> {
    let outlier = |&distinct: &usize| Outlier {
        image: pictures.image(pictures.copies()[distinct][0]).clone(),
        unlike,
        distance: distances.of_row[distinct],
        limit: distances.limits[distinct],
        beyond: distances.is_beyond(distinct),
    };
    rows.iter().map(outlier).collect()
}
