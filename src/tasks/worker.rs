//! `worker`: computes features for the record batches that another program sends.

use std::io::{Read, Write};
use std::path::PathBuf;

use super::provide::provide;
use crate::backbones::{DEFAULT_BACKBONE, Decoding, Frozen, Home, Overrides, RunOptions};
use crate::error::Result;
use crate::features::{Columns, Dtype, Pipeline, Served, Worker};
use crate::images::DecodeOptions;

/// The options of [`worker`](crate::tasks::worker()): what to compute, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WorkerOptions {
    /// A backbone's name, or the path of an ONNX file.
    pub backbone: PathBuf,
    /// Changes to its manifest.
    pub overrides: Overrides,
    /// How files are decoded.
    pub decoding: DecodeOptions,
    /// How the network is run; `threads` is also the number of decoding threads.
    pub run: RunOptions,
    /// The batch size of the network, in images.
    pub batch_size: usize,
    /// The precision of the returned features.
    pub dtype: Dtype,
    /// Which column has the images.
    pub columns: Columns,
}

impl WorkerOptions {
    /// Computes features with the default backbone, on all CPUs available to this process.
    #[must_use]
    pub fn new(home: Home) -> Self {
        Self {
            backbone: DEFAULT_BACKBONE.into(),
            overrides: Overrides::default(),
            decoding: DecodeOptions::default(),
            run: RunOptions::new(home),
            batch_size: 8,
            dtype: Dtype::default(),
            columns: Columns::default(),
        }
    }

    /// Opens the network.
    ///
    /// # Errors
    /// A backbone or device that does not work.
    pub fn open(&self) -> Result<Worker> {
        provide(&self.backbone, &self.run.home)?;
        let adjust = |manifest: &mut _| self.overrides.apply(manifest);
        let decoding = Decoding::of(&self.decoding);
        let network = Frozen::by_name(&self.backbone, adjust, decoding, &self.run)?;
        let pipeline = Pipeline {
            decoding: self.decoding,
            preprocessing: network.spec.preprocessing,
            views: network.spec.views.clone(),
            batch_size: self.batch_size,
            threads: self.run.threads,
        };
        Ok(Worker::new(
            network,
            pipeline,
            self.columns.clone(),
            self.dtype,
        ))
    }
}

/// Computes the features of the images in an Arrow IPC stream, and writes them as another stream, batch by
/// batch. An image that cannot be used has a `status` that says why, and no features.
///
/// # Errors
/// A backbone or device that does not work; an input that cannot be read, after the answers to all batches
/// before; an output that cannot be written.
pub fn worker(
    options: &WorkerOptions,
    input: impl Read + Send + 'static,
    output: &mut (dyn Write + Send),
) -> Result<Served> {
    options.open()?.serve(input, output)
}
