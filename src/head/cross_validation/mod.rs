//! Cross-validation: what belongs together, the folds, and what is said of samples that were not trained on.

mod folds;
mod groups;
mod out_of_fold;

pub use folds::Folds;
pub use groups::{Groups, Joins};
pub use out_of_fold::out_of_fold;
