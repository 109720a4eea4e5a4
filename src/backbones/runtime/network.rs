//! A network and one run of it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use ort::session::Session;
use ort::value::TensorRef;

use super::environment::one_line;
use super::fault::is_out_of_memory;
use super::pool::pooled;
use super::session::Opener;
use super::signature::InputShape;
use crate::backbones::{Device, Pool};
use crate::error::Error;
use crate::images::Layout;

/// What a network and its replicas have in common.
pub(super) struct Network {
    pub(super) opener: Opener,
    pub(super) path: PathBuf,
    pub(super) layer: String,
    pub(super) shape: InputShape,
    pub(super) pool: Pool,
    pub(super) layout: Layout,
    /// The largest batch that the memory is known to be too small for; 0 for none.
    too_large: AtomicUsize,
    /// The largest batch so far: on a GPU, smaller ones are filled up to it.
    largest: AtomicUsize,
}

/// Why a run failed.
pub(super) enum RunFault {
    /// The batch does not fit into the memory.
    OutOfMemory(Error),
    /// Anything else.
    Other(Error),
}

impl From<RunFault> for Error {
    fn from(fault: RunFault) -> Self {
        match fault {
            RunFault::OutOfMemory(error) | RunFault::Other(error) => error,
        }
    }
}

impl Network {
    pub(super) fn new(
        opener: Opener,
        path: PathBuf,
        layer: String,
        shape: InputShape,
        pool: Pool,
        layout: Layout,
    ) -> Self {
        Self {
            opener,
            path,
            layer,
            shape,
            pool,
            layout,
            too_large: AtomicUsize::new(0),
            largest: AtomicUsize::new(0),
        }
    }

    /// How many of `n` images to run at once.
    pub(super) fn piece(&self, n: usize) -> usize {
        let most = match self.too_large() {
            Some(too_large) => too_large / 2,
            None => n,
        };
        n.min(self.shape.batch.unwrap_or(n)).min(most).max(1)
    }

    /// The largest batch that did not fit into the memory.
    pub(super) fn too_large(&self) -> Option<usize> {
        let too_large = self.too_large.load(Ordering::Relaxed);
        (too_large > 0).then_some(too_large)
    }

    /// Remembers that the memory is too small for a batch; whether a smaller one can be tried.
    pub(super) fn halve(&self, n: usize) -> bool {
        let may = n > 1 && self.shape.batch.is_none();
        if may {
            self.too_large.store(n, Ordering::Relaxed);
            self.largest.store(0, Ordering::Relaxed);
        }
        may
    }

    /// Runs `n` images; where the batch has to have another size, blank ones are added and their features dropped.
    pub(super) fn run(
        &self,
        session: &mut Session,
        images: &[f32],
        n: usize,
    ) -> Result<Vec<f32>, RunFault> {
        let batch = self.batch_for(n);
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

    /// A GPU searches anew for the fastest convolutions whenever the batch has another size.
    fn batch_for(&self, n: usize) -> usize {
        match self.shape.batch {
            Some(fixed) => fixed,
            None if self.opener.device == Device::Cpu => n,
            None => self.largest.fetch_max(n, Ordering::Relaxed).max(n),
        }
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
        let output = outputs
            .get(&self.layer)
            .expect("the layer was chosen among the outputs");
        let (dims, values) = output.try_extract_tensor::<f32>().map_err(fault)?;
        let dims: Vec<usize> = dims
            .iter()
            .map(|&d| usize::try_from(d).unwrap_or(0))
            .collect();
        if dims.first() != Some(&batch) || values.is_empty() {
            let problem =
                format!("{batch} images gave an output of shape {dims:?}, not a row for each");
            return Err(RunFault::Other(self.fault(problem, "")));
        }
        Ok(pooled(&dims, values, self.pool, self.layout))
    }

    fn run_fault(&self, error: &ort::Error, batch: usize) -> RunFault {
        let message = one_line(error);
        if is_out_of_memory(&message) {
            return RunFault::OutOfMemory(self.fault(
                format!("a batch of {batch} does not fit into the memory: {message}"),
                "give a smaller --batch-size, or --device cpu",
            ));
        }
        RunFault::Other(self.fault(
            format!("it cannot be run: {message}"),
            "see `frostline models show FILE` for what the network takes",
        ))
    }

    pub(super) fn fault(&self, problem: impl Into<String>, hint: impl Into<String>) -> Error {
        Error::Network {
            path: self.path.clone(),
            problem: problem.into(),
            hint: hint.into(),
        }
    }
}
