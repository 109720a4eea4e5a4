//! The frozen network as the rest of the library sees it.

use crate::error::Result;

/// A frozen network: preprocessed images in, features out.
///
/// There are two: ONNX Runtime, and a stub that tests use without any weights.
pub trait Backbone: Send {
    /// D, the length of an image's features.
    fn num_features(&self) -> usize;

    /// More of the same network, as many as are worth running side by side with this one; none unless a
    /// backbone says so.
    fn replicas(&self) -> Vec<Box<dyn Backbone>> {
        Vec::new()
    }

    /// How many CPUs [`Self::forward`] keeps busy; 0 where it runs on another device.
    fn cpus(&self) -> usize {
        1
    }

    /// Runs `images`, N pictures of equal size one after the other, and returns their features (N, D), row by
    /// row; those of a picture that the network cannot take may be NaN or infinite, which spoils no other
    /// row.
    ///
    /// # Errors
    /// The engine's own.
    fn forward(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>>;
}
