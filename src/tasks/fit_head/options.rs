//! What to train on, and how; and whether that can be done at all.

use std::path::{Path, PathBuf};

use linfa::ParamGuard;
use serde::Serialize;

use crate::error::{Error, Result, require};
use crate::head::{FitParams, FitValidParams, NEAR_DUPLICATE, Tunable};

/// The options of [`fit_head`](crate::tasks::fit_head()): what to train on, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FitHeadOptions {
    /// The store with the training samples.
    pub features: PathBuf,
    /// The head file to write; `-` is standard output.
    pub output: PathBuf,
    /// The parameters; checked before anything is read.
    pub params: FitParams,
    /// What to validate on.
    pub validation: Validation,
    /// Whether each epoch draws one of the store's views of each image; else the centre alone is trained on.
    pub augment: bool,
    /// How better parameters are searched for; none takes `params` as they are.
    pub search: Option<CrossValidation>,
    /// The parameters that a search leaves as they are in `params`.
    pub fixed: Vec<Tunable>,
    /// How it is found whether more pictures would help; none leaves it.
    pub learning_curve: Option<CrossValidation>,
    /// How out-of-fold predictions of the training images are made, which the head keeps; none keeps none.
    pub out_of_fold: Option<CrossValidation>,
    /// How a temperature is fitted; none leaves probabilities as they are.
    pub calibrate: Option<CrossValidation>,
    /// The share of images of known classes that may be called unknown, above 0 and below 1; none calls
    /// nothing unknown.
    pub reject: Option<f64>,
    /// What the temperature, and the threshold of the rejection, are fitted on.
    pub calibrate_on: CalibrateOn,
    /// The cosine from which on two images count as nearly equal, in (0, 1]: those share a fold, and neither
    /// speaks for the other when the threshold of the rejection is chosen.
    pub near: f32,
    /// Bytes that features may take; larger ones are read in blocks, again in every epoch. None is half of
    /// the memory that is free.
    pub memory: Option<u64>,
}

impl FitHeadOptions {
    /// The default parameters on the centre of each image, and nothing besides the head.
    #[must_use]
    pub fn new(features: PathBuf, output: PathBuf) -> Self {
        Self {
            features,
            output,
            params: FitParams::new(),
            validation: Validation::None,
            augment: false,
            search: None,
            fixed: Vec::new(),
            learning_curve: None,
            out_of_fold: None,
            calibrate: None,
            reject: None,
            calibrate_on: CalibrateOn::default(),
            near: NEAR_DUPLICATE,
            memory: None,
        }
    }

    /// Checks the parameters, before anything is read.
    ///
    /// # Errors
    /// [`Error::Parameter`] for one out of range.
    pub fn check(&self) -> Result<()> {
        let params = self.params.check_ref()?;
        self.check_trust()?;
        check_near(self.near)?;
        refuse_search_with_patience(self, params)?;
        let asked = [self.search, self.learning_curve, self.out_of_fold];
        asked
            .into_iter()
            .flatten()
            .try_for_each(CrossValidation::check)
    }

    fn check_trust(&self) -> Result<()> {
        self.calibrate.map_or(Ok(()), CrossValidation::check)?;
        if self.calibrate_on == CalibrateOn::Validation && self.validation == Validation::None {
            let wanted = "given together with a validation set";
            return Err(Error::parameter("calibrate_on", "validation", wanted));
        }
        self.reject.map_or(Ok(()), |rate| {
            require(
                rate > 0.0 && rate < 1.0,
                "reject",
                &rate,
                "above 0 and below 1",
            )
        })
    }
}

/// Where validation samples come from.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum Validation {
    /// There are none.
    #[default]
    None,
    /// Another store.
    Store(PathBuf),
    /// This share of the training samples, stratified and by content.
    Split(f64),
}

impl Validation {
    /// The store, where it is one.
    #[must_use]
    pub fn store(&self) -> Option<&Path> {
        match self {
            Self::Store(store) => Some(store),
            Self::None | Self::Split(_) => None,
        }
    }
}

/// Into how many folds the training images are divided; a head is trained without each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrossValidation {
    /// 2 or more.
    pub folds: usize,
}

impl Default for CrossValidation {
    fn default() -> Self {
        Self::new(5)
    }
}

impl CrossValidation {
    /// So many parts.
    #[must_use]
    pub fn new(folds: usize) -> Self {
        Self { folds }
    }

    /// Checks the number before anything is read.
    pub(in crate::tasks) fn check(self) -> Result<()> {
        require(self.folds >= 2, "folds", &self.folds, "at least 2")
    }
}

/// Checks a cosine of near-duplicates.
pub(in crate::tasks) fn check_near(near: f32) -> Result<()> {
    require(
        near > 0.0 && near <= 1.0,
        "near",
        &near,
        "above 0 and at most 1",
    )
}

/// Which images a temperature, and the threshold of a rejection, are fitted on.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CalibrateOn {
    /// The training images, each judged by a head that was trained without its fold.
    #[default]
    Folds,
    /// The validation set, judged by the head itself.
    Validation,
}

/// The candidates of a search are all trained to the end, on the same batches.
fn refuse_search_with_patience(options: &FitHeadOptions, params: &FitValidParams) -> Result<()> {
    match params.values().patience {
        Some(patience) => require(
            options.search.is_none(),
            "patience",
            &patience,
            "left out with a search",
        ),
        None => Ok(()),
    }
}
