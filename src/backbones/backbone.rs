//! The interface through which the rest of the library runs a frozen network.

use crate::error::Result;

/// A frozen network: preprocessed images in, features out.
///
/// There are two implementations: ONNX Runtime, and a stub without weights for tests.
pub trait Backbone: Send {
    /// Returns D, the number of features of an image.
    fn num_features(&self) -> usize;

    /// Returns further instances of the same network that are worth running in parallel with this one; none
    /// by default.
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
}
