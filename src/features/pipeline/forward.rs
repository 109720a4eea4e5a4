//! Runs the views of images through a network, which takes pixels or normalised values.

use std::time::Instant;

use crate::backbones::{Backbone, Forwarded};
use crate::error::Result;
use crate::images::Preprocessor;

/// A view of an image.
#[derive(Clone, Copy)]
pub(super) enum NetworkInput<'a> {
    /// 8-bit RGB, not yet normalised.
    Pixels(&'a [u8]),
    /// The network's input, which a client of the service may send.
    #[cfg(feature = "serve")]
    Normalised(&'a [f32]),
}

/// Returns the features of views. `tensor` keeps the memory of the normalised values for the next batch.
pub(super) fn forward(
    views: &[NetworkInput<'_>],
    tensor: &mut Vec<f32>,
    backbone: &mut dyn Backbone,
    preprocessor: &Preprocessor,
) -> Result<Forwarded> {
    let pixels = views.iter().map(|view| match view {
        NetworkInput::Pixels(pixels) => Some(*pixels),
        #[cfg(feature = "serve")]
        NetworkInput::Normalised(_) => None,
    });
    let pixels: Option<Vec<_>> = pixels.collect();
    if let Some(done) = pixels.and_then(|pixels| backbone.forward_pixels(&pixels)) {
        return done;
    }
    let start = Instant::now();
    let size = preprocessor.settings().num_values();
    tensor.resize(views.len() * size, 0.0);
    for (view, slot) in views.iter().zip(tensor.chunks_exact_mut(size)) {
        match view {
            NetworkInput::Pixels(pixels) => preprocessor.normalise(pixels, slot),
            #[cfg(feature = "serve")]
            NetworkInput::Normalised(values) => slot.copy_from_slice(values),
        }
    }
    let preprocess = start.elapsed();
    Ok(Forwarded {
        features: backbone.forward(tensor, views.len())?,
        preprocess,
        forward: start.elapsed().saturating_sub(preprocess),
    })
}
