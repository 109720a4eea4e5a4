//! `fit-head`: features on disk to a head file.

mod cross_validation;
mod division;
mod memory;
mod record;
mod samples;
mod streaming;
mod trust;

use std::path::{Path, PathBuf};

use linfa::ParamGuard;
use serde_json::json;

pub use self::cross_validation::CrossValidation;
use self::cross_validation::Images;
pub(super) use self::cross_validation::check_near;
use self::division::Division;
use self::memory::Memory;
pub use self::record::OutOfFoldFigures;
use self::record::{record, with_predictions};
use self::samples::{Samples, Source, views};
pub use self::streaming::Streaming;
use self::streaming::{in_blocks, refuse_what_needs_all};
use self::trust::{Asked, FromFolds, Trust};
pub use self::trust::{CalibrateOn, Calibration, CalibrationOutcome, Change, KeptForRejection};
use crate::backbones::FeatureSpec;
use crate::classes::ClassIndex;
use crate::error::{Error, Result};
use crate::features::FeatureStore;
use crate::head::{
    Disagreement, EpochFigures, Fit, FitParams, FitValidParams, HeadFile, LearningPoint, Search,
    TrainingRecord, Tunable, fit,
};
use crate::progress::Progress;

/// What to train on, and how.
#[derive(Debug, Clone)]
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
    /// The share of images of known classes that may be called unknown, above 0 and below 1; none calls nothing unknown.
    pub reject: Option<f64>,
    /// What the temperature, and the threshold of the rejection, are fitted on.
    pub calibrate_on: CalibrateOn,
    /// The cosine from which on two images count as nearly equal, in (0, 1]: those share a fold, and neither speaks for
    /// the other when the threshold of the rejection is chosen.
    pub near: f32,
    /// Bytes that features may take; larger ones are read in blocks, again in every epoch. None is half of the memory
    /// that is free.
    pub memory: Option<u64>,
}

impl FitHeadOptions {
    /// Checks the parameters, before anything is read.
    ///
    /// # Errors
    /// [`Error::Parameter`] for one out of range.
    pub fn check(&self) -> Result<()> {
        let params = self.params.check_ref()?;
        asked(self).check(self.validation != Validation::None)?;
        check_near(self.near)?;
        refuse_search_with_patience(self, params)?;
        let checked = |asked: Option<CrossValidation>| asked.map_or(Ok(()), CrossValidation::check);
        checked(self.search).and_then(|()| checked(self.learning_curve))?;
        checked(self.out_of_fold)
    }
}

/// Where validation samples come from.
#[derive(Debug, Clone, PartialEq, Default)]
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

