//! Rewrites a network for the CPU: frostline's operators replace the layers that they compute faster.
//!
//! The file is unchanged: the new graph is assembled in memory from ranges of the file, without the weights
//! of the replaced layers. Those are read when the layers are created, one after the other. A convolution
//! absorbs the batch norm, activation and pooling that follow it; a linear layer absorbs its activation.

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
pub(super) use self::known::is_standard;
pub use self::layers::{ConvLayer, LinearLayer};
use self::linear::FoundLinear;
pub use self::numbers::is_too_large;
pub(super) use self::sizes::Sizes;
pub use self::steps::{CONV, DOMAIN, LAYER, LINEAR};
pub(super) use self::tensors::Tensors;
use self::walk::Walk;
use super::external;
use super::graph::Network;
use super::splice::Spliced;
use crate::error::{NetworkProblem, Result};

/// A network with frostline's operators.
#[derive(Debug)]
pub struct Rewritten {
    /// The new graph, with all weights that are not in layers.
    pub graph: Spliced,
    /// The folder with the network's external weight files.
    pub folder: PathBuf,
    /// The layers of its [`CONV`] nodes, by index.
    pub convolutions: Vec<ConvLayer>,
    /// The layers of its [`LINEAR`] nodes, by index.
    pub linears: Vec<LinearLayer>,
}

impl Network {
    /// Replaces layers as `wanted`, for an input that has `image` as its three lengths after the batch;
    /// `None` if no layer is replaced.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) if a pooling has an empty output;
    /// [`Error::Io`](crate::Error::Io) and [`Error::File`](crate::Error::File) if the file changes while it
    /// is read.
    pub fn rewrite(&self, image: [usize; 3], wanted: Convolutions) -> Result<Option<Rewritten>> {
        // Leave what is not understood here to ONNX Runtime: it may support it, or report it better.
        if external::check(self).is_err() {
            return Ok(None);
        }
        let Some(tensors) = Tensors::of(self) else {
            return Ok(None);
        };
        let sizes = Sizes::of(&tensors, image);
        if let Some(node) = sizes.empty() {
            // ONNX Runtime divides by the length of such an output, which kills the process.
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

/// The maximum number of layers with the same weights: each layer has its own copy of them.
const MOST_SHARING: usize = 8;

fn are_shared_much(convolutions: &[FoundConv], linears: &[FoundLinear]) -> bool {
    let weights = convolutions.iter().map(|found| &found.layer.weight);
    let weights = weights.chain(linears.iter().map(|(found, _)| &found.layer.weight));
    let mut uses = HashMap::new();
    weights.for_each(|weight| *uses.entry(weight).or_insert(0) += 1);
    uses.values().any(|&uses| uses > MOST_SHARING)
}
