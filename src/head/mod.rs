//! The head: a linear softmax classifier on features; pure numbers, no images.
//!
//! [`fit()`] makes a [`LinearHead`] of [`LabelledFeatures`] by SGD ([`Sgd`]), L-BFGS or `linfa-logistic`,
//! [`Evaluation`] says how good it is, and [`HeadFile`] keeps it. Everywhere N is the number of samples, D
//! that of features, C that of classes, and V that of views of each image.
//!
//! | room | what it owns |
//! |---|---|
//! | `params` | the parameters of a fit, their ranges, and class weights from a file |
//! | `linear` | the linear layer, softmax, cross-entropy, and the inner loops over their numbers |
//! | `data` | labelled features, near-duplicates and groups, splits, random order, standardisation |
//! | `sgd` | stochastic gradient descent, step by step |
//! | `lbfgs` | softmax regression to its minimum, one or many at once |
//! | `fit` | a whole fit, in memory or in blocks; its figures and warnings |
//! | `evaluate` | metrics, their intervals, and the comparison of two heads |
//! | `crossval` | folds, out-of-fold logits, the search for parameters, the learning curve |
//! | `trust` | calibration, rejection, and figures that contradict each other |
//! | `inspect` | likely label errors, outliers, and which images to label next |
//! | `file` | the head file, and the record of what a head was trained on |
//!
//! A room imports only those above it.

// What is not inlined into a function compiled for an instruction set is compiled without it, and a closure
// in an iterator may not be.
#![expect(
    clippy::inline_always,
    clippy::needless_range_loop,
    reason = "see above"
)]

mod crossval;
mod data;
mod evaluate;
mod file;
mod fit;
#[doc(hidden)]
pub mod fuzz;
mod inspect;
mod lbfgs;
mod linear;
mod parallel;
mod params;
mod sgd;
mod trust;

pub use crossval::{
    Candidate, CandidateFigures, Folds, LearningPoint, Search, Setting, Tunable, learning_curve,
    out_of_fold, search,
};
pub(crate) use data::{Block, FeatureMatrix, FeatureRows, Joins, NearPair};
pub use data::{
    Groups, LabelledFeatures, NEAR_DUPLICATE, Neighbour, Split, UnitRows, validation_split,
};
pub use evaluate::{
    Bootstrap, ClassFigures, ClassIntervals, Comparison, Confusion, ConfusionCell, Difference,
    Evaluation, Interval, IntervalMethod, Intervals, McNemar, McNemarTest, ReliabilityBin, TopK,
};
pub(crate) use file::OUT_OF_FOLD_BYTES;
pub use file::{HeadFile, ImageRole, ImageSet, TrainingRecord};
pub use fit::{EpochFigures, Fit, FitWarning, ValidationFigures, fit, fit_from};
pub(crate) use fit::{FeatureBlocks, Streamed, fit_streamed};
pub(crate) use inspect::Distances;
pub use inspect::{LabelErrors, Pick, SelectionParams, Suspect, select};
pub use lbfgs::Optimum;
pub use linear::{LinearHead, log_softmax, softmax};
pub use params::{
    ClassWeight, FitParams, FitValidParams, FitValues, Schedule, Solver, read_class_weights,
};
pub use sgd::{BatchLoss, Sgd};
pub(crate) use trust::{BANK_CAPACITY, CalibrationFit, Sureness};
pub use trust::{
    Disagreement, DisagreementFigure, Likeness, Method, Rejection, RejectionFit, RejectionRule,
    Temperature,
};