/// What a training did.
#[derive(Debug, Clone)]
pub struct FitHeadReport {
    /// The head and its history.
    pub fit: Fit,
    /// The classes, in index order.
    pub classes: ClassIndex,
    /// Training samples.
    pub n_train: usize,
    /// Validation samples.
    pub n_validation: usize,
    /// D.
    pub n_features: usize,
    /// How the features were read in blocks, where the memory was not enough for all of them.
    pub streamed: Option<Streaming>,
    /// What was tried, where that was asked for.
    pub search: Option<Search>,
    /// Accuracies with growing parts of the images, where they were asked for.
    pub learning_curve: Option<Vec<LearningPoint>>,
    /// How heads did on the images that they were trained without, where predictions of them are kept.
    pub out_of_fold: Option<OutOfFoldFigures>,
    /// The temperature and what it changes, where it was asked for.
    pub calibration: Option<Calibration>,
    /// The rejection's numbers, where it was asked for.
    pub rejection: Option<KeptForRejection>,
    /// What the validation set contradicts of what was found on the training images.
    pub disagreements: Vec<Disagreement>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Trains a head; `on_epoch` hears of each epoch, `progress` of what comes before.
///
/// # Errors
/// Parameters out of range, stores that do not match or have no classes, fewer than two classes, a loss that is no
/// number; then an older head file is as it was.
pub fn fit_head(
    options: &FitHeadOptions,
    on_epoch: &mut dyn FnMut(&EpochFigures),
    progress: &dyn Progress,
) -> Result<FitHeadReport> {
    options.check()?;
    let params = options.params.check_ref()?;
    let store = FeatureStore::open(&options.features)?;
    let views = views(options.augment, &store)?;
    let samples = Samples::of(&store)?;
    let classes = ClassIndex::from_names(samples.names.iter().cloned());
    let mut warnings = Vec::new();
    let source = Source {
        store: &store,
        views: &views,
    };
    let seed = params.values().seed;
    let asked_validation = &options.validation;
    let division = Division::of(
        &samples,
        asked_validation,
        seed,
        &classes,
        &source,
        &mut warnings,
    )?;
    let memory = Memory::of(options, params, &division, &source);
    let fitted = if memory.is_enough() {
        let mut told = Told { on_epoch, progress };
        in_memory(options, params, &classes, &source, &division, &mut told)?
    } else {
        refuse_what_needs_all(options, &memory)?;
        in_blocks(params, &classes, &source, &division, &memory, on_epoch)?
    };
    let params = fitted.params.as_ref().unwrap_or(params);
    warnings.extend(fitted.fit.warnings.iter().map(ToString::to_string));
    let out_of_fold = fitted.out_of_fold.transpose();
    warnings.extend(out_of_fold.clone().err());
    let report = FitHeadReport {
        n_train: division.train.targets.len(),
        n_validation: division.validation.as_ref().map_or(0, |v| v.targets.len()),
        n_features: store.manifest().spec.backbone.num_features,
        fit: fitted.fit,
        classes,
        streamed: fitted.streamed,
        search: fitted.search,
        learning_curve: fitted.learning_curve,
        out_of_fold: out_of_fold.unwrap_or_default(),
        calibration: fitted.trust.calibration,
        rejection: fitted.trust.kept,
        disagreements: fitted.trust.disagreements,
        warnings,
    };
    let trust = Trust {
        temperature: fitted.trust.temperature,
        rejection: fitted.trust.rejection,
        ..Trust::default()
    };
    let spec = store.manifest().spec.with_views(&views);
    write(options, params, &spec, &report, (trust, fitted.record))?;
    Ok(report)
}

fn asked(options: &FitHeadOptions) -> Asked {
    Asked {
        calibrate: options.calibrate,
        on: options.calibrate_on,
        reject: options.reject,
    }
}

/// The candidates of a search are all trained to the end, on the same batches.
fn refuse_search_with_patience(options: &FitHeadOptions, params: &FitValidParams) -> Result<()> {
    match params.values().patience {
        Some(patience) if options.search.is_some() => Err(Error::Parameter {
            name: "--patience",
            value: patience.to_string(),
            wanted: "left out with a search",
        }),
        _ => Ok(()),
    }
}

/// What came of a fit, however its features were read.
struct Fitted {
    fit: Fit,
    /// Those that were searched out.
    params: Option<FitValidParams>,
    streamed: Option<Streaming>,
    search: Option<Search>,
    learning_curve: Option<Vec<LearningPoint>>,
    trust: Trust,
    record: TrainingRecord,
    /// The figures, or why there are none.
    out_of_fold: Option<Result<OutOfFoldFigures, String>>,
}

/// Who hears of what is done.
struct Told<'a> {
    on_epoch: &'a mut dyn FnMut(&EpochFigures),
    progress: &'a dyn Progress,
}

/// With all features in memory.
fn in_memory(
    options: &FitHeadOptions,
    params: &FitValidParams,
    classes: &ClassIndex,
    source: &Source<'_>,
    division: &Division,
    told: &mut Told<'_>,
) -> Result<Fitted> {
    let train = division.train.read(source)?;
    let validating = division.validation_source(source);
    let validation = division.validation.as_ref();
    let validation = validation
        .map(|chosen| chosen.read(&validating))
        .transpose()?;
    let set = train.labelled(classes)?;
    let validation = validation.as_ref().map(|v| v.labelled(classes));
    let validation = validation.transpose()?;
    let images = Images::new(
        &set,
        validation.as_ref(),
        &division.train.digests,
        options.near,
    );
    let search = |asked| images.search(asked, params, &options.fixed, told.progress);
    let search = options.search.map(search);
    let search = search.transpose()?;
    let found = search.as_ref().map(|search| search.params(params));
    let found = found.transpose()?;
    let used = found.as_ref().unwrap_or(params);
    let asked = asked(options);
    let from_folds = FromFolds::of(asked, used, &images, search.as_ref())?;
    let curve = options.learning_curve;
    let curve = curve.map(|asked| images.learning_curve(asked, used, told.progress));
    let learning_curve = curve.transpose()?;
    let fit = fit(used, &set, validation.as_ref(), told.on_epoch)?;
    let trust = from_folds.with(asked, used.values().seed, &fit.head, &images)?;
    let mut record = record(division);
    let mut out_of_fold = None;
    if let Some(asked) = options.out_of_fold {
        let (with, figures) = with_predictions(record, asked, used, trust.temperature, &images)?;
        (record, out_of_fold) = (with, Some(figures));
    }
    Ok(Fitted {
        learning_curve,
        fit,
        params: found,
        streamed: None,
        search,
        trust,
        record,
        out_of_fold,
    })
}

fn write(
    options: &FitHeadOptions,
    params: &FitValidParams,
    spec: &FeatureSpec,
    report: &FitHeadReport,
    (trust, record): (Trust, TrainingRecord),
) -> Result<()> {
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
    });
    let file = HeadFile {
        head: report.fit.head.clone(),
        classes: report.classes.clone(),
        manifest: serde_json::to_value(spec).expect("strings and numbers have a JSON form"),
        params: serde_json::to_value(params.values()).expect("numbers have a JSON form"),
        metrics,
        temperature: trust.temperature,
        rejection: trust.rejection,
        record,
    };
    file.write(&options.output)
}
