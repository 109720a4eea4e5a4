//! The head: a linear softmax classifier on features; pure numbers, no images.
//!
//! [`LabelledFeatures`] go in, [`fit()`] makes a [`LinearHead`] of them with [`Sgd`], L-BFGS or `linfa-logistic`, [`Evaluation`] says how good it is,
//! [`HeadFile`] keeps it. N is the number of samples, D that of features, C that of classes, everywhere.

// What is not inlined into a function compiled for an instruction set is compiled without it, and a closure in an
// iterator may not be.
#![expect(
    clippy::inline_always,
    clippy::needless_range_loop,
    reason = "see above"
)]

mod calibration;
mod choices;
mod class_table;
mod cross_validation;
mod disagreement;
mod dropout;
mod epochs;
mod estimator;
mod evaluation;
mod figures;
mod file;
mod fit;
#[doc(hidden)]
pub mod fuzz;
mod gradient;
mod image_set;
mod inspection;
mod kernels;
mod labelled;
mod lbfgs;
mod line_search;
mod linear;
mod linfa_logistic;
mod logistic;
mod logits;
mod motion;
mod neighbours;
mod number;
mod objective;
mod order;
mod parallel;
mod params;
mod rejection;
mod rows;
mod search;
mod sgd;
mod softmax;
mod solvers;
mod split;
mod standard;
mod streamed;
mod targets;
mod temperature;
mod training_record;
mod values;
mod vectors;
mod warnings;

pub use calibration::{CalibrationFit, Sureness};
pub use choices::{ClassWeight, Schedule, Solver};
pub use class_table::read_class_weights;
pub use cross_validation::{Folds, Groups, Joins, out_of_fold};
pub use disagreement::{Disagreement, DisagreementFigure};
pub use evaluation::{
    Bootstrap, ClassFigures, ClassIntervals, Comparison, Confusion, ConfusionCell, Difference,
    Evaluation, Interval, IntervalMethod, Intervals, McNemar, McNemarTest, ReliabilityBin, TopK,
};
pub use figures::{EpochFigures, ValidationFigures};
pub use file::{FORMAT_VERSION, HeadFile};
pub use fit::{Fit, fit, fit_from};
pub use image_set::{ImageSet, WHOLE_DIGESTS};
pub use inspection::{
    Distances, LabelErrors, OUTLIER_NEIGHBOURS, Pick, SelectionParams, Suspect, select,
};
pub use labelled::{FeatureMatrix, LabelledFeatures};
pub use linear::LinearHead;
pub use logistic::Optimum;
pub use neighbours::{NEAR_DUPLICATE, NearPair, Neighbour, UnitRows};
pub use params::{FitParams, FitValidParams};
pub use rejection::{BANK_CAPACITY, Likeness, Method, Rejection, RejectionFit, RejectionRule};
pub use rows::FeatureRows;
pub use search::{
    Candidate, CandidateFigures, LearningPoint, Search, Setting, Tunable, learning_curve, search,
};
pub use sgd::{BatchLoss, Sgd};
pub use softmax::{log_softmax, softmax};
pub use split::{Split, validation_split};
pub use streamed::{Block, FeatureBlocks, Streamed, fit_streamed};
pub use temperature::{TEMPERATURES, Temperature};
pub use training_record::{ImageRole, OUT_OF_FOLD_BYTES, TrainingRecord};
pub use values::FitValues;
pub use warnings::FitWarning;
