//! A network for the CPU in which operators of our own take the place of what they are faster at.
//!
//! The file stays as it is: the new graph is made in memory, of ranges of the file, and holds no weights of
//! the replaced layers. Those are read by ranges when the layers are made, one after the other. A convolution
//! takes the batch norm, activation and pooling that follow it; a linear layer its activation.

mod choice;
mod convolution;
mod found;
mod known;
mod layers;
mod linear;
mod numbers;
mod sizes;
mod steps;
mod tensors;
mod walk;
mod write;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub use self::choice::Convolutions;
use self::convolution::FoundConv;
pub use self::layers::{ConvLayer, LinearLayer};
use self::linear::FoundLinear;
pub use self::numbers::is_too_large;
use self::sizes::Sizes;
pub use self::steps::{CONV, DOMAIN, LAYER, LINEAR};
use self::tensors::Tensors;
use self::walk::Walk;
use super::external;
use super::graph::Network;
use super::splice::Spliced;
use crate::error::{NetworkProblem, Result};

/// A network with operators of our own.
#[derive(Debug)]
pub struct Rewritten {
    /// Its bytes hold all weights that are not in layers.
    pub graph: Spliced,
    /// The folder that files of weights beside the network lie in.
    pub folder: PathBuf,
    /// The layers of its `Conv`, by their numbers.
    pub convolutions: Vec<ConvLayer>,
    /// The layers of its `Linear`, by their numbers.
    pub linears: Vec<LinearLayer>,
}

impl Network {
    /// Replaces what is wanted, for an input that has `image` as its three lengths after the batch; `None`
    /// where nothing is.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) where a pooling has no output;
    /// [`Error::Io`](crate::Error::Io) and [`Error::File`](crate::Error::File) where the file changes
    /// meanwhile.
    pub fn rewrite(&self, image: [usize; 3], wanted: Convolutions) -> Result<Option<Rewritten>> {
        // What is not understood is for ONNX Runtime to say: it may know more of it, or better words.
        if external::check(self).is_err() {
            return Ok(None);
        }
        let Some(tensors) = Tensors::of(self) else {
            return Ok(None);
        };
        let sizes = Sizes::of(&tensors, image);
        if let Some(node) = sizes.empty() {
            // ONNX Runtime divides by the length of such an output, which ends the process.
            return Err(NetworkProblem::WindowTooLarge(node.title()).at(&self.path));
        }
        if wanted == Convolutions::Direct || !tensors.are_certain() {
            return Ok(None);
        }
        let convolutions = convolution::found(&tensors, |shape, output, joined| {
            choice::convolution(wanted, shape, sizes.places(output), joined)
        });
        let linears = linear::found(&tensors, &sizes);
        if convolutions.is_empty() || are_shared_much(&convolutions, &linears) {
            return Ok(None);
        }
        let walked = Walk::over(&tensors, &sizes, convolutions, linears);
        Ok(Some(Rewritten {
            graph: write::graph(&tensors, &walked.steps)?,
            folder: self.path.parent().unwrap_or(Path::new("")).to_owned(),
            convolutions: walked.convolutions,
            linears: walked.linears,
        }))
    }
}

/// How many layers may have the same weights: each has a copy of its own, which the file has not.
const MOST_SHARING: usize = 8;

fn are_shared_much(convolutions: &[FoundConv], linears: &[FoundLinear]) -> bool {
    let weights = convolutions.iter().map(|found| &found.layer.weight);
    let weights = weights.chain(linears.iter().map(|(found, _)| &found.layer.weight));
    let mut uses = HashMap::new();
    weights.for_each(|weight| *uses.entry(weight).or_insert(0) += 1);
    uses.values().any(|&uses| uses > MOST_SHARING)
}
