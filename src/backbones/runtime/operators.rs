//! Operators of our own: networks in which they take the place of some of ONNX Runtime's.

mod layers;
mod operator;
mod parallel;

use std::io;
use std::path::PathBuf;

use ort::operator::OperatorDomain;
use ort::session::Session;
use ort::session::builder::SessionBuilder;

use self::layers::Layers;
use self::operator::LayerOperator;
pub(super) use self::operator::is_not_ours;
use self::parallel::Threads;
use frostline_onnx::Spliced;
use frostline_onnx::rewrite::{CONV, DOMAIN, LINEAR, Rewritten};

/// A network with operators of our own, and their layers, which all of its sessions share.
pub(super) struct OwnNetwork {
    graph: Spliced,
    folder: PathBuf,
    layers: Layers,
}

/// Where ONNX Runtime looks for files of weights that a graph in memory names.
const FOLDER_OF_WEIGHTS: &str = "session.model_external_initializers_file_folder_path";

impl OwnNetwork {
    /// Reads the weights of the layers.
    ///
    /// # Errors
    /// Those of the network's files.
    pub(super) fn load(rewritten: Rewritten, threads: usize) -> io::Result<Self> {
        let layers = Layers::load(
            &rewritten.convolutions,
            &rewritten.linears,
            &Threads(threads),
        )?;
        Ok(Self {
            graph: rewritten.graph,
            folder: rewritten.folder,
            layers,
        })
    }

    /// How many convolutions are computed in the Winograd domain.
    pub(super) fn winograd_layers(&self) -> usize {
        self.layers.convolutions.len()
    }

    /// Opens a session, whose threads the operators share.
    pub(super) fn commit(&self, threads: usize, builder: SessionBuilder) -> ort::Result<Session> {
        let Layers {
            convolutions,
            products,
        } = self.layers.clone();
        let operators = OperatorDomain::new(DOMAIN)?
            .add(LayerOperator {
                name: CONV,
                layers: convolutions,
                threads,
            })?
            .add(LayerOperator {
                name: LINEAR,
                layers: products,
                threads,
            })?;
        let folder = self.folder.to_string_lossy();
        let mut builder = builder
            .with_config_entry(FOLDER_OF_WEIGHTS, &folder)?
            .with_operators(operators)?;
        let graph = self.graph.to_bytes();
        let graph = graph.map_err(|error| ort::Error::new(error.to_string()))?;
        builder.commit_from_memory(&graph)
    }
}
