//! Combines a head with the backbone of its features, and refuses combinations that do not match.
//!
//! A [`Classifier`] returns a [`Prediction`] for each image: the probability of each class, and a [`Verdict`]
//! on whether the image resembles the training images at all.

#[doc(hidden)]
pub mod fuzz;
mod image_classifier;
mod labelling;
mod predictor;

pub use image_classifier::{Classifier, Unclassified};
#[doc(hidden)]
pub use labelling::Labelling;
#[doc(hidden)]
pub use predictor::Predictor;
pub(crate) use predictor::top;
pub use predictor::{NoPrediction, Prediction, Rejecting, Tta, Verdict};
