//! Fitting a head by each solver, in memory or in blocks, and the warnings about a fit.

mod diagnosis;
mod epochs;
mod estimator;
mod figures;
#[cfg(feature = "linfa-logistic")]
mod linfa_logistic;
mod run;
mod solvers;
mod streamed;
mod warnings;

pub(crate) use figures::ValidationSums;
pub use figures::{EpochFigures, Fit, ValidationFigures};
#[cfg(feature = "serve")]
pub(crate) use run::approach;
pub(crate) use run::run;
pub use run::{fit, fit_from, fit_weighted};
pub(crate) use solvers::Job;
pub(crate) use streamed::{FeatureBlocks, Streamed, fit_streamed};
pub use warnings::FitWarning;
