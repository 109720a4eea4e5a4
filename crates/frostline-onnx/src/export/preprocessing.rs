//! The normalisation of 8-bit RGB inside a network, and the steps before it.

use std::collections::HashSet;

use super::parts::Parts;
use super::plan::{self, Colours, Geometry, Normalisation};
use super::resize;
use crate::graph::{Dim, element};
use crate::proto::{self, int, ints, opset, typed_info};
use crate::splice::Message;

/// The version of ONNX's operators in a network that only normalises, and that of its file format.
const OPSET: i64 = 13;
const IR_VERSION: i64 = 7;

impl Normalisation {
    /// The input of [`Self::network`]: 8-bit RGB, (N, H, W, 3).
    pub const INPUT: &'static str = plan::IMAGES;
    /// The output of [`Self::network`]: `float32`, (N, 3, H, W), or (N, H, W, 3) with the channels last.
    pub const OUTPUT: &'static str = "normalised";

    /// Returns the bytes of a network that only normalises images of the right size.
    ///
    /// # Panics
    /// Never: the network is in memory.
    #[must_use]
    pub fn network(&self) -> Vec<u8> {
        let taken = HashSet::from([Self::OUTPUT]);
        let mut parts = Parts::new("input", OPSET, &taken);
        from_crop(&mut parts, Self::INPUT, Self::OUTPUT, self);
        let (width, height) = self.size;
        let dims = [Dim::Free("batch".to_owned())]
            .into_iter()
            .chain([height.into(), width.into(), 3].map(Dim::Fixed));
        let dims: Vec<_> = dims.collect();
        let (nodes, weights) = parts.into_messages();
        let mut graph = Message::default();
        graph.append(nodes);
        graph.text(2, proto::GRAPH_NAME);
        graph.append(weights);
        let input = typed_info(Self::INPUT, element::UINT8, Some(&dims), &plan::AXES);
        graph.message(11, input);
        graph.message(12, proto::value_info(Self::OUTPUT, None));
        let mut model = Message::default();
        model.int(1, IR_VERSION);
        model.message(7, graph);
        model.message(8, opset(None, OPSET));
        let bytes = model.whole().to_bytes();
        bytes.expect("it is in memory and copies from no file")
    }
}

/// Adds nodes that turn 8-bit RGB of the right size, (N, H, W, 3), into the backbone's input `output`.
pub(super) fn from_crop(
    parts: &mut Parts<'_>,
    pixels: &str,
    output: &str,
    normalisation: &Normalisation,
) {
    let pixels = in_order(parts, pixels, normalisation);
    if normalisation.channels_last {
        normalise(parts, &pixels, (output, &[3]), normalisation);
    } else {
        let planes = planes(parts, &pixels);
        normalise(parts, &planes, (output, PLANES), normalisation);
    }
}

/// Adds nodes that resize and crop 8-bit RGB of any size before that.
pub(super) fn from_pixels(
    parts: &mut Parts<'_>,
    pixels: &str,
    output: &str,
    geometry: &Geometry,
    normalisation: &Normalisation,
) {
    let pixels = in_order(parts, pixels, normalisation);
    let planes = planes(parts, &pixels);
    let planes = resize::add(parts, &planes, geometry);
    if normalisation.channels_last {
        let perm = ints("perm", &[0, 2, 3, 1]);
        let pixels = parts.node("Transpose", "pixels", &[&planes], vec![perm]);
        normalise(parts, &pixels, (output, &[3]), normalisation);
    } else {
        normalise(parts, &planes, (output, PLANES), normalisation);
    }
}

/// The lengths of values for each channel of planes.
const PLANES: &[i64] = &[1, 3, 1, 1];

/// Adds the channels in the backbone's order.
fn in_order(parts: &mut Parts<'_>, pixels: &str, normalisation: &Normalisation) -> String {
    if normalisation.colours == Colours::Rgb {
        return pixels.to_owned();
    }
    let order = parts.integers("order", &[2, 1, 0]);
    parts.node("Gather", "bgr", &[pixels, &order], vec![int("axis", 3)])
}

/// Adds the planes of pixels, (N, H, W, 3) to (N, 3, H, W).
fn planes(parts: &mut Parts<'_>, pixels: &str) -> String {
    let perm = ints("perm", &[0, 3, 1, 2]);
    parts.node("Transpose", "planes", &[pixels], vec![perm])
}

/// Adds the normalisation, with a value for each channel of the lengths `dims`.
///
/// The steps are those of frostline's own preprocessing, so that the values are the same to the last bit.
fn normalise(
    parts: &mut Parts<'_>,
    pixels: &str,
    (output, dims): (&str, &[i64]),
    normalisation: &Normalisation,
) {
    let Normalisation {
        mean, std, scale, ..
    } = *normalisation;
    let to_float = int("to", element::FLOAT.into());
    let floats = parts.node("Cast", "floats", &[pixels], vec![to_float]);
    let scale = parts.floats("scale", &[], &[scale]);
    let mean = parts.floats("mean", dims, &mean);
    let std = parts.floats("std", dims, &std);
    let scaled = parts.node("Div", "scaled", &[&floats, &scale], vec![]);
    let centred = parts.node("Sub", "centred", &[&scaled, &mean], vec![]);
    parts.node_to("Div", output, &[&centred, &std], vec![]);
}
