//! Errors of fitting, reading, writing and using heads.

use super::data::DataProblem;
use crate::phrases::counted;

/// Why a head cannot be fitted, read, written or used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// The data to fit or evaluate on is invalid.
    #[error(transparent)]
    Data(#[from] DataProblem),
    /// The rejection is invalid.
    #[error(transparent)]
    Rejection(#[from] RejectionProblem),
    /// The training loss became NaN or infinite.
    #[error("training diverged: the loss became {loss} in epoch {epoch}")]
    Diverged {
        /// The epoch, counted from 1.
        epoch: usize,
        /// NaN or infinity.
        loss: f64,
        /// Learning rate × weight decay: each step multiplies the weights by 1 minus this, so SGD diverges
        /// from 2 on whatever the features are.
        decay: f64,
    },
    /// The solver stopped before it reached the minimum.
    #[error(
        "the fit has not converged: {}the largest gradient entry is {gradient:.1e}, above the tolerance of \
         {tolerance:.1e}",
        after(*iterations)
    )]
    NotConverged {
        /// The largest absolute entry of the gradient, recomputed at the end.
        gradient: f64,
        /// The tolerance.
        tolerance: f64,
        /// Iterations of the solver, if it reports them.
        iterations: Option<usize>,
    },
    /// `patience` is set without a validation set.
    #[error("`patience` needs a validation set: it watches the validation loss")]
    PatienceAlone,
    /// A fit in blocks was requested with a setting that needs all features at once.
    #[error("{0} needs all features in memory at once, but they do not fit")]
    NeedsAllFeatures(AllFeatures),
    /// The solver has no parameter to search.
    #[error("the solver `{solver}` does not support a search")]
    NoSearch {
        /// The name of the solver.
        solver: &'static str,
    },
    /// Every parameter that could be searched is fixed.
    #[error("nothing to search: {} fixed", all_of(fixed))]
    NothingToSearch {
        /// The names of these parameters; at least one.
        fixed: Vec<&'static str>,
    },
    /// All candidates of a search diverged.
    #[error("no candidate of the search reached a finite loss")]
    NoCandidate,
    /// The head to start from has another shape.
    #[error("the start head is {} × {}, the training data is {} × {}", head[0], head[1], set[0], set[1])]
    OtherStart {
        /// The classes and features of the head.
        head: [usize; 2],
        /// The classes and features of the training set.
        set: [usize; 2],
    },
    /// A training step has invalid rows, or the set does not fit the head.
    #[error(
        "cannot train on {rows} of {}, with {features} features and {}",
        counted(*n, "row"),
        counted(*classes, "class")
    )]
    Step {
        /// The number of rows in the step.
        rows: usize,
        /// The number of rows in the set.
        n: usize,
        /// The features of the set.
        features: usize,
        /// The classes of the set.
        classes: usize,
    },
    /// The solver `linfa` supports one view of each image.
    #[error("the solver `linfa` supports one view of each image, but there are {views}")]
    LinfaViews {
        /// The number of views of each image.
        views: usize,
    },
    /// The solver `linfa` needs all classes.
    #[error("the solver `linfa` needs an image of every class, but `{class}` has none")]
    LinfaClass {
        /// The class without an image.
        class: String,
    },
    /// The crate `linfa-logistic` failed.
    #[error("linfa-logistic failed: {0}")]
    LinfaLogistic(String),
    /// The message of an error of the crate `linfa`.
    #[error("{0}")]
    Linfa(String),
    /// A model of `linfa-logistic` cannot be converted to a head.
    #[error("a weight of the model is not a finite 32-bit number")]
    ModelNotFinite,
    /// The rows of the weight matrix have different lengths.
    #[error("the rows of the weight differ in length")]
    Ragged,
    /// A head that was read has weights that are NaN or infinite.
    #[error("some weights are not finite")]
    RowsNotFinite,
    /// A head to be written has weights that are NaN or infinite.
    #[error("the head has weights that are not finite")]
    NotFinite,
    /// Weight and bias have different numbers of classes.
    #[error("the weight and the bias do not match: they have {weight} and {bias} classes")]
    OtherBias {
        /// The rows of the weight.
        weight: usize,
        /// The length of the bias.
        bias: usize,
    },
    /// The head has more or fewer rows than there are class names.
    #[error("the head has {} for {}", counted(*rows, "row"), counted(*classes, "class"))]
    RowsAndClasses {
        /// The rows of its weight.
        rows: usize,
        /// The number of class names.
        classes: usize,
    },
    /// A head cannot have these classes.
    #[error("invalid classes: {0}")]
    Classes(String),
    /// The rejection belongs to another head.
    #[error("the rejection and the head have different classes or features")]
    OtherRejection,
    /// The out-of-fold predictions belong to another head.
    #[error("the out-of-fold predictions and the head have different classes")]
    OtherPredictions,
    /// The header of the head's file would be too long.
    #[error(
        "the class names and the fit history take {length} bytes, more than the {most} bytes that fit into \
         a head file"
    )]
    LongHeader {
        /// The length in bytes.
        length: usize,
        /// The largest allowed length.
        most: usize,
    },
    /// The temperature is out of range.
    #[error("the temperature is {0}, but must be from 1e-6 to 1e6")]
    Temperature(f64),
    /// The metrics of all resamples need too much memory.
    #[error(
        "{} of {} are more than {most} values",
        counted(*resamples, "resample"),
        counted(*figures, "metric")
    )]
    ManyFigures {
        /// The number of resamples.
        resamples: usize,
        /// The number of metrics of each.
        figures: usize,
        /// The largest allowed number of values.
        most: usize,
    },
}

