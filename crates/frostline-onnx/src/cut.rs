//! Cuts a network at a layer, the frost line: everything that does not lead to it is dropped.

use std::collections::HashSet;
use std::path::PathBuf;

use super::batch::{Batch, Freeing};
use super::external::{self, file_beside};
use super::graph::{Dim, Network, Node, Payload, Weight, element};
use super::input::{Element, ImageInput};
use super::layer::LayerChoice;
use super::links::{Links, Reach};
use crate::error::{NetworkProblem, Result};

/// The part of a network up to a layer: one input, one output, and everything between them.
///
/// Input and output are `float32`, and weights are not inputs; the rest is unchanged, apart from the batch
/// size ([`Batch`]).
#[derive(Debug)]
pub struct Cut<'m> {
    pub(super) network: &'m Network,
    pub(super) reach: Reach,
    pub(super) freeing: Freeing,
    pub(super) layer: &'m str,
    /// The lengths of the layer's dimensions after the batch, as far as they are known.
    pub(super) shape: Option<Vec<Dim>>,
    pub(super) ends: Ends,
    pub(super) image_input: ImageInput,
    /// The network's file, and the external weight files it needs.
    pub(super) sources: Vec<PathBuf>,
}

/// The names of the input and output that are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) input: String,
    pub(super) output: String,
}

impl Network {
    /// Cuts the network after a layer, and frees the batch size.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) if the layer does not exist or is ambiguous, with the
    /// candidates; if the graph is invalid; if the layer does not depend on exactly one image input.
    pub fn cut(&self, layer: &LayerChoice) -> Result<Cut<'_>> {
        self.cut_with(layer, Batch::Free)
    }

    /// Cuts the network after a layer, and frees the batch size or keeps it.
    ///
    /// # Errors
    /// Those of [`cut`](Self::cut).
    pub fn cut_with(&self, layer: &LayerChoice, batch: Batch) -> Result<Cut<'_>> {
        let fault = |problem: NetworkProblem| problem.at(&self.path);
        external::check(self)?;
        let graph = &self.graph;
        let links = Links::new(graph).map_err(fault)?;
        let layer = layer.find(&links).map_err(fault)?;
        let reach = links.reach(layer, &[]).map_err(fault)?;
        self.refuse_hidden_weights(&reach).map_err(fault)?;
        let mut image_input = self.image_input(&reach).map_err(fault)?;
        let freeing = match batch {
            Batch::Free => links.free_batch(
                &reach,
                image_input.batch.map(|size| size as i64),
                self.opset().unwrap_or_default(),
            ),
            Batch::Fixed => {
                image_input.dims[0] = Dim::Fixed(image_input.batch.unwrap_or(1));
                Freeing::default()
            }
            Batch::AsInFile => {
                if let Some(batch) = image_input.batch {
                    image_input.dims[0] = Dim::Fixed(batch);
                }
                Freeing::default()
            }
        };
        let reach = links.reach(layer, &freeing.new_targets()).map_err(fault)?;
        let ends = self.ends(layer, &image_input, &reach);
        Ok(Cut {
            network: self,
            sources: self.sources(&reach)?,
            reach,
            freeing,
            layer,
            shape: links.image_dims(layer),
            ends,
            image_input,
        })
    }

    /// Returns the image input: the only input that leads to the layer.
    fn image_input(&self, reach: &Reach) -> Result<ImageInput, NetworkProblem> {
        let inputs: Vec<_> = reach.inputs_of(&self.graph).collect();
        match inputs.as_slice() {
            [only] => ImageInput::of(only),
            several => {
                let names = several.iter().map(|info| format!("`{}`", info.name));
                Err(NetworkProblem::ManyInputs(names.collect()))
            }
        }
    }

    /// Refuses external data in nodes: external weights are only supported in the list of weights.
    fn refuse_hidden_weights(&self, reach: &Reach) -> Result<(), NetworkProblem> {
        for (_, node) in reach.nodes_of(&self.graph) {
            let is_hidden = |weight: &Weight| matches!(weight.payload, Payload::External(_));
            if node.constants().any(is_hidden) {
                return Err(NetworkProblem::HiddenWeights(node.title()));
            }
        }
        Ok(())
    }

    /// Returns the names of input and output; a cast needs an extra name.
    fn ends(&self, layer: &str, image_input: &ImageInput, reach: &Reach) -> Ends {
        let taken = self.graph.names();
        let converted = |name: &str, needed: bool| {
            if needed {
                unused(&format!("{name}_float32"), &taken)
            } else {
                name.to_owned()
            }
        };
        Ends {
            input: converted(&image_input.name, image_input.element != Element::Float32),
            output: converted(layer, self.may_be_no_float(layer, image_input, reach)),
        }
    }

    /// Returns whether a layer may have another type than `float32`. A cast from `float32` to `float32` costs
    /// nothing.
    fn may_be_no_float(&self, layer: &str, image_input: &ImageInput, reach: &Reach) -> bool {
        let graph = &self.graph;
        if let Some(known) = graph.info(layer).and_then(|info| info.element) {
            return known != element::FLOAT;
        }
        let mut weights = reach.weights_of(graph);
        image_input.element != Element::Float32
            || weights.any(|weight| is_other_float(weight.element))
            || reach
                .nodes_of(graph)
                .any(|(_, node)| may_give_no_float(node))
    }

    /// Returns the network's file and the external weight files it needs, which must exist.
    fn sources(&self, reach: &Reach) -> Result<Vec<PathBuf>> {
        let mut sources = vec![self.path.clone()];
        for weight in reach.weights_of(&self.graph) {
            if let Payload::External(external) = &weight.payload {
                let file = file_beside(&self.path, &external.location, self.open)?;
                if !sources.contains(&file) {
                    sources.push(file);
                }
            }
        }
        Ok(sources)
    }
}

