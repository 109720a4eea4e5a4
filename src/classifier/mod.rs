//! A head together with what its features are features of; what does not match is refused.

mod door;
#[doc(hidden)]
pub mod fuzz;
mod predictor;

pub use door::{Classifier, Unclassified};
pub use predictor::{NoPrediction, Prediction, Predictor, Rejecting, Tta, Verdict, top};
