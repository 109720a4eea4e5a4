//! The head: a linear softmax classifier on features; pure numbers, no images.
//!
//! [`LabelledFeatures`] go in, [`fit()`] makes a [`LinearHead`] of them with [`Sgd`] or L-BFGS, [`Evaluation`] says how good it is,
//! [`HeadFile`] keeps it. N is the number of samples, D that of features, C that of classes, everywhere.

mod choices;
mod dropout;
mod epochs;
mod estimator;
mod figures;
mod file;
mod fit;
mod kernels;
mod labelled;
mod lbfgs;
mod line_search;
mod linear;
mod logistic;
mod metrics;
mod motion;
mod objective;
mod params;
mod sgd;
mod softmax;
mod solvers;
mod split;
mod standard;
mod targets;
mod values;
mod vectors;
mod warnings;

pub use choices::{ClassWeight, Schedule, Solver};
pub use figures::{EpochFigures, ValidationFigures};
pub use file::{FORMAT_VERSION, HeadFile};
pub use fit::{Fit, fit, fit_from};
pub use labelled::LabelledFeatures;
pub use linear::LinearHead;
pub use logistic::Optimum;
pub use metrics::{ClassFigures, Evaluation};
pub use params::{FitParams, FitValidParams};
pub use sgd::{BatchLoss, Sgd};
pub use softmax::{log_softmax, softmax};
pub use split::{Split, validation_split};
pub use values::FitValues;
pub use warnings::FitWarning;
