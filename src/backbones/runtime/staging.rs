//! Runs 8-bit images on a device with memory of its own.
//!
//! A batch is copied to the device as bytes, a quarter of the size of its `float32` values, from memory that
//! the device reads directly (pinned). The device normalises it. Each lane has its own memory on both sides,
//! and all lanes share the network, so one lane copies its batch while the network runs that of another.
//!
//! CUDA graphs are not used. They would save the time of starting kernels, which matters for single images,
//! but a graph contains the addresses of one lane's memory, and `ort` requires that one thread runs it.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::batch_sizes::BatchSizes;
use super::network::RunFault;
use super::pieces::Pieces;
use crate::backbones::backbone::Forwarded;
use crate::error::Result;

/// The memory of a lane for one batch, on the device and on this side.
pub(super) trait Staging {
    /// The network, which all lanes share.
    type Network;
    /// What the network returns for a batch.
    type Output;

    /// Copies images to the device, and normalises them there. The batch is filled up with black images.
    fn load(&mut self, images: &[&[u8]], batch: usize) -> Result<(), RunFault>;

    /// Runs the network on the loaded batch.
    fn compute(&mut self, network: &mut Self::Network) -> Result<Self::Output, RunFault>;

    /// Returns the features in the network's output, row by row.
    fn features(&self, output: &Self::Output) -> Result<Vec<f32>, RunFault>;
}

/// Runs images of a lane through the network, in batches of these sizes.
pub(super) fn forward<S: Staging>(
    staging: &mut S,
    network: &Mutex<S::Network>,
    sizes: &BatchSizes,
    images: &[&[u8]],
) -> Result<Forwarded> {
    let mut all = Forwarded::default();
    Pieces::Fastest.run(sizes, images.len(), |piece| {
        let batch = sizes.batch(piece.len());
        all.extend(forward_batch(staging, network, &images[piece], batch)?);
        Ok(())
    })?;
    Ok(all)
}

/// Runs images in a batch of this size. The network is locked only while it runs.
fn forward_batch<S: Staging>(
    staging: &mut S,
    network: &Mutex<S::Network>,
    images: &[&[u8]],
    batch: usize,
) -> Result<Forwarded, RunFault> {
    let start = Instant::now();
    staging.load(images, batch)?;
    let preprocess = start.elapsed();
    let mut locked = network.lock().unwrap_or_else(PoisonError::into_inner);
    let start = Instant::now();
    let output = staging.compute(&mut locked)?;
    drop(locked);
    let mut features = staging.features(&output)?;
    let forward = start.elapsed();
    features.truncate(features.len() / batch * images.len());
    Ok(Forwarded {
        features,
        preprocess,
        forward,
    })
}

#[cfg(test)]
mod tests;