/// A setting that needs all features in memory and does not work in blocks.
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

/// A problem with a rejection.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectionProblem {
    /// There are no features, or the numbers of rows and classes differ.
    #[error("training features of shape {shape:?} for {}", counted(*classes, "class"))]
    Shape {
        /// The rows and columns of the features.
        shape: (usize, usize),
        /// The number of row classes.
        classes: usize,
    },
    /// Features are NaN or infinite.
    #[error("some of its training features are not finite")]
    NotFinite,
    /// k is 0.
    #[error("its k is 0")]
    NoNeighbour,
    /// k is larger than the number of stored images.
    #[error("its k is {k}, but it has only {}", counted(*kept, "training image"))]
    ManyNeighbours {
        /// The neighbour, counted from 1.
        k: usize,
        /// The number of images.
        kept: usize,
    },
    /// The rate is not between 0 and 1.
    #[error("its rate is {0}, not above 0 and below 1")]
    Rate(f64),
    /// The threshold is not a cosine.
    #[error("its threshold is {0}, which is not a cosine")]
    Threshold(f32),
    /// The length of a row is not 1.
    #[error("row {row} of its training features has length {length}, not 1")]
    Length {
        /// The row, counted from 0.
        row: usize,
        /// The length.
        length: f32,
    },
    /// There are too few images for a threshold of this rate.
    #[error("{} can be scored, too few for a rejection rate of {rate}", counted(*n, "image"))]
    FewImages {
        /// The number of images with a score.
        n: usize,
        /// The share of known images to reject.
        rate: f64,
    },
}

impl RejectionProblem {
    /// Returns how many scored images a threshold of this rate needs.
    #[must_use]
    pub fn enough_for(rate: f64) -> usize {
        ((1.0 / rate) - 1.0 - 1e-9).ceil() as usize
    }
}

fn all_of(parameters: &[&str]) -> String {
    let verb = if parameters.len() == 1 { "is" } else { "are" };
    let names: Vec<_> = parameters.iter().map(|name| format!("`{name}`")).collect();
    format!("{} {verb}", names.join(" and "))
}

fn after(iterations: Option<usize>) -> String {
    iterations.map_or_else(String::new, |n| {
        format!("after {} ", counted(n, "iteration"))
    })
}
