//! The interface through which the rest of the library runs a frozen network.

use std::time::Duration;

use crate::error::Result;

/// A frozen network: preprocessed images in, features out.
///
/// There are two implementations: ONNX Runtime, and a stub without weights for tests.
pub trait Backbone: Send {
    /// Returns D, the number of features of an image.
    fn num_features(&self) -> usize;

    /// Returns further instances of the same network that are worth running in parallel with this one; none
    /// by default. On a device other than the CPU, they run one at a time, but one copies its images to the
    /// device while another computes.
    fn replicas(&self) -> Vec<Box<dyn Backbone>> {
        Vec::new()
    }

    /// Returns the number of CPUs that [`Self::forward`] keeps busy; 0 if it runs on another device.
    fn cpus(&self) -> usize {
        1
    }

    /// Returns how many of `n` images are worth running together; `n` by default, and 1 if a batch is as fast
    /// as its images one by one.
    fn best_batch(&self, n: usize) -> usize {
        n
    }

    /// Runs `images`, N images of equal size one after the other, and returns their features (N, D), row by
    /// row.
    ///
    /// The features of an image that the network cannot handle may be NaN or infinite; other rows are not
    /// affected.
    ///
    /// # Errors
    /// Those of the engine.
    fn forward(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>>;

    /// Does the same with N images in 8-bit RGB, (H, W, 3), which a device with memory of its own normalises.
    /// Returns `None` if images must be normalised before, as by default.
    ///
    /// # Errors
    /// Those of the engine.
    fn forward_pixels(&mut self, _images: &[&[u8]]) -> Option<Result<Forwarded>> {
        None
    }
}

/// The features of images, and the time they took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Forwarded {
    /// (N, D), row by row.
    pub features: Vec<f32>,
    /// How long normalising took, and copying to the device.
    pub preprocess: Duration,
    /// How long the network ran, without the time it was waited for.
    pub forward: Duration,
}

impl Forwarded {
    /// Adds the features of further images.
    pub(crate) fn extend(&mut self, more: Self) {
        self.features.extend(more.features);
        self.preprocess += more.preprocess;
        self.forward += more.forward;
    }
}
