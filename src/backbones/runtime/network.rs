//! Runs a batch of images through a network.

use std::sync::OnceLock;

use ort::session::Session;
use ort::value::{DynValue, TensorRef};

use super::batch_sizes::BatchSizes;
use super::environment::one_line;
use super::fault;
use super::operators::is_not_ours;
use super::pool::{Pooled, Pooling};
use super::session::Opener;
use super::signature::InputShape;
use crate::backbones::FeatureLayer;
use crate::error::{Error, NetworkProblem};
use crate::images::Layout;

/// What a network and its replicas share.
pub(super) struct Network {
    pub(super) opener: Opener,
    pub(super) layer: String,
    pub(super) shape: InputShape,
    /// The order of the axes of the image.
    pub(super) layout: Layout,
    /// What the manifest says of the layer.
    pub(super) wanted: FeatureLayer,
    /// How the layer is pooled, known from the first batch on.
    pub(super) pooling: OnceLock<Pooling>,
    pub(super) sizes: BatchSizes,
}

/// Why a run failed.
pub(super) enum RunFault {
    /// The batch does not fit into memory.
    OutOfMemory(Error),
    /// One of frostline's operators cannot handle its input; ONNX Runtime's may.
    NotOurs(Error),
    /// Anything else.
    Other(Error),
}

impl From<Error> for RunFault {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<RunFault> for Error {
    fn from(fault: RunFault) -> Self {
        match fault {
            RunFault::OutOfMemory(error) | RunFault::NotOurs(error) | RunFault::Other(error) => {
                error
            }
        }
    }
}

impl Network {
    /// Runs `n` images. If the batch has to be larger, blank images are added and their features dropped.
    pub(super) fn run(
        &self,
        session: &mut Session,
        images: &[f32],
        n: usize,
    ) -> Result<Vec<f32>, RunFault> {
        let batch = self.sizes.batch(n);
        let mut padded = Vec::new();
        let images = if batch == n {
            images
        } else {
            padded.extend_from_slice(images);
            padded.resize(batch * self.shape.image_len(), 0.0);
            &padded
        };
        let mut features = self.run_batch(session, batch, images)?;
        features.truncate(features.len() / batch * n);
        Ok(features)
    }

    fn run_batch(
        &self,
        session: &mut Session,
        batch: usize,
        images: &[f32],
    ) -> Result<Vec<f32>, RunFault> {
        let [a, b, c] = self.shape.image;
        let fault = |e| self.run_fault(&e, batch);
        let input = TensorRef::from_array_view(([batch, a, b, c], images)).map_err(fault)?;
        let outputs = session.run(ort::inputs![input]).map_err(fault)?;
        let output = outputs.get(&self.layer);
        self.features(
            batch,
            output.expect("the layer was chosen among the outputs"),
        )
    }

    /// Returns the features in the value of the layer for a batch.
    pub(super) fn features(&self, batch: usize, output: &DynValue) -> Result<Vec<f32>, RunFault> {
        let values = output.try_extract_tensor::<f32>();
        let (dims, values) = values.map_err(|e| self.run_fault(&e, batch))?;
        let dims: Vec<usize> = dims
            .iter()
            .map(|&d| usize::try_from(d).unwrap_or(0))
            .collect();
        if dims.first() != Some(&batch) || values.is_empty() {
            let problem = NetworkProblem::NotRows { batch, shape: dims };
            return Err(self.fault(problem).into());
        }
        Ok(self.pooling(&dims)?.features(&dims, values))
    }

    /// Returns how the layer is pooled, whose output has these lengths.
    fn pooling(&self, dims: &[usize]) -> Result<Pooling, Error> {
        if let Some(known) = self.pooling.get() {
            return Ok(*known);
        }
        let pooled = Pooled {
            path: &self.opener.path,
            layer: &self.layer,
            image: self.shape.image,
            layout: self.layout,
        };
        let pooling = Pooling::of(&self.wanted, dims, &pooled)?;
        Ok(*self.pooling.get_or_init(|| pooling))
    }

    pub(super) fn run_fault(&self, error: &ort::Error, batch: usize) -> RunFault {
        let message = one_line(error);
        if fault::is_out_of_memory(&message) {
            let problem = NetworkProblem::BatchTooLarge { batch, message };
            return RunFault::OutOfMemory(self.fault(problem));
        }
        if let Some(error) = fault::library(self.opener.device, &message) {
            return RunFault::Other(error);
        }
        let kind = if is_not_ours(&message) {
            RunFault::NotOurs
        } else {
            RunFault::Other
        };
        kind(self.fault(NetworkProblem::NotRun(message)))
    }

    pub(super) fn fault(&self, problem: NetworkProblem) -> Error {
        problem.at(&self.opener.path)
    }
}
