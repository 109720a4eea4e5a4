//! The nodes of the new graph.

use std::collections::HashSet;

use super::super::graph::Node;
use super::tensors::Tensors;

/// The domain of frostline's operators in a graph.
pub const DOMAIN: &str = "frostline";
/// A convolution: one input in the layout of its layer, and one output with its channels last. It is not
/// called `Conv` because parts of ONNX Runtime look only at an operator's name.
pub const CONV: &str = "Conv3x3";
/// A linear layer over the last dimension.
pub const LINEAR: &str = "Linear";
/// The attribute with the index of a layer.
pub const LAYER: &str = "layer";

/// A node of the new graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// An unchanged node, by its index.
    Same(usize),
    /// A node with new names for its inputs and output.
    Renamed {
        node: usize,
        inputs: Vec<String>,
        output: String,
        /// The new value of `axis`, if it changes.
        axis: Option<i64>,
    },
    /// A new node, with its input and output.
    New(New, [String; 2]),
}

/// What a new node does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum New {
    /// Reorders the four dimensions.
    Transpose([i64; 4]),
    /// Runs a frostline operator: its name, and the index of its layer.
    Own(&'static str, usize),
}

impl Step {
    /// Returns the tensors that it reads.
    fn needs<'a>(&'a self, nodes: &'a [Node]) -> Vec<&'a str> {
        match self {
            Self::Same(node) => nodes[*node].needs().collect(),
            Self::Renamed { inputs, .. } => inputs.iter().map(String::as_str).collect(),
            Self::New(_, [input, _]) => vec![input],
        }
    }
}

/// Drops the constants that are now in a layer. Other nodes that lead to no output stay: ONNX Runtime may
/// refuse them.
pub(super) fn without_constants(steps: Vec<Step>, tensors: &Tensors) -> Vec<Step> {
    let nodes = tensors.nodes();
    let mut needed: HashSet<String> = tensors.outputs().map(ToOwned::to_owned).collect();
    let mut kept = Vec::with_capacity(steps.len());
    for step in steps.into_iter().rev() {
        let dropped = matches!(step, Step::Same(i)
            if tensors.is_constant(&nodes[i]) && !needed.contains(&nodes[i].outputs[0]));
        if !dropped {
            needed.extend(step.needs(nodes).into_iter().map(ToOwned::to_owned));
            kept.push(step);
        }
    }
    kept.reverse();
    kept
}

/// Returns all tensors that the steps read.
pub(super) fn needed<'a>(steps: &'a [Step], nodes: &'a [Node]) -> HashSet<&'a str> {
    steps.iter().flat_map(|step| step.needs(nodes)).collect()
}
