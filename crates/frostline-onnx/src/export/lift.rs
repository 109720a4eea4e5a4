//! Raises nodes to version 18 of ONNX's operators, in which images are resized as by Pillow.
//!
//! What changed between version 7 and 18 is from the operators' changelog in ONNX's documentation. A node
//! that this table does not know is refused.

mod constants;
mod nodes;
mod raised;

pub(super) use self::constants::Lift;
pub(super) use self::raised::Lifted;
use self::raised::{changed, split};
use crate::error::NetworkProblem;
use crate::graph::{Names, Node};
use crate::rewrite::is_standard;

/// The version that networks are raised to.
pub(super) const TARGET: i64 = 18;

/// Operators whose meaning has not changed from version 7, or from their first version, to 18.
const SAME: Names = Names(
    "Abs Add And Asin Asinh Atan AveragePool Cast Ceil Concat Constant ConstantOfShape Conv \
     ConvInteger ConvTranspose Cos Cosh DequantizeLinear DepthToSpace Div DynamicQuantizeLinear Einsum \
     Elu Equal Erf Exp Expand Flatten Floor Gather Gemm GlobalAveragePool GlobalMaxPool Greater \
     HardSigmoid HardSwish Identity InstanceNormalization LRN LayerNormalization LeakyRelu Less Log \
     LpNormalization MatMul MatMulInteger Max MaxPool Mean Min Mod Mul Neg Not Or PRelu Pow \
     QuantizeLinear Range Reciprocal Relu Reshape Round Selu Shape Sigmoid Sign Sin Sinh Softplus \
     Softsign SpaceToDepth Sqrt Sub Sum Tan Tanh ThresholdedRelu Tile Transpose Where Xor",
);

/// Reductions whose axes became an input in version 18.
const REDUCTIONS: Names = Names(
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd \
     ReduceSumSquare",
);

impl Lift<'_> {
    /// Returns what takes the place of a node, the `index`-th of the network.
    pub(super) fn node(&mut self, index: usize, node: &Node) -> Result<Lifted, NetworkProblem> {
        if !is_standard(node) && node.overload.is_empty() {
            return Ok(Lifted::Same);
        }
        let known = is_standard(node) && node.captured.is_empty();
        let lifted = known.then(|| self.standard(index, node)).flatten();
        lifted.ok_or_else(|| NetworkProblem::NotLifted {
            node: node.title(),
            from: self.from,
            to: TARGET,
        })
    }

    fn standard(&mut self, index: usize, node: &Node) -> Option<Lifted> {
        let name = |part: &str| format!("{index}.{part}");
        match (node.operator.as_str(), self.from) {
            ("BatchNormalization", _) => self.batch_normalization(node),
            ("Clip", ..11) => {
                let min = self.scalar(node, "min", &name("min")).ok()?;
                let max = self.scalar(node, "max", &name("max")).ok()?;
                Some(changed(node, "min max", [min, max], vec![]))
            }
            ("Dropout", ..12) => self.dropout(node),
            ("Dropout", _) => {
                let no_training = node.inputs.get(2).is_none_or(String::is_empty);
                no_training.then_some(Lifted::Same)
            }
            ("Pad", ..11) => self.pad(node, &name("pads"), &name("value")),
            (reduction, _) if REDUCTIONS.contains(reduction) => self.reduction(node, &name("axes")),
            ("ReduceSum" | "Squeeze" | "Unsqueeze", ..13) => self.reduction(node, &name("axes")),
            ("Slice", ..10) => self.slice(node, index),
            ("Softmax" | "LogSoftmax", ..13) => self.softmax(index, node),
            ("Split", ..13) => {
                let lengths = self.list(node, "split", &name("split")).ok()?;
                Some(split(node, lengths))
            }
            ("Split", _) if node.inputs.get(1).is_some_and(|split| !split.is_empty()) => {
                Some(Lifted::Same)
            }
            ("Split", _) => Some(split(node, None)),
            ("TopK", ..10) => {
                let k = self.list(node, "k", &name("k")).ok()?;
                Some(changed(node, "k", [Some(k?)], vec![]))
            }
            ("Upsample" | "Resize", _) => self.resize(node, &name("scales")),
            (
                "Clip" | "LogSoftmax" | "Pad" | "ReduceSum" | "Slice" | "Softmax" | "Squeeze"
                | "TopK" | "Unsqueeze",
                _,
            ) => Some(Lifted::Same),
            (operator, _) => SAME.contains(operator).then_some(Lifted::Same),
        }
    }
}
