//! Finds the layer that a network's last classifier reads.

use super::graph::{Names, Node};
use super::links::Links;
use crate::error::Candidate;

/// Operators that leave all values unchanged, allowed before and after the classifier.
const PASSING: Names = Names(
    "Identity Dropout Flatten Reshape Squeeze Unsqueeze Cast QuantizeLinear DequantizeLinear",
);
/// Operators that squash scores, also allowed between the classifier and the network's output.
const SQUASHING: Names = Names("Softmax LogSoftmax Sigmoid");
/// Operators allowed after a classifier that is a convolution: its scores are averaged over positions.
const POOLED: Names = Names("Relu GlobalAveragePool AveragePool ReduceMean");

/// A network with more outputs than this is not a classifier.
const MOST_OUTPUTS: usize = 16;
/// The number of candidates shown: those closest to the output.
const MOST_SHOWN: usize = 8;

impl<'m> Links<'m> {
    /// Returns the layer that the classifier reads, or why it cannot be determined.
    ///
    /// Each output must be the scores of a classifier (a `Gemm`, `MatMul` or 1 × 1 `Conv` with constant
    /// weights), and all classifiers must read the same layer.
    pub(super) fn penultimate(&self) -> Result<&'m str, String> {
        let outputs = &self.graph.outputs;
        if outputs.len() > MOST_OUTPUTS {
            return Err(format!("it has {} outputs", outputs.len()));
        }
        let mut found = None;
        for output in outputs {
            let Some(classifier) = self.classifier(&output.name) else {
                let name = &output.name;
                return Err(format!(
                    "its output `{name}` does not come from a classifier"
                ));
            };
            let layer = self.before(&classifier.inputs[0]);
            if found.is_some_and(|found| found != layer) {
                return Err("its classifiers read different layers".to_owned());
            }
            found = Some(layer);
        }
        match found {
            None => Err("it has no output".to_owned()),
            Some(layer) if self.node(layer).is_none() => {
                Err("there is no layer before its classifier".to_owned())
            }
            Some(layer) => Ok(layer),
        }
    }

    /// Returns the classifier whose scores an output contains.
    fn classifier(&self, output: &str) -> Option<&'m Node> {
        let (mut tensor, mut softmax, mut pooled) = (output, false, false);
        // Each step leads to another node, unless the graph has a cycle.
        for _ in 0..self.graph.nodes.len() {
            let node = self.node(tensor)?;
            let operator = node.operator.as_str();
            softmax |= matches!(operator, "Softmax" | "LogSoftmax");
            match operator {
                "Gemm" | "MatMul" if self.is_classifier(node) => return (!pooled).then_some(node),
                // Without a softmax after the mean, networks without a classifier end like this, too.
                "Conv" if self.is_classifier(node) => return (!pooled || softmax).then_some(node),
                "Add" | "Sum" | "Sub" | "Mul" | "Div" => tensor = self.only_live_input(node)?,
                _ if POOLED.contains(operator) => {
                    pooled = true;
                    tensor = node.inputs.first()?;
                }
                _ if PASSING.contains(operator) || SQUASHING.contains(operator) => {
                    tensor = node.inputs.first()?;
                }
                _ => return None,
            }
        }
        None
    }

    /// Returns whether a node multiplies its first input by constant weights, each position on its own.
    fn is_classifier(&self, node: &Node) -> bool {
        let constant = node.inputs.len() > 1
            && self.is_live(&node.inputs[0])
            && !node.inputs[1..].iter().any(|input| self.is_live(input));
        match node.operator.as_str() {
            "Gemm" | "MatMul" => constant,
            "Conv" => {
                constant && node.ints("group").unwrap_or(&[1]) == [1] && self.looks_at_one(node)
            }
            _ => false,
        }
    }

    /// Returns whether a convolution's kernel is 1 × 1.
    fn looks_at_one(&self, conv: &Node) -> bool {
        match (
            conv.ints("kernel_shape"),
            self.weight_dims(&conv.inputs[1]).as_deref(),
        ) {
            (Some(kernel), _) | (None, Some([_, _, kernel @ ..])) => {
                kernel.iter().all(|&size| size == 1)
            }
            (None, _) => false,
        }
    }

    fn only_live_input(&self, node: &'m Node) -> Option<&'m str> {
        let mut live = node.inputs.iter().filter(|input| self.is_live(input));
        match (live.next(), live.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    /// Walks back from a classifier's input over nodes that leave its values unchanged.
    fn before(&self, tensor: &'m str) -> &'m str {
        let mut tensor = tensor;
        for _ in 0..self.graph.nodes.len() {
            let passed = self
                .node(tensor)
                .filter(|node| PASSING.contains(&node.operator))
                .and_then(|node| node.inputs.first())
                .filter(|input| self.is_live(input));
            match passed {
                Some(input) => tensor = input,
                None => break,
            }
        }
        tensor
    }

    /// Returns the candidates for the layer before the classifier, in the order of the graph.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let mut all: Vec<Candidate> = Vec::new();
        let nodes = self.graph.nodes.iter().rev();
        for node in nodes.filter(|node| self.is_classifier(node)) {
            let layer = self.before(&node.inputs[0]);
            let shape = || self.shape_before(layer, node);
            self.add_candidate(&mut all, layer, shape, format!("read by {}", node.title()));
            if all.len() == MOST_SHOWN {
                break;
            }
        }
        all.reverse();
        for output in self.graph.outputs.iter().take(MOST_SHOWN) {
            let layer = self.before(&output.name);
            let shape = || self.shape_text(layer).unwrap_or_else(unknown);
            self.add_candidate(&mut all, layer, shape, "the output".to_owned());
        }
        all
    }

    fn add_candidate(
        &self,
        all: &mut Vec<Candidate>,
        layer: &str,
        shape: impl FnOnce() -> String,
        reader: String,
    ) {
        if self.node(layer).is_some() && all.iter().all(|known| known.layer != layer) {
            all.push(Candidate {
                layer: layer.to_owned(),
                shape: shape(),
                reader,
            });
        }
    }

    /// Returns the shape of a layer, as far as the layer or its reader's weights determine it.
    fn shape_before(&self, layer: &str, reader: &Node) -> String {
        let weight = self.weight_dims(&reader.inputs[1]);
        let read = match (reader.operator.as_str(), weight.as_deref()) {
            ("Conv", Some([_, channels, ..])) => Some(*channels),
            ("Gemm", Some([_, length])) if reader.ints("transB") == Some(&[1]) => Some(*length),
            ("Gemm" | "MatMul", Some([length, _])) => Some(*length),
            _ => None,
        };
        let known = self.shape_text(layer);
        match (known, read) {
            (Some(known), _) if !known.contains('?') => known,
            (_, Some(channels)) if reader.operator == "Conv" => format!("(N, {channels}, ?, ?)"),
            (_, Some(length)) => format!("{length} values"),
            (known, None) => known.unwrap_or_else(unknown),
        }
    }
}

fn unknown() -> String {
    "unknown shape".to_owned()
}
