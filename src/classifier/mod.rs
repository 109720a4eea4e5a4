//! A head together with the backbone of its features; what does not match is refused.
//!
//! [`Classifier`] turns images into [`Prediction`]s: the probability of each class, and a [`Verdict`] whether
//! the image is like the training images at all.

mod door;
#[doc(hidden)]
pub mod fuzz;
mod predictor;

pub use door::{Classifier, Unclassified};
#[doc(hidden)]
pub use predictor::Predictor;
pub(crate) use predictor::top;
pub use predictor::{NoPrediction, Prediction, Rejecting, Tta, Verdict};
