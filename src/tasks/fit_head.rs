//! `fit-head`: trains a head on stored features and writes it to a file.

mod cross_validation;
mod division;
mod memory;
mod options;
mod record;
mod streaming;
mod trust;

use std::path::Path;

use linfa::ParamGuard;
use serde_json::json;

use self::cross_validation::Images;
use self::division::{Chosen, Division};
use self::memory::{Memory, refuse_what_needs_all};
pub(super) use self::options::check_near;
pub use self::options::{CalibrateOn, CrossValidation, FitHeadOptions, Validation};
pub use self::record::OutOfFoldFigures;
use self::record::{predictions, record};
pub use self::streaming::Streaming;
use self::streaming::in_blocks;
use self::trust::FromFolds;
pub use self::trust::{Calibration, CalibrationOutcome, Change, KeptForRejection};
use crate::backbones::FeatureSpec;
use crate::classes::ClassIndex;
use crate::error::Result;
use crate::head::{
    Disagreement, EpochFigures, Fit, FitValidParams, FitWarning, HeadFile, Job, LearningPoint,
    Rejection, Search, Temperature, TrainingRecord, Tunable, approximately, run, start_processors,
};
use crate::progress::{Progress, go_on};
use crate::tasks::laid_labels::LaidLabels;

/// The fitted head, with its metrics and warnings.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FitHeadReport {
    /// The head and its history.
    pub fit: Fit,
    /// The parameters of the fit; after a search, those of its winner.
    pub params: FitValidParams,
    /// The classes, in index order.
    pub classes: ClassIndex,
    /// The number of training samples.
    pub n_train: usize,
    /// The number of validation samples.
    pub n_validation: usize,
    /// D.
    pub n_features: usize,
    /// How the features were read in blocks, if they did not fit into memory.
    pub streamed: Option<Streaming>,
    /// The parameters that were tried, if a search was requested.
    pub search: Option<Search>,
    /// Accuracies with growing parts of the training images, if a learning curve was requested.
    pub learning_curve: Option<Vec<LearningPoint>>,
    /// The metrics of the out-of-fold predictions, if the head stores them.
    pub out_of_fold: Option<OutOfFoldFigures>,
    /// The fitted temperature and its effect, if calibration was requested.
    pub calibration: Option<Calibration>,
    /// The fitted rejection, if one was requested.
    pub rejection: Option<KeptForRejection>,
    /// Results on the training images that the validation set contradicts.
    pub disagreements: Vec<Disagreement>,
    /// The share of the nearest neighbours that an approximate search for near-duplicates found, measured on
    /// a sample; `None` up to 50,000 training images, which are all compared, and without a search.
    pub near_duplicate_recall: Option<f64>,
    /// How the label file and the images correspond, if there is one.
    pub laid_labels: Option<LaidLabels>,
    /// Warnings in addition to those of the fit.
    pub warnings: Vec<String>,
}

impl FitHeadReport {
    /// Says that near-duplicates were searched approximately, if they were.
    #[must_use]
    pub fn approximation(&self) -> Option<String> {
        let recall = self.near_duplicate_recall?;
        Some(approximately("near-duplicates", recall))
    }

    /// Creates the report of a fit, with all optional parts empty.
    fn new(fit: Fit, params: FitValidParams, division: &Division) -> Self {
        let validation = division.validation.as_ref();
        Self {
            classes: division.classes.clone(),
            n_train: division.train.targets.len(),
            n_validation: validation.map_or(0, |chosen| chosen.targets.len()),
            n_features: division.train.n_features(),
            streamed: None,
            search: None,
            learning_curve: None,
            out_of_fold: None,
            calibration: None,
            rejection: None,
            disagreements: Vec::new(),
            near_duplicate_recall: None,
            laid_labels: division.laid_labels.clone(),
            warnings: division.warnings.clone(),
            params,
            fit,
        }
    }
}

/// Trains a head. `on_epoch` is called after each epoch; `progress` is told about the steps before the fit.
///
/// # Errors
/// Parameters out of range, stores that do not match or have no classes, fewer than two classes, a loss that
/// is not finite; [`Error::Interrupted`](crate::Error::Interrupted) if `progress` asks to stop, which fits
/// notice before each step. An existing head file is then left unchanged.
pub fn fit_head(
    options: &FitHeadOptions,
    on_epoch: &mut dyn FnMut(&EpochFigures),
    progress: &dyn Progress,
) -> Result<FitHeadReport> {
    options.check()?;
    start_processors()?;
    let params = options.params.check_ref()?;
    let division = Division::of(options, params.values().seed)?;
    let memory = Memory::of(options, params, &division);
    let fitted = if memory.is_enough() {
        in_memory(options, params, &division, on_epoch, progress)?
    } else {
        refuse_what_needs_all(options, &memory)?;
        let (fit, streaming) = in_blocks(params, &division, &memory, on_epoch, progress)?;
        let mut report = FitHeadReport::new(fit, params.clone(), &division);
        report.streamed = Some(streaming);
        Fitted {
            report,
            temperature: Temperature::default(),
            rejection: None,
            record: record(&division),
        }
    };
    go_on(progress)?;
    fitted.write(&division.train.spec(), &options.output)
}

