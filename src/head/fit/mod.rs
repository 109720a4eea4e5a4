//! Fitting a head: by each solver, in memory or in blocks, and with which warnings.

mod epochs;
mod estimator;
mod figures;
mod linfa_logistic;
mod run;
mod solvers;
mod streamed;
mod warnings;

pub use figures::{EpochFigures, ValidationFigures};
pub(crate) use figures::{ValidationSums, log_probabilities};
pub use run::{Fit, fit, fit_from};
pub(crate) use run::{fit_some, fit_stretched};
pub use streamed::{Block, FeatureBlocks, Streamed, fit_streamed};
pub use warnings::FitWarning;
