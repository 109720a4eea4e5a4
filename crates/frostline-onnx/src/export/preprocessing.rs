//! The normalisation of 8-bit RGB inside a network.

use super::parts::Parts;
use super::plan::{Colours, Normalisation};
use crate::graph::element;
use crate::proto::{int, ints};

/// Adds nodes that turn 8-bit RGB, (N, H, W, 3), into the backbone's input `output`.
///
/// The steps are those of frostline's own preprocessing, so that the values are the same to the last bit.
pub(super) fn normalise(
    parts: &mut Parts<'_>,
    pixels: &str,
    output: &str,
    normalisation: &Normalisation,
) {
    let Normalisation {
        mean, std, scale, ..
    } = *normalisation;
    let mut tensor = pixels.to_owned();
    if normalisation.colours == Colours::Bgr {
        let order = parts.integers("order", &[2, 1, 0]);
        tensor = parts.node("Gather", "bgr", &[&tensor, &order], vec![int("axis", 3)]);
    }
    let dims: &[i64] = if normalisation.channels_last {
        &[3]
    } else {
        let perm = ints("perm", &[0, 3, 1, 2]);
        tensor = parts.node("Transpose", "planes", &[&tensor], vec![perm]);
        &[1, 3, 1, 1]
    };
    let to_float = int("to", element::FLOAT.into());
    tensor = parts.node("Cast", "floats", &[&tensor], vec![to_float]);
    let scale = parts.floats("scale", &[], &[scale]);
    let mean = parts.floats("mean", dims, &mean);
    let std = parts.floats("std", dims, &std);
    tensor = parts.node("Div", "scaled", &[&tensor, &scale], vec![]);
    tensor = parts.node("Sub", "centred", &[&tensor, &mean], vec![]);
    parts.node_to("Div", output, &[&tensor, &std], vec![]);
}
