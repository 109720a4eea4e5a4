//! Finds how many tokens of a transformer come before those of the image's patches: class and register
//! tokens.

use super::external;
use super::graph::{Names, Network, Node};
use super::layer::LayerChoice;
use super::links::Links;
use super::rewrite::{Sizes, Tensors};
use crate::error::{NetworkProblem, Result};

/// Operators that repeat or rename the values of their first input.
const REPEATING: Names = Names("Expand Tile Identity Cast Reshape Unsqueeze");
/// The maximum number of such nodes between a token and the node that joins it; this also ends cycles.
const FARTHEST: usize = 8;

impl Network {
    /// Returns how many of the tokens of a layer of shape (N, `tokens`, D) come before those of the patches,
    /// if images have the three lengths `image` after the batch; `None` if the graph does not determine it.
    ///
    /// There are none unless the network joins constant tokens to others. Then the others are the positions
    /// of its convolution, if it has only one.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) if the graph is invalid, or weights in external files
    /// overlap or are reused too often.
    pub fn prefix_tokens(
        &self,
        layer: &str,
        image: [usize; 3],
        tokens: usize,
    ) -> Result<Option<usize>> {
        external::check(self)?;
        let fault = |problem: NetworkProblem| problem.at(&self.path);
        let links = Links::new(&self.graph).map_err(fault)?;
        let layer = LayerChoice::from(layer).find(&links).map_err(fault)?;
        let reach = links.reach(layer, &[]).map_err(fault)?;
        let nodes: Vec<_> = reach.nodes_of(&self.graph).map(|(_, node)| node).collect();
        if !nodes.iter().any(|node| links.joins_tokens(node)) {
            return Ok(Some(0));
        }
        let convolutions = nodes.iter().filter(|node| node.operator == "Conv");
        let (&[conv], Some(tensors)) = (&*convolutions.collect::<Vec<_>>(), Tensors::of(self))
        else {
            return Ok(None);
        };
        let sizes = Sizes::of(&tensors, image);
        let output = conv.outputs.first();
        let patches = output.and_then(|output| sizes.places(output));
        let patches = patches.map(|[height, width]| height * width);
        Ok(patches.and_then(|patches| tokens.checked_sub(patches)))
    }
}

impl Links<'_> {
    /// Returns whether a node joins tokens that are the same for all images to others.
    fn joins_tokens(&self, node: &Node) -> bool {
        let along_tokens = matches!(node.ints("axis"), Some([1 | -2]));
        let is_same = |input: &String| !self.is_live(self.repeated(input));
        let is_live = |input: &String| self.is_live(self.repeated(input));
        let mut inputs = node.inputs.iter();
        node.operator == "Concat"
            && along_tokens
            && inputs.clone().any(is_live)
            && inputs.any(is_same)
    }

    /// Returns the tensor whose values a tensor repeats.
    fn repeated<'a>(&'a self, mut tensor: &'a str) -> &'a str {
        for _ in 0..FARTHEST {
            match self.node(tensor) {
                Some(node) if REPEATING.contains(&node.operator) && !node.inputs.is_empty() => {
                    tensor = &node.inputs[0];
                }
                _ => break,
            }
        }
        tensor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::sample::{exported, open};

    fn network(file: &str) -> Network {
        Network::read(&exported(file), open).unwrap()
    }

    #[test]
    fn class_and_register_tokens_of_exported_networks() {
        // Images of 32 × 32 pixels have 16 patches.
        for (file, tokens, prefix) in [
            ("vit_torchscript_free", 17, 1),
            ("vit_dynamo_1", 17, 1),
            ("dinov2_torchscript_free", 17, 1),
            ("dinov2_registers_dynamo_free", 21, 5),
            ("siglip_vision_dynamo_free", 16, 0),
        ] {
            let network = network(file);
            let links = Links::new(&network.graph).unwrap();
            let layer = links.tokens().unwrap_or("last_hidden_state");
            let found = network.prefix_tokens(layer, [3, 32, 32], tokens).unwrap();
            assert_eq!(found, Some(prefix), "{file}, {layer}");
            let axis = network.channel_axis(layer, 1, 3).unwrap();
            assert_eq!(axis, Some(2), "{file}, {layer}");
        }
    }

    #[test]
    fn fewer_tokens_than_patches_are_unclear() {
        let network = network("vit_torchscript_free");
        let layer = "/vit/layernorm/LayerNormalization_output_0";
        let found = network.prefix_tokens(layer, [3, 32, 32], 15).unwrap();
        assert_eq!(found, None);
    }
}