fn is_other_float(number: i32) -> bool {
    [element::FLOAT16, element::BFLOAT16, element::DOUBLE].contains(&number)
}

/// Returns whether a node can introduce another type.
fn may_give_no_float(node: &Node) -> bool {
    let casts = node
        .ints("to")
        .is_some_and(|to| to.iter().any(|&to| is_other_float(to as i32)));
    let is_other = |weight: &Weight| is_other_float(weight.element);
    casts || node.operator.ends_with("Linear") || node.constants().any(is_other)
}

pub(super) fn unused(wanted: &str, taken: &HashSet<&str>) -> String {
    let mut name = wanted.to_owned();
    while taken.contains(name.as_str()) {
        name.push('_');
    }
    name
}

impl Cut<'_> {
    /// Returns the name of the output in the new file.
    #[must_use]
    pub fn output(&self) -> &str {
        &self.ends.output
    }

    /// Returns the image input, as in the original file.
    #[must_use]
    pub fn image_input(&self) -> &ImageInput {
        &self.image_input
    }

    /// Returns the nodes with a constant that contained the batch size, which were rewritten.
    #[must_use]
    pub fn rewritten(&self) -> Vec<String> {
        self.titles(self.freeing.rewritten())
    }

    /// Returns the nodes to look at if batches give wrong results: the rewritten ones, and those with a
    /// constant that may contain the batch size.
    #[must_use]
    pub fn suspects(&self) -> Vec<String> {
        let mut nodes = self.freeing.rewritten();
        nodes.extend(&self.freeing.suspects);
        nodes.sort_unstable();
        self.titles(nodes)
    }

    fn titles(&self, nodes: impl IntoIterator<Item = usize>) -> Vec<String> {
        let nodes = nodes.into_iter();
        nodes.map(|i| self.network.graph.nodes[i].title()).collect()
    }

    /// Returns how many nodes and weights are kept, each with its number in the original file.
    #[must_use]
    pub fn sizes(&self) -> [(usize, usize); 2] {
        [&self.reach.nodes, &self.reach.weights]
            .map(|kept| (kept.iter().filter(|kept| **kept).count(), kept.len()))
    }
}
