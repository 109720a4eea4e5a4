//! What is wrong with the features, targets and predictions that a head is fitted or judged on.

use crate::phrases::in_quotes;

/// What is wrong with the features, targets and predictions that a head is fitted or judged on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DataProblem {
    /// There is no row.
    #[error("there are no features")]
    NoFeatures,
    /// There is not one target for each row.
    #[error("there are {rows} rows of {what}, but {targets} targets")]
    Rows {
        /// The rows.
        rows: usize,
        /// What they are of, as a plural.
        what: &'static str,
        /// The targets.
        targets: usize,
    },
    /// There is not one target for each of what comes with them.
    #[error("there are {targets} targets, but {others} {what}")]
    Targets {
        /// The targets.
        targets: usize,
        /// The others.
        others: usize,
        /// What those are, as a plural.
        what: &'static str,
    },
    /// A feature is NaN or infinite.
    #[error("the features of {} are not all finite", of_row(*row))]
    NotFinite {
        /// Its row, from 0, where it is known.
        row: Option<usize>,
    },
    /// A target is no index of a class.
    #[error("there is a target {target}, but only {n_classes} classes, counted from 0")]
    Target {
        /// The target.
        target: usize,
        /// C.
        n_classes: usize,
    },
    /// The classes of targets without names are not numbered without gaps.
    #[error("there is a target {largest} among only {samples} samples")]
    Gaps {
        /// The largest target.
        largest: usize,
        /// The samples.
        samples: usize,
    },
    /// There is nothing to tell a class from.
    #[error("training needs images of at least two classes, found only `{class}`")]
    OneClass {
        /// The only class with images.
        class: String,
    },
    /// Two sets of features have not the same D.
    #[error("{pair} do not match: {} numbers per image against {}", widths[0], widths[1])]
    Widths {
        /// What does not match.
        pair: Pair,
        /// The D of each.
        widths: [usize; 2],
    },
    /// Training and validation set are of different classes.
    #[error(
        "{} do not match: they do not have the same classes in the same order",
        Pair::Validation
    )]
    OtherClasses,
    /// There are more folds than groups of images.
    #[error("there are {folds} folds, but only {images} different images")]
    Folds {
        /// The folds.
        folds: usize,
        /// Images that differ.
        images: usize,
    },
    /// Without one of the folds there would be nothing to tell a class from.
    #[error("with {folds} folds, one of them holds all the images but those of one class")]
    OneClassOutside {
        /// The folds.
        folds: usize,
    },
    /// Class weights are given, but not for all classes.
    #[error("the class weights lack {}", quoted(.0))]
    ClassesWithoutWeight(Vec<String>),
    /// Class weights are given for classes that are not there.
    #[error("there are class weights of {}, which is no class here", quoted(.0))]
    WeightsWithoutClass(Vec<String>),
    /// There is not one usable weight for each class.
    #[error("cannot weigh the {classes} classes of the head with {weights} weights")]
    ClassWeights {
        /// C.
        classes: usize,
        /// The weights.
        weights: usize,
    },
    /// The solver has no sample weights.
    #[error("the solver `{solver}` has no sample weights")]
    WeightsUnused {
        /// Its name.
        solver: &'static str,
    },
    /// Weights of samples and a balance of classes are two answers to one question.
    #[error("balanced classes and sample weights cannot be combined")]
    WeightsAndBalance,
    /// There is not one weight for each sample.
    #[error("{weights} sample weights for {samples} samples")]
    SampleWeights {
        /// The weights.
        weights: usize,
        /// The samples.
        samples: usize,
    },
    /// Sample weights are out of range.
    #[error("the sample weights must be finite, 0 or more, and not all 0")]
    WeightsOutOfRange,
    /// There is no labelled image to judge a head on.
    #[error("there is nothing to evaluate")]
    NothingToEvaluate,
    /// There is not one probability for each sample and class.
    #[error(
        "there are {} × {} probabilities for {targets} targets and {classes} classes",
        shape.0, shape.1
    )]
    Probabilities {
        /// The rows and columns.
        shape: (usize, usize),
        /// The targets.
        targets: usize,
        /// C.
        classes: usize,
    },
    /// A probability is outside of [0, 1].
    #[error("there is a probability of {0}")]
    Probability(f64),
    /// There is no image to fit a temperature on.
    #[error("there is no image to calibrate on")]
    NothingToCalibrateOn,
    /// A logit is NaN or infinite.
    #[error("some of the logits to calibrate on are not finite")]
    Logits,
}

/// Two things that must have the same number of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Pair {
    /// Features, and those that they are compared with.
    #[error("the features and those they are compared with")]
    Compared,
    /// A head, and features.
    #[error("the head and the features")]
    Head,
    /// What is trained on, and what is validated on.
    #[error("the training set and the validation set")]
    Validation,
}

impl Pair {
    /// Refuses widths that differ.
    pub(crate) fn require_equal(self, widths: [usize; 2]) -> Result<(), DataProblem> {
        if widths[0] == widths[1] {
            return Ok(());
        }
        let pair = self;
        Err(DataProblem::Widths { pair, widths })
    }
}

fn of_row(row: Option<usize>) -> String {
    row.map_or_else(
        || "some images".to_owned(),
        |row| format!("row {row} (from 0)"),
    )
}

fn quoted(names: &[String]) -> String {
    in_quotes(names.iter().map(String::as_str))
}
