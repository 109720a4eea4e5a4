//! The head: a linear softmax classifier on features; pure numbers, no images.
//!
//! [`LabelledFeatures`] go in, [`fit()`] makes a [`LinearHead`] of them with [`Sgd`], L-BFGS or
//! `linfa-logistic`, [`Evaluation`] says how good it is, [`HeadFile`] keeps it. N is the number of samples, D
//! that of features, C that of classes, everywhere.

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
pub use data::{
    Block, FeatureMatrix, FeatureRows, Groups, Joins, LabelledFeatures, NEAR_DUPLICATE, NearPair,
    Neighbour, Split, UnitRows, validation_split,
};
pub use evaluate::{
    Bootstrap, ClassFigures, ClassIntervals, Comparison, Confusion, ConfusionCell, Difference,
    Evaluation, Interval, IntervalMethod, Intervals, McNemar, McNemarTest, ReliabilityBin, TopK,
};
pub use file::{
    FORMAT_VERSION, HeadFile, ImageRole, ImageSet, OUT_OF_FOLD_BYTES, TrainingRecord, WHOLE_DIGESTS,
};
pub use fit::{
    EpochFigures, FeatureBlocks, Fit, FitWarning, Streamed, ValidationFigures, fit, fit_from,
    fit_streamed,
};
pub use inspect::{
    Distances, LabelErrors, OUTLIER_NEIGHBOURS, Pick, SelectionParams, Suspect, select,
};
pub use lbfgs::Optimum;
pub use linear::{LinearHead, log_softmax, softmax};
pub use params::{
    ClassWeight, FitParams, FitValidParams, FitValues, Schedule, Solver, read_class_weights,
};
pub use sgd::{BatchLoss, Sgd};
pub use trust::{
    BANK_CAPACITY, CalibrationFit, Disagreement, DisagreementFigure, Likeness, Method, Rejection,
    RejectionFit, RejectionRule, Sureness, TEMPERATURES, Temperature,
};
