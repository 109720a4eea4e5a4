//! The head: a linear softmax classifier on features; pure numbers, no images.
//!
//! [`LabelledFeatures`] go in, [`fit()`] makes a [`LinearHead`] of them with [`Sgd`], [`Evaluation`] says how good it is,
//! [`HeadFile`] keeps it. N is the number of samples, D that of features, C that of classes, everywhere.

mod cross_validation;
mod dropout;
mod estimator;
mod evaluation;
mod figures;
mod file;
mod fit;
mod kernels;
mod labelled;
mod linear;
mod motion;
mod neighbours;
mod parallel;
mod params;
mod sgd;
mod softmax;
mod split;
mod values;
mod warnings;

pub use cross_validation::{Folds, Groups, out_of_fold};
pub use evaluation::{
    Bootstrap, ClassFigures, ClassIntervals, Comparison, Difference, Evaluation, Interval,
    Intervals, McNemar, McNemarTest, ReliabilityBin, TopK,
};
pub use figures::{EpochFigures, ValidationFigures};
pub use file::{FORMAT_VERSION, HeadFile};
pub use fit::{Fit, fit, fit_from};
pub use labelled::{FeatureMatrix, LabelledFeatures};
pub use linear::LinearHead;
pub use neighbours::{NearPair, Neighbour, UnitRows};
pub use params::{FitParams, FitValidParams};
pub use sgd::{BatchLoss, Sgd};
pub use softmax::{log_softmax, softmax};
pub use split::{Split, validation_split};
pub use values::{ClassWeight, FitValues};
pub use warnings::FitWarning;
