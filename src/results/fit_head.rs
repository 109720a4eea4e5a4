//! A fitted head as JSON.

use serde::Serialize;

use crate::ClassIndex;
use crate::head::{
    Disagreement, EpochFigures, FitValues, LearningPoint, Optimum, Search, ValidationFigures,
};
use crate::images::path_text::to_text;
use crate::tasks::{
    CalibrateOn, Calibration, CalibrationOutcome, FitHeadOptions, FitHeadReport, KeptForRejection,
    LaidLabels, OutOfFoldFigures, Streaming,
};

/// The result of `fit-head`.
#[derive(Debug, Serialize)]
pub struct FittedHead<'a> {
    head: String,
    classes: &'a ClassIndex,
    n_train: usize,
    n_validation: usize,
    n_features: usize,
    params: &'a FitValues,
    seconds: f64,
    history: &'a [EpochFigures],
    best_epoch: Option<usize>,
    optimum: Option<Optimum>,
    validation: Option<ValidationFigures>,
    out_of_fold: Option<OutOfFoldFigures>,
    calibration: Option<Calibration>,
    rejection: Option<KeptForRejection>,
    search: Option<&'a Search>,
    learning_curve: Option<&'a [LearningPoint]>,
    streamed: Option<Blocks>,
    disagreements: &'a [Disagreement],
    near_duplicate_recall: Option<f64>,
    label_file: Option<&'a LaidLabels>,
    warnings: Vec<String>,
}

/// How features were read in blocks.
#[derive(Debug, Serialize)]
struct Blocks {
    images_per_block: usize,
    needed_bytes: u64,
    allowed_bytes: u64,
}

impl<'a> FittedHead<'a> {
    /// The result of a fit; `warnings` are those that the user is told.
    #[must_use]
    pub fn new(report: &'a FitHeadReport, options: &FitHeadOptions, warnings: Vec<String>) -> Self {
        let fit = &report.fit;
        Self {
            head: to_text(&options.output),
            classes: &report.classes,
            n_train: report.n_train,
            n_validation: report.n_validation,
            n_features: report.n_features,
            params: report.params.values(),
            seconds: fit.seconds,
            history: &fit.history,
            best_epoch: fit.best_epoch,
            optimum: fit.optimum,
            validation: fit.validation,
            out_of_fold: report.out_of_fold,
            calibration: report.calibration,
            rejection: report.rejection,
            search: report.search.as_ref(),
            learning_curve: report.learning_curve.as_deref(),
            streamed: report.streamed.map(Blocks::from),
            disagreements: &report.disagreements,
            near_duplicate_recall: report.near_duplicate_recall,
            label_file: report.laid_labels.as_ref(),
            warnings,
        }
    }
}

/// Returns the warnings about calibration and rejection.
pub fn trust_warnings(report: &FitHeadReport) -> impl Iterator<Item = String> {
    let denied = report.calibration.as_ref().and_then(denied);
    let contradicted = report.disagreements.iter().map(Disagreement::to_string);
    denied.into_iter().chain(contradicted)
}

/// Returns why the calibration was not stored, if it was not.
fn denied(c: &Calibration) -> Option<String> {
    let on_validation = (c.outcome == CalibrationOutcome::Denied).then_some(c.on_validation)??;
    let [before, after] = [on_validation.log_loss_before, on_validation.log_loss_after];
    Some(format!(
        "not calibrated: the temperature fitted on {} raises the log loss on the validation set from \
         {before:.4} to {after:.4}; the head keeps temperature 1",
        fitted_on(c)
    ))
}

/// Returns the images that the temperature was fitted on.
#[must_use]
pub fn fitted_on(c: &Calibration) -> String {
    let images = match c.on {
        CalibrateOn::Folds => "held-out training images",
        CalibrateOn::Validation => "validation images",
    };
    format!("{} {images} ({} folds)", c.n_images, c.folds)
}

impl From<Streaming> for Blocks {
    fn from(streaming: Streaming) -> Self {
        Self {
            images_per_block: streaming.images,
            needed_bytes: streaming.needed,
            allowed_bytes: streaming.allowed,
        }
    }
}
