//! The targets for the bodies of requests to `frostline serve`.

use frostline::images::{Crop, Resize, View};
use frostline::serve::fuzz;

use super::Outcome;
use super::store::spec;

/// A request to a network with inputs of 3 × 2 × 2 values.
pub(super) fn infer(bytes: &[u8]) -> Outcome {
    let mut spec = spec(&[View::Center]);
    spec.preprocessing.resize = Resize::Exact(2, 2);
    spec.preprocessing.crop = Crop::None;
    fuzz::infer(bytes, &spec)
}

pub(super) fn json(bytes: &[u8]) -> Outcome {
    fuzz::json(bytes)
}

pub(super) fn form(bytes: &[u8]) -> Outcome {
    fuzz::form(bytes)
}
