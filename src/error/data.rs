//! Problems with the features, targets and predictions that a head is fitted or evaluated on.

use crate::phrases::{counted, in_quotes};

/// A problem with the features, targets and predictions that a head is fitted or evaluated on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DataProblem {
    /// There are no rows.
    #[error("there are no features")]
    NoFeatures,
    /// The numbers of rows and targets differ.
    #[error("{} of {what}, but {}", counted(*rows, "row"), counted(*targets, "target"))]
    Rows {
        /// The number of rows.
        rows: usize,
        /// What the rows consist of, as a plural.
        what: &'static str,
        /// The number of targets.
        targets: usize,
    },
    /// The numbers of targets and of the values that belong to them differ.
    #[error("{}, but {others} {what}", counted(*targets, "target"))]
    Targets {
        /// The number of targets.
        targets: usize,
        /// The number of the other values.
        others: usize,
        /// What the other values are, as a plural.
        what: &'static str,
    },
    /// A feature is NaN or infinite.
    #[error("{} features that are not finite", has_in_row(*row))]
    NotFinite {
        /// The row, counted from 0, if it is known.
        row: Option<usize>,
    },
    /// A target is not the index of a class.
    #[error(
        "target {target} is out of range: there are {}, counted from 0",
        counted(*n_classes, "class")
    )]
    Target {
        /// The target.
        target: usize,
        /// C.
        n_classes: usize,
    },
    /// The classes of targets without names are not numbered without gaps.
    #[error("target {largest} is too large for {}", counted(*samples, "sample"))]
    Gaps {
        /// The largest target.
        largest: usize,
        /// The number of samples.
        samples: usize,
    },
    /// All images are of the same class.
    #[error("training needs images of at least two classes, found only `{class}`")]
    OneClass {
        /// The only class with images.
        class: String,
    },
    /// Two sets of features have different D.
    #[error("{pair} do not match: they have {} and {} features per image", widths[0], widths[1])]
    Widths {
        /// The two things that do not match.
        pair: Pair,
        /// The D of each.
        widths: [usize; 2],
    },
    /// The training and validation sets have different classes.
    #[error("{} do not have the same classes in the same order", Pair::Validation)]
    OtherClasses,
    /// There are more folds than groups of near-duplicates.
    #[error(
        "near-duplicate grouping left {}, too few for {}",
        counted(*images, "group"),
        counted(*folds, "fold")
    )]
    Folds {
        /// The number of folds.
        folds: usize,
        /// The number of groups.
        images: usize,
    },
    /// Without one of the folds, only one class would be left to train on.
    #[error("with {folds} folds, one fold leaves images of only one class to train on")]
    OneClassOutside {
        /// The number of folds.
        folds: usize,
    },
    /// The class weights do not cover all classes.
    #[error("the class weights have no entry for {}", quoted(.0))]
    ClassesWithoutWeight(Vec<String>),
    /// The class weights contain unknown classes.
    #[error("the class weights name unknown classes: {}", quoted(.0))]
    WeightsWithoutClass(Vec<String>),
    /// There is not one valid weight for each class.
    #[error("{weights} class weights do not fit a head of {}", counted(*classes, "class"))]
    ClassWeights {
        /// C.
        classes: usize,
        /// The number of weights.
        weights: usize,
    },
    /// The solver does not support sample weights.
    #[error("the solver `{solver}` does not support sample weights")]
    WeightsUnused {
        /// The name of the solver.
        solver: &'static str,
    },
    /// Sample weights and balanced classes are both set.
    #[error("balanced classes and sample weights cannot be combined")]
    WeightsAndBalance,
    /// The numbers of weights and samples differ.
    #[error("there are {weights} sample weights for {}", counted(*samples, "sample"))]
    SampleWeights {
        /// The number of weights.
        weights: usize,
        /// The number of samples.
        samples: usize,
    },
    /// Sample weights are out of range.
    #[error("sample weights must be finite, at least 0, and not all 0")]
    WeightsOutOfRange,
    /// There is no labelled image to evaluate a head on.
    #[error("there are no images to evaluate")]
    NothingToEvaluate,
    /// There is not one probability for each sample and class.
    #[error(
        "there are {} × {} probabilities for {} and {}",
        shape.0, shape.1, counted(*targets, "target"), counted(*classes, "class")
    )]
    Probabilities {
        /// The number of rows and columns.
        shape: (usize, usize),
        /// The number of targets.
        targets: usize,
        /// C.
        classes: usize,
    },
    /// A probability is outside [0, 1].
    #[error("a probability is {0}, not between 0 and 1")]
    Probability(f64),
    /// There are no images to fit a temperature on.
    #[error("there are no images to calibrate on")]
    NothingToCalibrateOn,
    /// A logit is NaN or infinite.
    #[error("some logits to calibrate on are not finite")]
    Logits,
}

/// Two things that must have the same number of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Pair {
    /// Features and those that they are compared with.
    #[error("the features and those they are compared with")]
    Compared,
    /// A head and features.
    #[error("the head and the features")]
    Head,
    /// The training set and the validation set.
    #[error("the training set and the validation set")]
    Validation,
}

impl Pair {
    /// Returns [`DataProblem::Widths`] if the widths differ.
    pub(crate) fn require_equal(self, widths: [usize; 2]) -> Result<(), DataProblem> {
        if widths[0] == widths[1] {
            return Ok(());
        }
        let pair = self;
        Err(DataProblem::Widths { pair, widths })
    }
}

fn has_in_row(row: Option<usize>) -> String {
    row.map_or_else(
        || "some images have".to_owned(),
        |row| format!("row {row} (counted from 0) has"),
    )
}

fn quoted(names: &[String]) -> String {
    in_quotes(names.iter().map(String::as_str))
}
