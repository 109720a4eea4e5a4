//! Networks in which frostline's operators replace some of ONNX Runtime's.

mod layers;
mod operator;
mod parallel;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use ort::operator::OperatorDomain;
use ort::session::Session;
use ort::session::builder::SessionBuilder;

use self::operator::LayerOperator;
pub(super) use self::operator::is_not_ours;
use self::parallel::Threads;
use crate::backbones::onnx::open;
use frostline_kernels::{Conv3x3, Linear};
use frostline_onnx::Spliced;
use frostline_onnx::rewrite::{CONV, DOMAIN, LINEAR, Rewritten};

/// A network with frostline's operators, and their layers, which all of its sessions share.
pub(super) struct OwnNetwork {
    graph: Spliced,
    folder: PathBuf,
    /// The layers, indexed by their numbers in the graph.
    convolutions: Arc<[Conv3x3]>,
    products: Arc<[Linear]>,
}

/// The option for the folder in which ONNX Runtime looks for the weight files of a graph in memory.
const FOLDER_OF_WEIGHTS: &str = "session.model_external_initializers_file_folder_path";

impl OwnNetwork {
    /// Reads the weights of the layers.
    ///
    /// # Errors
    /// Those of reading the network's files.
    pub(super) fn load(rewritten: Rewritten, threads: usize) -> io::Result<Self> {
        let threads = Threads(threads);
        let products = rewritten.linears.iter();
        let products = products.map(|layer| layer.load(open, &threads));
        Ok(Self {
            convolutions: layers::load(&rewritten.convolutions, &threads)?,
            products: products.collect::<io::Result<_>>()?,
            graph: rewritten.graph,
            folder: rewritten.folder,
        })
    }

    /// Returns how many convolutions frostline's operators compute.
    pub(super) fn n_convolutions(&self) -> usize {
        self.convolutions.len()
    }

    /// Returns how many of them are computed in the Winograd domain.
    pub(super) fn n_winograd(&self) -> usize {
        let convolutions = self.convolutions.iter();
        convolutions.filter(|layer| layer.is_winograd()).count()
    }

    /// Opens a session, whose threads the operators use too.
    pub(super) fn commit(&self, threads: usize, builder: SessionBuilder) -> ort::Result<Session> {
        let convolutions = LayerOperator {
            name: CONV,
            layers: Arc::clone(&self.convolutions),
            threads,
        };
        let products = LayerOperator {
            name: LINEAR,
            layers: Arc::clone(&self.products),
            threads,
        };
        let operators = OperatorDomain::new(DOMAIN)?
            .add(convolutions)?
            .add(products)?;
        let folder = self.folder.to_string_lossy();
        let mut builder = builder
            .with_config_entry(FOLDER_OF_WEIGHTS, &folder)?
            .with_operators(operators)?;
        let graph = self.graph.to_bytes();
        let graph = graph.map_err(|error| ort::Error::new(error.to_string()))?;
        builder.commit_from_memory(&graph)
    }
}
