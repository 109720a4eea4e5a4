//! Cross-validation: folds, out-of-fold predictions, the parameter search, and the learning curve.

mod candidate;
mod folds;
mod grid;
mod learning_curve;
mod out_of_fold;
mod search;
mod trials;

#[cfg(feature = "report")]
pub(crate) use candidate::NEAR_LOWEST_BRIER;
pub use candidate::{Candidate, CandidateFigures};
pub use folds::Folds;
pub use grid::{Setting, Tunable};
pub use learning_curve::{LearningPoint, learning_curve};
pub use out_of_fold::out_of_fold;
pub use search::{Search, search};
