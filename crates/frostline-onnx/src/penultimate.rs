//! Finds the layer that a network's last classifier reads.

use super::graph::{Names, Node};
use super::links::Links;
use crate::error::Candidate;

/// Operators that leave all values unchanged, allowed before and after the classifier.
const PASSING: Names = Names(
    "Identity Dropout Flatten Reshape Squeeze Unsqueeze Cast QuantizeLinear DequantizeLinear \
     DynamicQuantizeLinear",
);
/// Matrix products of quantised networks.
const QUANTISED: Names = Names("MatMulInteger MatMulIntegerToFloat DynamicQuantizeMatMul");
/// The output of a network for images and text that holds the features of an image, as in transformers' CLIP.
const IMAGE_EMBEDS: &str = "image_embeds";
/// The maximum number of nodes between a classifier and the node that takes its input from tokens.
const FARTHEST: usize = 8;
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
    /// It is the output `image_embeds` if there is one. Otherwise, each output must be the scores of a
    /// classifier (a `Gemm`, `MatMul` or 1 × 1 `Conv` with constant weights, or an `If` around such nodes),
    /// and all classifiers must read the same layer.
    pub(super) fn penultimate(&self) -> Result<&'m str, String> {
        let outputs = &self.graph.outputs;
        let mut embeds = outputs.iter().map(|output| output.name.as_str());
        if let Some(embeds) = embeds.find(|name| *name == IMAGE_EMBEDS) {
            return Ok(embeds);
        }
        if outputs.len() > MOST_OUTPUTS {
            return Err(format!("it has {} outputs", outputs.len()));
        }
        let mut found = None;
        for output in outputs {
            let Some(read) = self.read_by_classifier(&output.name) else {
                let name = &output.name;
                return Err(format!(
                    "its output `{name}` does not come from a classifier"
                ));
            };
            let layer = self.before(read);
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

    /// Returns the tokens that the classifier's input is taken from, or that input.
    pub(super) fn tokens(&self) -> Result<&'m str, String> {
        let layer = self.penultimate()?;
        Ok(self.taken_from(layer).unwrap_or(layer))
    }

    fn taken_from(&self, layer: &'m str) -> Option<&'m str> {
        let mut tensor = layer;
        for _ in 0..FARTHEST {
            let node = self.node(tensor)?;
            tensor = node.inputs.first()?;
            let others = || node.inputs[1..].iter().any(|input| self.is_live(input));
            match node.operator.as_str() {
                "Gather" if node.ints("axis") == Some(&[1]) && !others() => return Some(tensor),
                "Slice" | "ReduceMean" if !others() => return Some(tensor),
                "Concat" | "LayerNormalization" => {}
                operator if PASSING.contains(operator) => {}
                _ => return None,
            }
        }
        None
    }

    /// Returns the tensor that the classifier reads whose scores an output contains.
    fn read_by_classifier(&self, output: &str) -> Option<&'m str> {
        let (mut tensor, mut softmax, mut pooled) = (output, false, false);
        // Each step leads to another node, unless the graph has a cycle.
        for _ in 0..self.graph.nodes.len() {
            let node = self.node(tensor)?;
            let operator = node.operator.as_str();
            softmax |= matches!(operator, "Softmax" | "LogSoftmax");
            match operator {
                // Without a softmax after the mean, networks without a classifier end like this, too.
                "Conv" if self.is_classifier(node) => {
                    return (!pooled || softmax).then_some(&node.inputs[0]);
                }
                _ if self.is_classifier(node) => return (!pooled).then_some(&node.inputs[0]),
                "If" => return self.only_live(node.captured.iter()),
                "Mul" if let Some(product) = self.quantised_product(node) => tensor = product,
                "Add" | "Sum" | "Sub" | "Mul" | "Div" => {
                    tensor = self.only_live(node.inputs.iter())?;
                }
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
            // The scale and the zero point depend on the image.
            operator if QUANTISED.contains(operator) => {
                node.inputs.len() > 1
                    && self.is_live(&node.inputs[0])
                    && !self.is_live(&node.inputs[1])
            }
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

    /// Returns the product of integers that a node multiplies by its scale, which depends on the image.
    fn quantised_product(&self, node: &'m Node) -> Option<&'m str> {
        let mut inputs = node.inputs.iter();
        let product = inputs.find(|input| {
            let cast = self.node(input).filter(|node| node.operator == "Cast");
            let product = cast.and_then(|cast| self.node(cast.inputs.first()?));
            product.is_some_and(|product| product.operator == "MatMulInteger")
        });
        product.map(String::as_str)
    }

    fn only_live(&self, tensors: impl Iterator<Item = &'m String>) -> Option<&'m str> {
        let mut live = tensors.filter(|tensor| self.is_live(tensor));
        let only = live.next()?;
        live.all(|other| other == only).then_some(only)
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

    /// Returns the candidates for the layer before the classifier: the outputs, then those that nodes like a
    /// classifier read, in the order of the graph.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let mut all: Vec<Candidate> = Vec::new();
        for output in self.graph.outputs.iter().take(MOST_SHOWN) {
            let layer = self.before(&output.name);
            let shape = || self.shape_text(layer).unwrap_or_else(unknown);
            self.add_candidate(&mut all, layer, shape, "the output".to_owned());
        }
        let n_outputs = all.len();
        let nodes = self.graph.nodes.iter().rev();
        for node in nodes.filter(|node| self.is_classifier(node)) {
            if all.len() >= MOST_SHOWN {
                break;
            }
            let layer = self.before(&node.inputs[0]);
            let shape = || self.shape_before(layer, node);
            self.add_candidate(&mut all, layer, shape, format!("read by {}", node.title()));
        }
        all[n_outputs..].reverse();
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

#[cfg(test)]
mod tests {
    use crate::graph::Network;
    use crate::links::Links;
    use crate::tests::sample::{exported, open};

    #[test]
    fn layers_of_exported_networks() {
        for (file, penultimate, tokens) in [
            (
                "vit_condition",
                "/Gather_output_0",
                "/vit/layernorm/LayerNormalization_output_0",
            ),
            (
                "vit_quantised_dynamic",
                "/Gather_output_0",
                "/vit/layernorm/LayerNormalization_output_0",
            ),
            (
                "vit_quantised_static",
                "/Gather_output_0",
                "/vit/layernorm/LayerNormalization_output_0_DequantizeLinear_Output",
            ),
            ("dinov2_dynamo_free", "cat_1", "layer_norm_4"),
            ("clip_optimum", "image_embeds", "image_embeds"),
        ] {
            let network = Network::read(&exported(file), open).unwrap();
            let links = Links::new(&network.graph).unwrap();
            assert_eq!(links.penultimate().as_deref(), Ok(penultimate), "{file}");
            assert_eq!(links.tokens().as_deref(), Ok(tokens), "{file}");
        }
    }
}
