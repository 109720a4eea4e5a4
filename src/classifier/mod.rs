//! A head together with what its features are features of; what does not match is refused.

mod door;
#[doc(hidden)]
pub mod fuzz;
mod predictor;

pub use door::{Classifier, Unclassified};
#[doc(hidden)]
pub use predictor::Predictor;
pub(crate) use predictor::top;
pub use predictor::{NoPrediction, Prediction, Rejecting, Tta, Verdict};
