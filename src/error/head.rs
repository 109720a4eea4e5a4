//! Why a head cannot be fitted, read, written or used.

use super::data::DataProblem;
use crate::phrases::counted;

/// Why a head cannot be fitted, read, written or used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// What it is fitted on, or judged on, is not as it must be.
    #[error(transparent)]
    Data(#[from] DataProblem),
    /// What tells images of no class from the others is not as it must be.
    #[error(transparent)]
    Rejection(#[from] RejectionProblem),
    /// The training loss is no longer a number.
    #[error("the training loss became {loss} in epoch {epoch}")]
    Diverged {
        /// Counted from 1.
        epoch: usize,
        /// NaN or infinity.
        loss: f64,
    },
    /// A minimum was not reached.
    #[error(
        "the fit has not converged: {}the largest entry of the gradient is {gradient:.1e}, but must be at \
         most {tolerance:.1e}",
        after(*iterations)
    )]
    NotConverged {
        /// The largest absolute entry of the gradient, recomputed at the end.
        gradient: f64,
        /// What was asked for.
        tolerance: f64,
        /// Steps of the solver, where it tells.
        iterations: Option<usize>,
    },
    /// `patience` is set without a validation set.
    #[error("`patience` needs a validation set, whose loss it watches")]
    PatienceAlone,
    /// What needs all features at once is to be fitted in blocks.
    #[error("{0} needs all features in memory at once, and they are too many")]
    NeedsAllFeatures(AllFeatures),
    /// The solver has nothing that a search could change.
    #[error("the solver `{solver}` has no search")]
    NoSearch {
        /// Its name.
        solver: &'static str,
    },
    /// All that a search could change is fixed.
    #[error("every parameter that a search could change has a fixed value")]
    NothingToSearch,
    /// All candidates of a search diverged.
    #[error("no candidate of the search gave a finite loss")]
    NoCandidate,
    /// The fit is to go on from a head of another shape.
    #[error(
        "cannot go on from a head of {} classes and {} features with {} and {}",
        head[0], head[1], set[0], set[1]
    )]
    OtherStart {
        /// The classes and features of the head.
        head: [usize; 2],
        /// Those of the training set.
        set: [usize; 2],
    },
    /// A step is to be taken on rows that are not there, or on a set that does not fit the head.
    #[error(
        "cannot take a step of {rows} rows out of {n} with {features} features and {classes} classes"
    )]
    Step {
        /// The rows of the step.
        rows: usize,
        /// Those of the set.
        n: usize,
        /// The features of the set.
        features: usize,
        /// The classes of the set.
        classes: usize,
    },
    /// The solver `linfa` takes one view of each image.
    #[error("the solver `linfa` takes one view of each image, but there are {views}")]
    LinfaViews {
        /// The views of each image.
        views: usize,
    },
    /// The solver `linfa` needs all classes.
    #[error("the solver `linfa` needs an image of every class, but `{class}` has none")]
    LinfaClass {
        /// The class without an image.
        class: String,
    },
    /// The crate `linfa-logistic` gave up.
    #[error("linfa-logistic failed: {0}")]
    LinfaLogistic(String),
    /// An error of the crate `linfa`, in its words.
    #[error("{0}")]
    Linfa(String),
    /// A model of `linfa-logistic` makes no head.
    #[error("a weight of the model is not a finite 32-bit number")]
    ModelNotFinite,
    /// The rows of the weight are no matrix.
    #[error("the rows of the weight differ in length")]
    Ragged,
    /// A head that was read has weights that are NaN or infinite.
    #[error("some weights are not finite")]
    RowsNotFinite,
    /// A head that is to be written has weights that are NaN or infinite.
    #[error("the head has weights that are not finite")]
    NotFinite,
    /// Weight and bias are of different numbers of classes.
    #[error("the weight and the bias do not match: {weight} classes against {bias}")]
    OtherBias {
        /// The rows of the weight.
        weight: usize,
        /// The numbers of the bias.
        bias: usize,
    },
    /// The head is of another number of classes than there are names.
    #[error("the head has {rows} rows for {classes} classes")]
    RowsAndClasses {
        /// The rows of its weight.
        rows: usize,
        /// The names.
        classes: usize,
    },
    /// A head cannot have these classes.
    #[error("among the classes, {0}")]
    Classes(String),
    /// The rejection is not the head's.
    #[error("the rejection is of other classes or features than the head")]
    OtherRejection,
    /// The out-of-fold predictions are not the head's.
    #[error("the out-of-fold predictions are of other classes than the head")]
    OtherPredictions,
    /// The header of the head's file would be too long.
    #[error(
        "the names of the classes and the history of the fit take {length} bytes, and a head keeps at most \
         {most}"
    )]
    LongHeader {
        /// Its bytes.
        length: usize,
        /// The most that there may be.
        most: usize,
    },
    /// No probability is divided by such a temperature.
    #[error("the temperature is {0}, but must be from 1e-6 to 1e6")]
    Temperature(f64),
    /// The figures of all resamples are too many to be kept.
    #[error(
        "{} of {} are more than {most} numbers",
        counted(*resamples, "resample"),
        counted(*figures, "figure")
    )]
    ManyFigures {
        /// The resamples.
        resamples: usize,
        /// The figures of each.
        figures: usize,
        /// The most that there may be of all.
        most: usize,
    },
}

/// What needs all features in memory, and cannot be done in blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllFeatures {
    /// Standardised features.
    #[error("`standardize`")]
    Standardize,
    /// A solver other than SGD, by its name.
    #[error("the solver `{0}`")]
    Solver(&'static str),
}

/// What is wrong with a rejection.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectionProblem {
    /// There are no features, or not one row for each class.
    #[error("{shape:?} training features for {classes} classes")]
    Shape {
        /// The rows and columns of the features.
        shape: (usize, usize),
        /// The classes of the rows.
        classes: usize,
    },
    /// Features are NaN or infinite.
    #[error("some of its training features are not finite")]
    NotFinite,
    /// It asks for no neighbour.
    #[error("its k is 0")]
    NoNeighbour,
    /// It asks for more neighbours than it keeps images.
    #[error("its k is {k}, but it keeps {kept} training images")]
    ManyNeighbours {
        /// The neighbour asked for, counted from 1.
        k: usize,
        /// The images.
        kept: usize,
    },
    /// The rate is no share.
    #[error("its rate is {0}, not above 0 and below 1")]
    Rate(f64),
    /// The threshold is no cosine.
    #[error("its threshold is {0}, which is no cosine")]
    Threshold(f32),
    /// A row is not of length 1.
    #[error("row {row} of its training features has length {length}, not 1")]
    Length {
        /// Its number, from 0.
        row: usize,
        /// Its length.
        length: f32,
    },
    /// There are too few images for a threshold of this rate.
    #[error(
        "{n} training images that differ are too few to reject a share of {rate} of such images"
    )]
    FewImages {
        /// Images with a score.
        n: usize,
        /// The share to reject.
        rate: f64,
    },
}

impl RejectionProblem {
    /// How many images that differ a threshold of this rate takes.
    #[must_use]
    pub fn enough_for(rate: f64) -> usize {
        ((1.0 / rate) - 1.0 - 1e-9).ceil() as usize
    }
}

fn after(iterations: Option<usize>) -> String {
    iterations.map_or_else(String::new, |n| {
        format!("after {} ", counted(n, "iteration"))
    })
}
