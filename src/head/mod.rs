//! The head: a linear softmax classifier on features. It works on arrays and knows nothing about images.
//!
//! Throughout this module, N is the number of samples, D of features, C of classes, and V of views per image.
//!
//! | to | use |
//! |---|---|
//! | fit | [`FitParams`], [`fit()`]; linfa's `Fit` for datasets in memory; [`Sgd`] step by step |
//! | predict | [`LinearHead`]: weight (C, D) and bias (C); linfa's `Predict` |
//! | evaluate | [`Evaluation`], with [`Intervals`]; [`Comparison`] of two heads |
//! | choose parameters | [`search()`], [`learning_curve()`], [`out_of_fold()`] on [`Folds`] |
//! | calibrate and reject | [`Temperature`], [`Rejection`] |
//! | check labels, pick images to label | [`LabelErrors`], [`Groups`] of near-duplicates, [`select()`] |
//! | save and load | [`HeadFile`], with its [`TrainingRecord`] |
//!
//! ```
//! use frostline::head::{Evaluation, FitParams, LabelledFeatures, fit};
//! use frostline::ClassIndex;
//! use frostline::linfa::ParamGuard;
//! use frostline::ndarray::array;
//!
//! let features = array![[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]];
//! let targets = [0, 0, 1, 1];
//! let classes = ClassIndex::from_names(["cat", "dog"]);
//! let train = LabelledFeatures::new(features.view(), &targets, &classes)?;
//!
//! let params = FitParams::new().lr(0.1).epochs(50).check()?;
//! let head = fit(&params, &train, None, &mut |_| {})?.head;
//!
//! let probabilities = head.predict_proba(features.view())?;
//! let evaluation = Evaluation::new(&classes, &targets, probabilities.view())?;
//! assert_eq!(evaluation.accuracy, 1.0);
//! # Ok::<(), frostline::Error>(())
//! ```

// Code that is not inlined into a function compiled for an instruction set is compiled without that set, and
// closures in iterators may not be inlined.
#![expect(
    clippy::inline_always,
    clippy::needless_range_loop,
    reason = "see above"
)]

mod crossval;
mod data;
mod drift;
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

#[cfg(feature = "report")]
pub(crate) use crossval::NEAR_LOWEST_BRIER;
pub use crossval::{
    Candidate, CandidateFigures, Folds, LearningPoint, Search, Setting, Tunable, learning_curve,
    out_of_fold, search,
};
#[cfg(feature = "serve")]
pub(crate) use data::clusters;
pub(crate) use data::{
    Block, FeatureMatrix, FeatureRows, Joins, NearPair, NeighbourSearch, approximately, lower,
    seeded_hash,
};
pub use data::{
    Groups, LabelledFeatures, NEAR_DUPLICATE, Neighbour, Split, UnitRows, validation_split,
};
#[cfg(test)]
pub(crate) use data::{below, order_generator};
pub use drift::{ClassShare, DistanceShift, Separation, ShareShift};
pub(crate) use drift::{LEVEL as DRIFT_LEVEL, nearest_others, nearest_training, separation};
pub use evaluate::{
    Approximation, Bootstrap, ClassFigures, ClassIntervals, Comparison, Confusion, ConfusionCell,
    Difference, Evaluation, Evaluator, Interval, IntervalMethod, Intervals, McNemar, McNemarTest,
    ReliabilityBin, TopK,
};
pub(crate) use file::OUT_OF_FOLD_BYTES;
pub(crate) use file::OpenedHead;
pub use file::{HeadFile, ImageRole, ImageSet, TrainingRecord};
#[cfg(feature = "serve")]
pub(crate) use fit::approach;
pub use fit::{EpochFigures, Fit, FitWarning, ValidationFigures, fit, fit_from, fit_weighted};
pub(crate) use fit::{FeatureBlocks, Job, Streamed, fit_streamed, run};
pub(crate) use inspect::Distances;
pub use inspect::{LabelErrors, Pick, SelectionParams, Suspect, select, uncertainty};
pub use lbfgs::Optimum;
pub use linear::{LinearHead, log_softmax, softmax};
pub(crate) use parallel::start_processors;
pub use params::{
    ClassWeight, FitParams, FitValidParams, FitValues, Schedule, Solver, read_class_weights,
};
pub use sgd::{BatchLoss, Sgd};
pub(crate) use trust::{BANK_CAPACITY, CalibrationFit, CalibrationMetrics, rounded_to_16_bits};
pub use trust::{
    Disagreement, DisagreementFigure, Likeness, Method, Rejection, RejectionFit, RejectionRule,
    Temperature,
};
