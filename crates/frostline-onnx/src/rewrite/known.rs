//! The ONNX operators that frostline supports: their attributes in each version, and what these mean.
//!
//! A node is only replaced if all its attributes are known and supported; everything else is left to ONNX
//! Runtime to accept or refuse.

use std::ops::RangeInclusive;

use super::super::graph::{Attribute, Names, Node, is_onnx};

/// The supported versions of ONNX's operators. ONNX Runtime does not implement all older ones.
pub(super) const OPSETS: RangeInclusive<i64> = 6..=25;

/// The latest supported version.
const LATEST: i64 = *OPSETS.end();

/// An operator of ONNX.
pub(super) struct Operator {
    name: &'static str,
    /// The first version in which ONNX Runtime computes it.
    since: i64,
    /// Attributes of all its versions.
    always: Names,
    /// Attributes with the first and last version that has them.
    sometimes: &'static [(&'static str, i64, i64)],
    /// The allowed number of inputs.
    inputs: RangeInclusive<usize>,
}

const fn operator(
    name: &'static str,
    since: i64,
    inputs: RangeInclusive<usize>,
    always: &'static str,
    sometimes: &'static [(&'static str, i64, i64)],
) -> Operator {
    Operator {
        name,
        since,
        always: Names(always),
        sometimes,
        inputs,
    }
}

const WINDOW: &str = "auto_pad dilations group kernel_shape pads strides";
pub(super) const CONV: Operator = operator("Conv", 1, 2..=3, WINDOW, &[]);
pub(super) const BATCH_NORM: Operator = operator(
    "BatchNormalization",
    7,
    5..=5,
    "epsilon momentum",
    &[("spatial", 1, 8), ("training_mode", 14, LATEST)],
);
pub(super) const RELU: Operator = operator("Relu", 6, 1..=1, "", &[]);
/// Its bounds became inputs in version 11.
pub(super) const CLIP_BY_ATTRIBUTES: Operator =
    operator("Clip", 6, 1..=1, "", &[("max", 6, 10), ("min", 6, 10)]);
pub(super) const CLIP: Operator = operator("Clip", 11, 1..=3, "", &[]);
pub(super) const MAX_POOL: Operator = operator(
    "MaxPool",
    1,
    1..=1,
    "auto_pad kernel_shape pads strides",
    &[
        ("ceil_mode", 10, LATEST),
        ("dilations", 10, LATEST),
        ("storage_order", 8, LATEST),
    ],
);
const FACTORS: &str = "alpha beta transA transB";
/// The third input is optional since version 11.
pub(super) const GEMM_WITH_BIAS: Operator = operator("Gemm", 7, 3..=3, FACTORS, &[]);
pub(super) const GEMM: Operator = operator("Gemm", 11, 2..=3, FACTORS, &[]);
pub(super) const MAT_MUL: Operator = operator("MatMul", 1, 2..=2, "", &[]);
pub(super) const FLATTEN: Operator = operator("Flatten", 1, 1..=1, "axis", &[]);
pub(super) const RESHAPE: Operator =
    operator("Reshape", 5, 2..=2, "", &[("allowzero", 14, LATEST)]);
pub(super) const CONCAT: Operator = operator("Concat", 4, 1..=usize::MAX, "axis", &[]);
/// A third input may enable training mode, which is left to ONNX Runtime.
pub(super) const DROPOUT: Operator = operator(
    "Dropout",
    7,
    1..=3,
    "",
    &[("ratio", 7, 11), ("seed", 12, LATEST)],
);
pub(super) const IDENTITY: Operator = operator("Identity", 1, 1..=1, "", &[]);
/// A constant that is a tensor.
pub(super) const CONSTANT: Operator = operator("Constant", 1, 0..=0, "value", &[]);
/// A constant that is a single number.
pub(super) const CONSTANT_FLOAT: Operator = operator("Constant", 12, 0..=0, "value_float", &[]);

impl Operator {
    /// Returns whether a node in this operator set version is this operator, with one output and known
    /// attributes only.
    pub(super) fn is(&self, node: &Node, opset: i64) -> bool {
        let known = |name: &str| {
            let mut sometimes = self.sometimes.iter();
            self.always.contains(name)
                || sometimes
                    .any(|&(known, first, last)| known == name && (first..=last).contains(&opset))
        };
        let mut names: Vec<&str> = node.attributes.iter().map(|known| &*known.name).collect();
        names.sort_unstable();
        let once = names.windows(2).all(|two| two[0] != two[1]);
        is(node, self.name)
            && opset >= self.since
            && self.inputs.contains(&node.inputs.len())
            && matches!(&node.outputs[..], [output] if !output.is_empty())
            && once
            && names.into_iter().all(known)
    }
}

/// Returns whether an operator is ONNX's own with this name.
pub(super) fn is(node: &Node, operator: &str) -> bool {
    is_standard(node) && node.operator == operator
}

/// Returns whether an operator is ONNX's own.
pub(crate) fn is_standard(node: &Node) -> bool {
    is_onnx(&node.domain) && node.overload.is_empty()
}

/// Returns an integer attribute, or its default if it is absent.
pub(super) fn int(node: &Node, name: &str, default: i64) -> Option<i64> {
    match node.attribute(name) {
        None => Some(default),
        Some(Attribute::Int(int)) => Some(*int),
        Some(_) => None,
    }
}

/// Returns an attribute of `N` integers, or all of them `default` if it is absent.
pub(super) fn ints<const N: usize>(node: &Node, name: &str, default: i64) -> Option<[i64; N]> {
    match node.attribute(name) {
        None => Some([default; N]),
        Some(Attribute::Ints(ints)) => ints.as_slice().try_into().ok(),
        Some(_) => None,
    }
}

/// Returns a float attribute, or its default if it is absent.
pub(super) fn float(node: &Node, name: &str, default: f32) -> Option<f32> {
    match node.attribute(name) {
        None => Some(default),
        Some(Attribute::Float(number)) => Some(*number),
        Some(_) => None,
    }
}

/// Returns how a window is padded; `None` if `pads` contradicts it.
pub(super) fn auto_pad(node: &Node) -> Option<&str> {
    match node.attribute("auto_pad") {
        None => Some("NOTSET"),
        Some(Attribute::Text(text)) if text == "NOTSET" || node.attribute("pads").is_none() => {
            Some(text)
        }
        Some(_) => None,
    }
}
