//! `fit-head`: features on disk to a head file.

mod class_table;
mod cross_validation;
mod samples;
mod trust;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use linfa::ParamGuard;
use serde_json::json;

pub use self::class_table::read_class_weights;
pub use self::cross_validation::CrossValidation;
use self::cross_validation::Images;
use self::samples::{Samples, Source, views};
use self::trust::{Asked, Trust, trust};
pub use self::trust::{Calibration, KeptForRejection};
use crate::backbones::FeatureSpec;
use crate::classes::ClassIndex;
use crate::error::{Error, Result};
use crate::features::{Digest, FeatureStore};
use crate::head::{
    EpochFigures, FeatureMatrix, Fit, FitParams, FitValidParams, HeadFile, LearningPoint, Search,
    fit, validation_split,
};

/// What to train on, and how.
#[derive(Debug, Clone)]
pub struct FitHeadOptions {
    /// The store with the training samples.
    pub features: PathBuf,
    /// The head file to write.
    pub output: PathBuf,
    /// The parameters; checked before anything is read.
    pub params: FitParams,
    /// What to validate on.
    pub validation: Validation,
    /// Whether each epoch draws one of the store's views of each image; else the centre alone is trained on.
    pub augment: bool,
    /// How better parameters are searched for; none takes `params` as they are.
    pub search: Option<CrossValidation>,
    /// How it is found whether more pictures would help; none leaves it.
    pub learning_curve: Option<CrossValidation>,
    /// How a temperature is fitted; none leaves probabilities as they are.
    pub calibrate: Option<CrossValidation>,
    /// The share of images of known classes that may be called unknown, above 0 and below 1; none calls nothing unknown.
    pub reject: Option<f64>,
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
    /// What was tried, where that was asked for.
    pub search: Option<Search>,
    /// Accuracies with growing parts of the images, where they were asked for.
    pub learning_curve: Option<Vec<LearningPoint>>,
    /// The temperature and what it changes, where it was asked for.
    pub calibration: Option<Calibration>,
    /// The rejection's numbers, where it was asked for.
    pub rejection: Option<KeptForRejection>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Trains a head; `on_epoch` hears of each epoch.
///
/// # Errors
/// Parameters out of range, stores that do not match or have no classes, fewer than two classes, a loss that is no
/// number; then an older head file is as it was.
pub fn fit_head(
    options: &FitHeadOptions,
    on_epoch: &mut dyn FnMut(&EpochFigures),
) -> Result<FitHeadReport> {
    let params = options.params.check_ref()?;
    let asked = Asked {
        calibrate: options.calibrate,
        reject: options.reject,
    }
    .check()?;
    let checked = |asked: Option<CrossValidation>| asked.map_or(Ok(()), CrossValidation::check);
    checked(options.search).and_then(|()| checked(options.learning_curve))?;
    let store = FeatureStore::open(&options.features)?;
    let views = views(options.augment, &store)?;
    let samples = Samples::of(&store)?;
    let classes = ClassIndex::from_names(samples.names.iter().cloned());
    let mut warnings = Vec::new();
    let (train, digests, validation) = split(
        &samples,
        options,
        params.values().seed,
        &classes,
        &Source {
            store: &store,
            views: &views,
        },
        &mut warnings,
    )?;
    let set = train.labelled(&classes)?;
    let validation_set = validation
        .as_ref()
        .map(|v| v.labelled(&classes))
        .transpose()?;
    let images = Images::new(&set, &digests);
    let search = options.search.map(|asked| images.search(asked, params));
    let search = search.transpose()?;
    let found = search.as_ref().map(|search| search.params(params));
    let found = found.transpose()?;
    let params = found.as_ref().unwrap_or(params);
    let trust = trust(asked, params, &images)?;
    let curve = options
        .learning_curve
        .map(|asked| images.learning_curve(asked, params));
    let fit = fit(params, &set, validation_set.as_ref(), on_epoch)?;
    warnings.extend(fit.warnings.iter().map(ToString::to_string));
    let report = FitHeadReport {
        n_train: train.targets.len(),
        n_validation: validation.as_ref().map_or(0, |v| v.targets.len()),
        n_features: train.features.ncols(),
        fit,
        classes,
        search,
        learning_curve: curve.transpose()?,
        calibration: trust.calibration,
        rejection: trust.kept,
        warnings,
    };
    let spec = store.manifest().spec.with_views(&views);
    write(options, params, &spec, &report, trust)?;
    Ok(report)
}

fn write(
    options: &FitHeadOptions,
    params: &FitValidParams,
    spec: &FeatureSpec,
    report: &FitHeadReport,
    trust: Trust,
) -> Result<()> {
    let metrics = json!({
        "n_train": report.n_train,
        "n_validation": report.n_validation,
        "seconds": report.fit.seconds,
        "validation": report.fit.validation,
        "history": report.fit.history,
        "best_epoch": report.fit.best_epoch,
        "optimum": report.fit.optimum,
        "search": report.search,
        "learning_curve": report.learning_curve,
        "calibration": report.calibration,
        "rejection": report.rejection,
    });
    let file = HeadFile {
        head: report.fit.head.clone(),
        classes: report.classes.clone(),
        manifest: serde_json::to_value(spec).expect("strings and numbers have a JSON form"),
        params: serde_json::to_value(params.values()).expect("numbers have a JSON form"),
        metrics,
        temperature: trust.temperature,
        rejection: trust.rejection,
    };
    file.write(&options.output)
}

fn split(
    samples: &Samples,
    options: &FitHeadOptions,
    seed: u64,
    classes: &ClassIndex,
    source: &Source,
    warnings: &mut Vec<String>,
) -> Result<(FeatureMatrix, Vec<Digest>, Option<FeatureMatrix>)> {
    let (targets, digests, _) = samples.targets(classes);
    match &options.validation {
        Validation::None => Ok((source.read(targets, &digests)?, digests, None)),
        Validation::Store(path) => {
            let validation = FeatureStore::open(path)?;
            require_same_spec(source, &validation)?;
            let (known, theirs, unknown) = Samples::of(&validation)?.targets(classes);
            warnings.extend(unknown_warning(&unknown, path));
            warnings.extend(leak_warning(&digests, &theirs));
            let validation = Source {
                store: &validation,
                views: source.views,
            };
            Ok((
                source.read(targets, &digests)?,
                digests,
                Some(validation.read(known, &theirs)?),
            ))
        }
        Validation::Split(fraction) => {
            let keys: Vec<[u8; 32]> = digests.iter().map(|digest| digest.0).collect();
            let split = validation_split(&targets, &keys, *fraction, seed)?;
            let pick = |rows: &[usize]| -> (Vec<usize>, Vec<Digest>) {
                rows.iter().map(|&row| (targets[row], digests[row])).unzip()
            };
            let (train, train_digests) = pick(&split.train);
            let (validation, validation_digests) = pick(&split.validation);
            Ok((
                source.read(train, &train_digests)?,
                train_digests,
                Some(source.read(validation, &validation_digests)?),
            ))
        }
    }
}

fn require_same_spec(source: &Source, validation: &FeatureStore) -> Result<()> {
    let store = source.store;
    let used = store.manifest().spec.with_views(source.views);
    let differences = used.differences_from_superset(&validation.manifest().spec);
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::Mismatch {
        left: format!("the training features `{}`", store.path().display()),
        right: format!("the validation features `{}`", validation.path().display()),
        differences: differences.join("; "),
        hint: "extract both with the same backbone and preprocessing".to_owned(),
    })
}

fn unknown_warning(unknown: &BTreeMap<String, usize>, path: &std::path::Path) -> Option<String> {
    let names: Vec<String> = unknown
        .iter()
        .map(|(name, n)| format!("`{name}` ({n} images)"))
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "`{}` has classes that the training set lacks, left out: {}",
            path.display(),
            names.join(", ")
        )
    })
}

fn leak_warning(train: &[Digest], validation: &[Digest]) -> Option<String> {
    let train: HashSet<&Digest> = train.iter().collect();
    let leaked = validation
        .iter()
        .filter(|digest| train.contains(digest))
        .count();
    (leaked > 0).then(|| {
        format!("{leaked} of the {} validation images are in the training set too: the figures are rosy", validation.len())
    })
}
