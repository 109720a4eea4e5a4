//! The options of `fit-head`, and their checks.

use std::path::{Path, PathBuf};

use linfa::ParamGuard;
use serde::Serialize;

use crate::error::{Error, Result, require};
use crate::head::{FitParams, FitValidParams, NEAR_DUPLICATE, Tunable};
use crate::tasks::laid_labels::LabelOptions;

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
    /// Labels instead of the classes of folders, for both stores; images without one are left out.
    pub labels: Option<LabelOptions>,
    /// What to validate on.
    pub validation: Validation,
    /// Whether each epoch draws one of the store's views of each image; otherwise, only the centre is used.
    pub augment: bool,
    /// The cross-validation that searches for better parameters; `None` uses `params` unchanged.
    pub search: Option<CrossValidation>,
    /// The parameters that a search does not vary.
    pub fixed: Vec<Tunable>,
    /// The cross-validation of a learning curve, which shows whether more images would help; `None` skips it.
    pub learning_curve: Option<CrossValidation>,
    /// The cross-validation of the out-of-fold predictions to store in the head; `None` stores none.
    pub out_of_fold: Option<CrossValidation>,
    /// The cross-validation that fits a temperature; `None` leaves probabilities uncalibrated.
    pub calibrate: Option<CrossValidation>,
    /// The share of images of known classes that you accept to reject wrongly, above 0 and below 1; `None`
    /// disables rejection.
    pub reject: Option<f64>,
    /// The images that the temperature and the threshold of the rejection are fitted on.
    pub calibrate_on: CalibrateOn,
    /// The cosine similarity from which two images count as near-duplicates, in (0, 1]. Near-duplicates share
    /// a fold, and are ignored as neighbours of each other when the threshold of the rejection is chosen.
    pub near: f32,
    /// The limit for features in memory, in bytes; larger sets are read in blocks, again in every epoch.
    /// `None` is half of the free memory.
    pub memory: Option<u64>,
}

impl FitHeadOptions {
    /// Trains with the default parameters on the centre of each image, without validation or other extras.
    #[must_use]
    pub fn new(features: PathBuf, output: PathBuf) -> Self {
        Self {
            features,
            output,
            params: FitParams::new(),
            labels: None,
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

    /// Checks the parameters before anything is read.
    ///
    /// # Errors
    /// [`Error::Parameter`] if one is out of range.
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
            let wanted = "used together with a validation set";
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
    /// No validation.
    #[default]
    None,
    /// Another store.
    Store(PathBuf),
    /// This share of the training samples, in a stratified split that keeps duplicates together.
    Split(f64),
    /// The split `validation` of a file with the columns `path` and `split`. The head is then trained on the
    /// split `train` only.
    Splits(PathBuf),
}

impl Validation {
    /// Returns the validation store, if there is one.
    #[must_use]
    pub fn store(&self) -> Option<&Path> {
        match self {
            Self::Store(store) => Some(store),
            Self::None | Self::Split(_) | Self::Splits(_) => None,
        }
    }
}

/// A cross-validation: for each fold of the training images, a head is trained without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrossValidation {
    /// The number of folds, at least 2.
    pub folds: usize,
}

impl Default for CrossValidation {
    fn default() -> Self {
        Self::new(5)
    }
}

impl CrossValidation {
    /// Cross-validation with this number of folds.
    #[must_use]
    pub fn new(folds: usize) -> Self {
        Self { folds }
    }

    /// Checks the number of folds.
    pub(in crate::tasks) fn check(self) -> Result<()> {
        require(self.folds >= 2, "folds", &self.folds, "at least 2")
    }
}

/// Checks the cosine similarity of near-duplicates.
pub(in crate::tasks) fn check_near(near: f32) -> Result<()> {
    require(
        near > 0.0 && near <= 1.0,
        "near",
        &near,
        "above 0 and at most 1",
    )
}

/// The images that a temperature and the threshold of a rejection are fitted on.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CalibrateOn {
    /// The training images, each predicted by a head that was trained without its fold.
    #[default]
    Folds,
    /// The validation set, predicted by the head itself.
    Validation,
}

/// Refuses early stopping with a search: all candidates are trained to the end, on the same batches.
fn refuse_search_with_patience(options: &FitHeadOptions, params: &FitValidParams) -> Result<()> {
    match params.values().patience {
        Some(patience) => require(
            options.search.is_none(),
            "patience",
            &patience,
            "unset when a search is requested",
        ),
        None => Ok(()),
    }
}