/// A fitted head with everything that is written to its file.
struct Fitted {
    report: FitHeadReport,
    temperature: Temperature,
    rejection: Option<Rejection>,
    record: TrainingRecord,
}

/// Fits the head with all features in memory.
fn in_memory(
    options: &FitHeadOptions,
    params: &FitValidParams,
    division: &Division,
    on_epoch: &mut dyn FnMut(&EpochFigures),
    progress: &dyn Progress,
) -> Result<Fitted> {
    let classes = &division.classes;
    let train = division.train.read()?;
    let validation = division.validation.as_ref().map(Chosen::read).transpose()?;
    let set = train.labelled(classes)?;
    let validation = validation.as_ref().map(|v| v.labelled(classes));
    let validation = validation.transpose()?;
    let digests = &division.train.digests;
    let images = Images::new(&set, validation.as_ref(), digests, options.near);
    let search = |asked| images.search(asked, params, &options.fixed, progress);
    let search = options.search.map(search).transpose()?;
    let found = search.as_ref().map(|search| search.params(params));
    let params = found.transpose()?.unwrap_or_else(|| params.clone());
    let from_folds = FromFolds::of(options, &params, &images, search.as_ref(), progress)?;
    let curve = |asked| images.learning_curve(asked, &params, progress);
    let learning_curve = options.learning_curve.map(curve).transpose()?;
    let job = Job {
        progress,
        ..Job::new(&params, &set, validation.as_ref())
    };
    let mut fit = run(job, on_epoch)?;
    if search.is_some() && !options.fixed.contains(&Tunable::Lr) {
        // The learning rate was compared with others, and is the best in spite of it.
        let is_about_rate = |warning: &FitWarning| matches!(warning, FitWarning::Overshot { .. });
        fit.warnings.retain(|warning| !is_about_rate(warning));
    }
    let trust = from_folds.with(options, params.values().seed, &fit.head, &images)?;
    let report = FitHeadReport {
        search,
        learning_curve,
        calibration: trust.calibration,
        rejection: trust.kept,
        disagreements: trust.disagreements,
        ..FitHeadReport::new(fit, params, division)
    };
    let mut fitted = Fitted {
        report,
        temperature: trust.temperature,
        rejection: trust.rejection,
        record: record(division),
    };
    if let Some(asked) = options.out_of_fold {
        fitted.keep_out_of_fold(asked, &images, progress)?;
    }
    fitted.report.near_duplicate_recall = images.recall();
    Ok(fitted)
}

impl Fitted {
    /// Stores out-of-fold predictions, or adds a warning that says why not.
    fn keep_out_of_fold(
        &mut self,
        asked: CrossValidation,
        images: &Images<'_, '_>,
        progress: &dyn Progress,
    ) -> Result<()> {
        match predictions(
            &self.record,
            asked,
            &self.report.params,
            self.temperature,
            images,
            progress,
        )? {
            Ok((record, figures)) => {
                self.record = record;
                self.report.out_of_fold = Some(figures);
            }
            Err(warning) => self.report.warnings.push(warning),
        }
        Ok(())
    }

    fn write(self, spec: &FeatureSpec, output: &Path) -> Result<FitHeadReport> {
        let report = self.report;
        let metrics = json!({
            "n_train": report.n_train,
            "n_validation": report.n_validation,
            "seconds": report.fit.seconds,
            "validation": report.fit.validation,
            "history": report.fit.history,
            "best_epoch": report.fit.best_epoch,
            "optimum": report.fit.optimum,
            "streamed": report.streamed,
            "search": report.search,
            "learning_curve": report.learning_curve,
            "out_of_fold": report.out_of_fold,
            "calibration": report.calibration,
            "rejection": report.rejection,
            "disagreements": report.disagreements,
            "label_file": report.laid_labels.as_ref().map(|laid| &laid.file),
        });
        let file = HeadFile {
            head: report.fit.head.clone(),
            classes: report.classes.clone(),
            manifest: serde_json::to_value(spec).expect("strings and numbers have a JSON form"),
            params: serde_json::to_value(report.params.values()).expect("numbers have a JSON form"),
            metrics,
            temperature: self.temperature,
            rejection: self.rejection,
            record: self.record,
        };
        file.write(output)?;
        Ok(report)
    }
}
