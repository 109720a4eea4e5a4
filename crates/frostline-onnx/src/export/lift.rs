//! Raises nodes to version 18 of ONNX's operators, in which images are resized as by Pillow.
//!
//! What changed between version 7 and 18 is from the operators' changelog in ONNX's documentation. A node
//! that this table does not know is refused.

use std::collections::HashSet;

use crate::cut::unused;
use crate::error::NetworkProblem;
use crate::graph::{Attribute, Names, Node, element};
use crate::proto::{self, int, tensor, text};
use crate::rewrite::is_standard;
use crate::splice::Message;

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

/// A node to write in place of one or several.
pub(super) struct NewNode {
    pub(super) operator: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    /// The attributes of the old node that are not copied.
    pub(super) dropped: Names,
    /// New attributes.
    pub(super) added: Vec<Message>,
}

/// What takes the place of a node.
pub(super) enum Lifted {
    /// The node itself.
    Same,
    /// A changed copy of the node.
    Changed(NewNode),
    /// Other nodes, complete.
    Nodes(Vec<Message>),
}

/// An attribute does not have the type that ONNX says.
struct OtherType;

/// Raises the nodes of a network.
pub(super) struct Lift<'n> {
    /// The version that the network has.
    pub(super) from: i64,
    /// The names of its tensors.
    pub(super) taken: &'n HashSet<&'n str>,
    /// The tensors that something reads.
    pub(super) read: HashSet<&'n str>,
    /// Whether it computes in `float32` only.
    pub(super) is_float32: bool,
    /// The constants that were attributes.
    pub(super) weights: Message,
}

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
            ("Upsample" | "Resize", _) => self.resize(node),
            (
                "Clip" | "LogSoftmax" | "Pad" | "ReduceSum" | "Slice" | "Softmax" | "Squeeze"
                | "TopK" | "Unsqueeze",
                _,
            ) => Some(Lifted::Same),
            (operator, _) => SAME.contains(operator).then_some(Lifted::Same),
        }
    }

    /// Returns the name of a new tensor.
    fn name(&self, what: &str) -> String {
        unused(&format!("frostline.lifted.{what}"), self.taken)
    }

    /// Turns an attribute of integers into a constant; `None` if it is absent.
    fn list(
        &mut self,
        node: &Node,
        attribute: &str,
        what: &str,
    ) -> Result<Option<String>, OtherType> {
        if node.attribute(attribute).is_none() {
            return Ok(None);
        }
        let values = node.ints(attribute).ok_or(OtherType)?.to_vec();
        Ok(Some(self.integers(what, &values)))
    }

    fn integers(&mut self, what: &str, values: &[i64]) -> String {
        let name = self.name(what);
        self.weights.message(5, proto::integers(&name, values));
        name
    }

    /// Turns an attribute of one float into a constant; `None` if it is absent.
    fn scalar(
        &mut self,
        node: &Node,
        attribute: &str,
        what: &str,
    ) -> Result<Option<String>, OtherType> {
        match node.attribute(attribute) {
            None => Ok(None),
            Some(Attribute::Float(value)) if self.is_float32 => Ok(Some(self.float(what, *value))),
            Some(_) => Err(OtherType),
        }
    }

    fn float(&mut self, what: &str, value: f32) -> String {
        let name = self.name(what);
        let mut weight = tensor(&name, &[], element::FLOAT);
        weight.blob(9, value.to_le_bytes().to_vec());
        self.weights.message(5, weight);
        name
    }

    fn reduction(&mut self, node: &Node, axes: &str) -> Option<Lifted> {
        let axes = self.list(node, "axes", axes).ok()?;
        Some(changed(node, "axes", [axes], vec![]))
    }

    fn pad(&mut self, node: &Node, pads: &str, value: &str) -> Option<Lifted> {
        let pads = self.list(node, "pads", pads).ok()??;
        let value = self.scalar(node, "value", value).ok()?;
        Some(changed(node, "pads value", [Some(pads), value], vec![]))
    }

    fn slice(&mut self, node: &Node, index: usize) -> Option<Lifted> {
        let starts = node.ints("starts")?.to_vec();
        let ends = node.ints("ends")?.to_vec();
        let axes = match node.attribute("axes") {
            None => (0..starts.len() as i64).collect(),
            Some(_) => node.ints("axes")?.to_vec(),
        };
        let limits = [("starts", starts), ("ends", ends), ("axes", axes)];
        let limits =
            limits.map(|(name, values)| Some(self.integers(&format!("{index}.{name}"), &values)));
        Some(changed(node, "starts ends axes", limits, vec![]))
    }

    /// Before version 13, all axes from `axis` on were flattened, and 1 was the default.
    fn softmax(&self, index: usize, node: &Node) -> Option<Lifted> {
        let axis = match node.attribute("axis") {
            None => 1,
            Some(Attribute::Int(axis)) => *axis,
            Some(_) => return None,
        };
        let ([input], [output]) = (&node.inputs[..], &node.outputs[..]) else {
            return None;
        };
        if axis == -1 {
            return Some(Lifted::Same);
        }
        let [flat, soft, shape] =
            ["flat", "soft", "shape"].map(|part| self.name(&format!("{index}.{part}")));
        let node_of = |operator: &str, inputs: &[&str], output: &str, attributes| {
            proto::node(operator, output, inputs, output, attributes)
        };
        Some(Lifted::Nodes(vec![
            node_of("Flatten", &[input], &flat, vec![int("axis", axis)]),
            node_of(&node.operator, &[&flat], &soft, vec![int("axis", -1)]),
            node_of("Shape", &[input], &shape, vec![]),
            node_of("Reshape", &[&soft, &shape], output, vec![]),
        ]))
    }

    /// The other outputs are those of training, as is `spatial`.
    fn batch_normalization(&self, node: &Node) -> Option<Lifted> {
        let is_spatial = matches!(node.ints("spatial"), None | Some([1]));
        let is_inference = matches!(node.ints("training_mode"), None | Some([0]));
        if !is_spatial || !is_inference {
            return None;
        }
        self.with_one_output(node, &node.operator, &node.inputs, "spatial")
    }

    /// Without training, nothing is dropped.
    fn dropout(&self, node: &Node) -> Option<Lifted> {
        self.with_one_output(node, "Identity", node.inputs.get(..1)?, "ratio seed")
    }

    /// Returns a node with the first output, if nothing reads the others.
    fn with_one_output(
        &self,
        node: &Node,
        operator: &str,
        inputs: &[String],
        dropped: &'static str,
    ) -> Option<Lifted> {
        let mut others = node.outputs.iter().skip(1);
        let is_alone = others.all(|output| !self.read.contains(output.as_str()));
        is_alone.then(|| {
            Lifted::Changed(NewNode {
                operator: operator.to_owned(),
                inputs: inputs.to_vec(),
                outputs: node.outputs.iter().take(1).cloned().collect(),
                dropped: Names(dropped),
                added: vec![],
            })
        })
    }

    /// `Upsample`, and `Resize` of version 10, place pixels by their corners and round down.
    fn resize(&self, node: &Node) -> Option<Lifted> {
        let mode = match node.attribute("coordinate_transformation_mode") {
            Some(Attribute::Text(mode)) => mode.as_str(),
            _ => "",
        };
        let nearest_of_tensorflow = mode == "tf_half_pixel_for_nn";
        if node.operator == "Resize" && self.from > 10 {
            return (!nearest_of_tensorflow).then_some(Lifted::Same);
        }
        let (image, scales) = match &node.inputs[..] {
            [image, scales] => (image.clone(), scales.clone()),
            // Version 7 has the scales as an attribute.
            _ => return None,
        };
        Some(Lifted::Changed(NewNode {
            operator: "Resize".to_owned(),
            inputs: vec![image, String::new(), scales],
            outputs: node.outputs.clone(),
            dropped: Names(""),
            added: vec![
                text("coordinate_transformation_mode", "asymmetric"),
                text("nearest_mode", "floor"),
            ],
        }))
    }
}

/// Copies a node with more inputs, and without the attributes that they replace.
fn changed<const N: usize>(
    node: &Node,
    dropped: &'static str,
    more: [Option<String>; N],
    added: Vec<Message>,
) -> Lifted {
    let mut inputs = node.inputs.clone();
    inputs.extend(more.into_iter().map(Option::unwrap_or_default));
    while inputs.last().is_some_and(String::is_empty) {
        inputs.pop();
    }
    Lifted::Changed(NewNode {
        operator: node.operator.clone(),
        inputs,
        outputs: node.outputs.clone(),
        dropped: Names(dropped),
        added,
    })
}

/// The lengths became an input in version 13, and the number of parts an attribute in 18.
fn split(node: &Node, lengths: Option<String>) -> Lifted {
    let added = match lengths {
        None => vec![int("num_outputs", node.outputs.len() as i64)],
        Some(_) => vec![],
    };
    changed(node, "split", [lengths], added)
}
