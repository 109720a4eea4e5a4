//! Chooses what of a network is quantised.

use std::collections::{BTreeSet, HashMap};

use crate::error::{NetworkProblem, Result};
use crate::graph::{Attribute, Network, Node};
use crate::rewrite::Tensors;

/// The first version of ONNX's operators with a scale for each channel.
const FIRST_OPSET: i64 = 13;

/// What is quantised.
pub(super) struct Chosen<'m> {
    tensors: Tensors<'m>,
    /// The tensors that depend on the image.
    pub(super) live: BTreeSet<&'m str>,
    /// The nodes with weights, by their index.
    pub(super) layers: HashMap<usize, Layer>,
}

/// The weights of a node.
pub(super) struct Layer {
    pub(super) dims: Vec<i64>,
    pub(super) values: Vec<f32>,
    /// The axis of the output's channels.
    pub(super) axis: usize,
    pub(super) bias: Option<Vec<f32>>,
}

impl<'m> Chosen<'m> {
    pub(super) fn of(network: &'m Network) -> Result<Self> {
        let refused = |why: &str| NetworkProblem::NotInInt8(why.to_owned()).at(&network.path);
        if network.opset().unwrap_or_default() < FIRST_OPSET {
            return Err(refused("its operators are older than version 13"));
        }
        let tensors = Tensors::of(network).ok_or_else(|| refused("it defines a tensor twice"))?;
        let mut chosen = Self {
            tensors,
            live: BTreeSet::new(),
            layers: HashMap::new(),
        };
        for (i, node) in network.graph.nodes.iter().enumerate() {
            chosen.choose(i, node);
        }
        if chosen.layers.is_empty() {
            return Err(refused(
                "it has no convolution or linear layer with constant weights",
            ));
        }
        Ok(chosen)
    }

    /// Chooses what of a node is quantised.
    fn choose(&mut self, index: usize, node: &'m Node) {
        let inputs = match (node.operator.as_str(), &node.inputs[..]) {
            ("Conv" | "Gemm" | "MatMul", [input, weight, rest @ ..]) => {
                let Some(layer) = self.layer(node, weight, rest.first()) else {
                    return;
                };
                self.layers.insert(index, layer);
                vec![input.as_str()]
            }
            // Sums of other tensors may be those of shapes.
            ("Add", [left, right])
                if [left, right].iter().any(|t| self.live.contains(t.as_str())) =>
            {
                vec![left.as_str(), right.as_str()]
            }
            ("GlobalAveragePool" | "MaxPool" | "AveragePool", [input]) => vec![input.as_str()],
            _ => return,
        };
        if !inputs.iter().all(|input| self.tensors.is_live(input)) {
            self.layers.remove(&index);
            return;
        }
        self.live.extend(inputs);
        let Some(output) = node.outputs.first() else {
            return;
        };
        // An activation is computed together with the node before it.
        let output = match self.tensors.only_reader(output) {
            Some((_, reader)) if matches!(reader.operator.as_str(), "Relu" | "Clip") => {
                &reader.outputs[0]
            }
            _ => output,
        };
        if !self.tensors.is_output(output) {
            self.live.insert(output);
        }
    }

    fn layer(&self, node: &Node, weight: &'m str, bias: Option<&'m String>) -> Option<Layer> {
        let (dims, values) = self.tensors.floats(weight)?;
        let factor = |name: &str| match node.attribute(name) {
            None => true,
            Some(Attribute::Float(factor)) => (*factor - 1.0).abs() < f32::EPSILON,
            Some(_) => false,
        };
        let axis = match node.operator.as_str() {
            "Conv" => 0,
            "Gemm" => {
                let plain = factor("alpha") && factor("beta") && node.ints("transA") != Some(&[1]);
                let transposed = node.ints("transB") == Some(&[1]);
                plain.then_some(usize::from(!transposed))?
            }
            _ => (dims.len() == 2).then_some(1)?,
        };
        let channels = *dims.get(axis)?;
        let bias = bias.filter(|bias| !bias.is_empty());
        let bias = bias.and_then(|bias| self.tensors.floats(bias));
        let bias = bias.filter(|(dims, _)| dims[..] == [channels]);
        Some(Layer {
            dims,
            values,
            axis,
            bias: bias.map(|(_, values)| values),
        })
    }
}
