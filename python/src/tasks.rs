//! The tasks of the library as functions. Each takes keyword arguments as a dictionary and returns what the
//! program prints as JSON, with the notes for the user.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde::Serialize;

use crate::errors::{exception, parameter};
use crate::keywords::{Keywords, read};
use crate::results::{json, object, plain};
use crate::work::{self, Interrupted};
use frostline::error::Error;
use frostline::features::{Dtype, Existing, Recognise};
use frostline::head::{
    Bootstrap, ClassWeight, FitParams, FitValues, Schedule, Solver, Tunable, read_class_weights,
};
use frostline::images::{Shard, Views};
use frostline::results::{EvaluationJson, ExportJson, Extraction, FittedHead, trust_warnings};
use frostline::tasks::{
    self, CalibrateOn, CrossValidation, EvaluateOptions, EvaluationInput, ExportOptions,
    ExtractOptions, FitHeadOptions, FitHeadReport, Inputs, InspectOptions, LaidLabels, OnlySplit,
    OutputGuard, ReportOptions, TrainingImages, Validation, Wanted,
};

/// A result, and notes for the user.
type Noted = (Py<PyAny>, Vec<String>);

/// The folders and files to extract.
fn inputs(images: &Bound<'_, PyList>, keywords: &Keywords<'_, '_>) -> PyResult<Inputs> {
    let paths = images.iter().map(|path| read("images", &path));
    let paths = paths.collect::<PyResult<_>>()?;
    Ok(Inputs::Paths(paths, keywords.names()?))
}

/// `frostline extract`.
#[pyfunction]
pub(crate) fn extract(
    images: &Bound<'_, PyList>,
    output: PathBuf,
    keywords: &Bound<'_, PyDict>,
    bar: Option<&Bound<'_, PyAny>>,
) -> PyResult<Noted> {
    let py = images.py();
    let keywords = Keywords(keywords);
    let run = keywords.run()?;
    let guard = OutputGuard::new().home(&run.home).check_store(&output);
    guard.map_err(|error| exception(py, &error))?;
    let mut options = ExtractOptions::new(inputs(images, &keywords)?, output, run.home.clone());
    options.run = run;
    options.backbone = keywords.required("backbone")?;
    options.overrides = keywords.overrides()?;
    options.decoding = keywords.decoding()?;
    options.views = keywords.word::<Views>("views")?.unwrap_or_default();
    options.batch_size = keywords.batch_size()?;
    options.dtype = dtype(&keywords)?;
    let verify = keywords.flag("verify")?;
    options.existing = match (keywords.flag("overwrite")?, verify) {
        (true, _) => Existing::Overwrite,
        (false, true) => Existing::Verify,
        (false, false) => Existing::Extend,
    };
    if verify {
        options.recognise = Recognise::ByContent;
    }
    options.labels = keywords.labels()?;
    options.shard = keywords.word::<Shard>("shard")?;
    options.retry_failed = keywords.flag("retry_failed")?;
    let strict = keywords.flag("strict")?;
    let (result, notes, installed) = work::run(py, bar, Interrupted::Stops, move |watch| {
        let report = tasks::extract(&options, watch)?;
        let count = report.skipped.len();
        if strict && count > 0 {
            let total = count + report.used();
            return Err(Error::Strict { count, total });
        }
        let result = json(&Extraction::new(&report, &options, &[], plain));
        let notes = with_labels(report.laid_labels.as_ref(), report.notes);
        Ok((result, notes, report.installed_from))
    })?;
    if let Some(file) = installed {
        log(
            py,
            &format!("installed the backbone from {}", file.display()),
        )?;
    }
    Ok((object(py, &result)?, notes))
}

/// Adds the warnings about a label file.
fn with_labels(laid: Option<&LaidLabels>, notes: Vec<String>) -> Vec<String> {
    let about = laid.map(LaidLabels::warnings).unwrap_or_default();
    [about, notes].concat()
}

/// Tells the logger `frostline` something that is no warning.
fn log(py: Python<'_>, text: &str) -> PyResult<()> {
    let log = py.import("frostline._notes")?.getattr("log")?;
    log.call_method1("info", ("%s", text)).map(drop)
}

/// Returns the type of the features.
pub(crate) fn dtype(keywords: &Keywords<'_, '_>) -> PyResult<Dtype> {
    match keywords.required::<String>("dtype")?.as_str() {
        "f32" => Ok(Dtype::F32),
        "f16" => Ok(Dtype::F16),
        other => {
            let problem = format!("is `{other}`, but must be f32 or f16");
            Err(parameter(keywords.0.py(), "dtype", &problem))
        }
    }
}

/// `frostline fit-head`.
#[pyfunction]
pub(crate) fn fit_head(
    features: PathBuf,
    output: PathBuf,
    keywords: &Bound<'_, PyDict>,
    bar: Option<&Bound<'_, PyAny>>,
) -> PyResult<Noted> {
    let py = keywords.py();
    let keywords = Keywords(keywords);
    let options = fit_options(&keywords, features, output)?;
    let overwrite = keywords.overwrite()?;
    let check = || {
        options.check()?;
        let guard = OutputGuard::new().reads([&options.features]);
        let guard = guard
            .reads(options.validation.store())
            .reads(options.labels.as_ref().map(|labels| &labels.file));
        guard.check(&options.output, Wanted::Head, overwrite)
    };
    check().map_err(|error| exception(py, &error))?;
    // The crate linfa-logistic cannot be stopped.
    let end = match options.params.values().solver {
        Solver::Linfa => Interrupted::IsLeft,
        _ => Interrupted::Stops,
    };
    let (result, warnings) = work::run(py, bar, end, move |watch| {
        let report = tasks::fit_head(&options, &mut |_| {}, watch)?;
        let warnings = warnings(&report);
        let result = json(&FittedHead::new(&report, &options, warnings.clone()));
        Ok((result, with_labels(report.laid_labels.as_ref(), warnings)))
    })?;
    Ok((object(py, &result)?, warnings))
}

fn warnings(report: &FitHeadReport) -> Vec<String> {
    let of_fit = report.fit.warnings.iter().map(ToString::to_string);
    let all = report.warnings.iter().cloned().chain(of_fit);
    all.chain(trust_warnings(report)).collect()
}

fn fit_options(
    keywords: &Keywords<'_, '_>,
    features: PathBuf,
    output: PathBuf,
) -> PyResult<FitHeadOptions> {
    let search = keywords.flag("search")?;
    let calibrate = keywords.flag("calibrate")?;
    let given = keywords.optional::<usize>("folds")?;
    let folds = given.map_or_else(CrossValidation::default, CrossValidation::new);
    let mut options = FitHeadOptions::new(features, output);
    options.params = params(keywords, search)?;
    options.fixed = fixed(keywords)?;
    let split = keywords.optional("validation_split")?;
    let splits = keywords.optional("splits")?;
    options.validation = match (keywords.optional("validation")?, split, splits) {
        (Some(store), None, None) => Validation::Store(store),
        (None, Some(share), None) => Validation::Split(share),
        (None, None, Some(file)) => Validation::Splits(file),
        (None, None, None) => Validation::None,
        (Some(_), ..) => {
            let problem = "cannot be used together with `validation_split` or `splits`";
            return Err(parameter(keywords.0.py(), "validation", problem));
        }
        (None, Some(_), Some(_)) => {
            let problem = "cannot be used together with `splits`";
            return Err(parameter(keywords.0.py(), "validation_split", problem));
        }
    };
    options.labels = keywords.labels()?;
    options.augment = keywords.flag("augment")?;
    options.search = search.then_some(folds);
    options.learning_curve = keywords.flag("learning_curve")?.then_some(folds);
    options.out_of_fold = (given.is_some() || search || calibrate).then_some(folds);
    options.calibrate = calibrate.then_some(folds);
    options.reject = keywords.optional("reject")?;
    options.calibrate_on = match keywords.required::<String>("calibrate_on")?.as_str() {
        "folds" => CalibrateOn::Folds,
        "validation" => CalibrateOn::Validation,
        other => {
            let problem = format!("is `{other}`, but must be folds or validation");
            return Err(parameter(keywords.0.py(), "calibrate_on", &problem));
        }
    };
    options.near = keywords.or("near", options.near)?;
    options.memory = keywords.optional("memory")?;
    Ok(options)
}

/// The parameters of the fit. The package refuses those of another solver.
pub(crate) fn params(keywords: &Keywords<'_, '_>, search: bool) -> PyResult<FitParams> {
    let default = FitValues::default();
    let solver = match keywords.required::<String>("solver")?.as_str() {
        "sgd" => Solver::Sgd,
        "lbfgs" => Solver::Lbfgs,
        "linfa" => Solver::Linfa,
        other => {
            let problem = format!("is `{other}`, but must be sgd, lbfgs or linfa");
            return Err(parameter(keywords.0.py(), "solver", &problem));
        }
    };
    Ok(FitParams::new()
        .solver(solver)
        .standardize(keywords.flag("standardize")?)
        .label_smoothing(keywords.or("label_smoothing", default.label_smoothing)?)
        .class_weight(class_weight(keywords)?)
        .seed(keywords.or("seed", default.seed)?)
        .lr(keywords.or("lr", default.lr)?)
        .schedule(schedule(keywords, search && solver == Solver::Sgd)?)
        .momentum(keywords.or("momentum", default.momentum)?)
        .nesterov(keywords.flag("nesterov")?)
        .weight_decay(keywords.or("weight_decay", default.weight_decay)?)
        .dropout(keywords.or("dropout", default.dropout)?)
        .batch_size(keywords.or("batch_size", default.batch_size)?)
        .epochs(keywords.or("epochs", default.epochs)?)
        .patience(keywords.optional("patience")?)
        .l2(keywords.or("l2", default.l2)?)
        .tol(keywords.or("tol", default.tol)?)
        .max_iter(keywords.or("max_iter", default.max_iter)?))
}

/// `none`, `balanced`, a dictionary, or a file.
fn class_weight(keywords: &Keywords<'_, '_>) -> PyResult<ClassWeight> {
    let given = keywords.0.get_item("class_weight")?;
    if given.is_some_and(|weights| weights.is_instance_of::<PyDict>()) {
        return Ok(ClassWeight::Given(keywords.required("class_weight")?));
    }
    let Some(name) = keywords.optional::<PathBuf>("class_weight")? else {
        return Ok(ClassWeight::None);
    };
    match name.to_str() {
        Some("none") => Ok(ClassWeight::None),
        Some("balanced") => Ok(ClassWeight::Balanced),
        _ => read_class_weights(&name).map_err(|error| exception(keywords.0.py(), &error)),
    }
}

fn schedule(keywords: &Keywords<'_, '_>, search: bool) -> PyResult<Schedule> {
    let name = keywords.optional::<String>("schedule")?;
    let step_size = keywords.optional("step_size")?;
    let gamma = keywords.optional("gamma")?;
    let problem = match (name.as_deref(), step_size) {
        (Some("step"), Some(step_size)) => {
            let gamma = gamma.unwrap_or(0.1);
            return Ok(Schedule::Step { step_size, gamma });
        }
        (Some("step"), None) => "is `step`, which needs `step_size`".to_owned(),
        (_, Some(_)) => "must be `step` if `step_size` is given".to_owned(),
        _ if gamma.is_some() => "must be `step` if `gamma` is given".to_owned(),
        (Some("cosine"), None) => return Ok(Schedule::Cosine),
        // With a rate that falls to 0, the result of a search depends less on the last batches.
        (None, None) if search => return Ok(Schedule::Cosine),
        (Some("constant") | None, None) => return Ok(Schedule::Constant),
        (Some(other), None) => format!("is `{other}`, but must be constant, cosine or step"),
    };
    Err(parameter(keywords.0.py(), "schedule", &problem))
}

/// The searchable parameters that are given.
fn fixed(keywords: &Keywords<'_, '_>) -> PyResult<Vec<Tunable>> {
    let names = [
        ("lr", Tunable::Lr),
        ("weight_decay", Tunable::WeightDecay),
        ("l2", Tunable::L2),
    ];
    let mut fixed = Vec::new();
    for (name, tunable) in names {
        if keywords.optional::<f64>(name)?.is_some() {
            fixed.push(tunable);
        }
    }
    Ok(fixed)
}

fn evaluation_input(
    data: PathBuf,
    head: PathBuf,
    keywords: &Keywords<'_, '_>,
) -> PyResult<EvaluationInput> {
    let mut input = EvaluationInput::new(data, keywords.head(head)?);
    input.names = keywords.names()?;
    input.labels = keywords.labels()?;
    if keywords.flag("include_training")? {
        input.training_images = TrainingImages::Included;
    }
    let only: String = keywords.required("only")?;
    input.only = match keywords.optional("splits")? {
        Some(file) => Some(OnlySplit::new(file, only)),
        None if only == "test" => None,
        None => {
            let problem = "cannot be used without `splits`";
            return Err(parameter(keywords.0.py(), "only", problem));
        }
    };
    Ok(input)
}

/// Returns how an evaluation ends early: computed features are kept if there is a store for them.
fn end_of(input: &EvaluationInput) -> Interrupted {
    match &input.head.computing.store {
        Some(_) => Interrupted::Stops,
        None => Interrupted::IsLeft,
    }
}

/// `frostline evaluate`.
#[pyfunction]
pub(crate) fn evaluate(
    data: PathBuf,
    head: PathBuf,
    keywords: &Bound<'_, PyDict>,
    bar: Option<&Bound<'_, PyAny>>,
) -> PyResult<Noted> {
    let py = keywords.py();
    let keywords = Keywords(keywords);
    let mut options = EvaluateOptions::new(evaluation_input(data, head, &keywords)?);
    options.compare = keywords.optional("compare")?;
    let default = Bootstrap::default();
    let resamples = keywords.within("intervals", 0, Bootstrap::MOST)?;
    let seed = keywords.or("seed", default.seed)?;
    options.bootstrap = Bootstrap::new(resamples.unwrap_or(default.resamples), seed);
    let end = end_of(&options.input);
    let (result, notes, basis) = work::run(py, bar, end, move |watch| {
        let report = tasks::evaluate(&options, watch)?;
        let overlap = report.training_overlap;
        let optimistic = overlap.training > 0;
        let skipped = report.skipped.iter();
        let skipped = skipped.map(|image| format!("skipped {}: {}", image.path, image.reason));
        let warning = overlap.sentence().filter(|_| optimistic);
        let about = overlap.omission().into_iter().chain(warning);
        let notes = report.notes.iter().cloned().chain(about).chain(skipped);
        let notes = with_labels(report.laid_labels.as_ref(), notes.collect());
        let result = json(&EvaluationJson::new(&report, options.compare.as_deref()));
        Ok((result, notes, overlap.sentence().filter(|_| !optimistic)))
    })?;
    basis.map_or(Ok(()), |text| log(py, &text))?;
    Ok((object(py, &result)?, notes))
}

/// `frostline inspect`.
#[pyfunction]
pub(crate) fn inspect(features: PathBuf, keywords: &Bound<'_, PyDict>) -> PyResult<Noted> {
    let py = keywords.py();
    let keywords = Keywords(keywords);
    let mut options = InspectOptions::new(features);
    options.against = keywords.optional("against")?;
    options.head = keywords.optional("head")?;
    options.labels = keywords.labels()?;
    options.near = keywords.or("near", options.near)?;
    options.folds = keywords.or("folds", options.folds)?;
    options.seed = keywords.or("seed", options.seed)?;
    let report = work::run(py, None, Interrupted::IsLeft, move |_| {
        tasks::inspect(&options)
    })?;
    let notes = with_labels(report.laid_labels.as_ref(), report.notes.clone());
    Ok((object(py, &json(&report))?, notes))
}

/// `frostline report`.
#[pyfunction]
pub(crate) fn report(
    data: PathBuf,
    head: PathBuf,
    output: PathBuf,
    keywords: &Bound<'_, PyDict>,
    bar: Option<&Bound<'_, PyAny>>,
) -> PyResult<Noted> {
    let py = keywords.py();
    let keywords = Keywords(keywords);
    let mut options = ReportOptions::new(evaluation_input(data, head, &keywords)?, output);
    options.images = keywords.optional("images")?;
    options.train = keywords.optional("train")?;
    options.train_images = keywords.optional("train_images")?;
    options.compare = keywords.optional("compare")?;
    options.title = keywords.optional("title")?;
    let overwrite = keywords.overwrite()?;
    let end = end_of(&options.input);
    let (result, notes) = work::run(py, bar, end, move |watch| {
        let input = &options.input;
        let guard = OutputGuard::new()
            .reads([&input.head.path])
            .data(&input.data);
        let guard = guard
            .home(&input.head.computing.run.home)
            .reads(&options.train)
            .reads(&options.compare)
            .reads(input.labels.as_ref().map(|labels| &labels.file))
            .reads(input.only.as_ref().map(|only| &only.file));
        guard.check(&options.output, Wanted::Html, overwrite)?;
        let summary = tasks::report(&options, watch)?;
        let notes = summary.notes.iter().map(ToString::to_string).collect();
        let notes = with_labels(summary.laid_labels.as_ref(), notes);
        Ok((json(&reported(&summary)), notes))
    })?;
    Ok((object(py, &result)?, notes))
}

/// The result of a report.
#[derive(Serialize)]
struct Reported<'a> {
    n_images: usize,
    n_right: usize,
    basis: Option<&'a str>,
    n_without_picture: usize,
    size_bytes: usize,
    n_skipped: usize,
}

fn reported(summary: &tasks::ReportSummary) -> Reported<'_> {
    Reported {
        n_images: summary.images,
        n_right: summary.right,
        basis: summary.basis.as_deref(),
        n_without_picture: summary.without_picture,
        size_bytes: summary.bytes,
        n_skipped: summary.skipped.len(),
    }
}

/// `frostline export`.
#[pyfunction]
pub(crate) fn export(
    head: PathBuf,
    output: PathBuf,
    keywords: &Bound<'_, PyDict>,
    bar: Option<&Bound<'_, PyAny>>,
) -> PyResult<Noted> {
    let py = keywords.py();
    let keywords = Keywords(keywords);
    let mut options = ExportOptions::new(head, output, keywords.home()?);
    options.backbone = keywords.optional("backbone")?;
    options.overwrite = keywords.overwrite()?;
    options.layout = keywords.word("layout")?.unwrap_or_default();
    options.input = keywords.word("input")?.unwrap_or_default();
    options.resize = keywords.word("resize")?.unwrap_or_default();
    options.outputs = keywords.word("outputs")?.unwrap_or_default();
    options.precision = keywords.word("precision")?.unwrap_or_default();
    options.calibration = keywords.optional("calibration")?;
    options.max_drop = keywords.or("max_drop", options.max_drop)?;
    options.with_rejection = keywords.flag("with_rejection")?;
    options.verify = keywords.optional("verify")?;
    let threads = keywords.within("threads", 1, 1024)?;
    options.run.threads = threads.unwrap_or(options.run.threads);
    let (result, notes) = work::run(py, bar, Interrupted::IsLeft, move |watch| {
        let report = tasks::export(&options, watch)?;
        Ok((
            json(&ExportJson::new(&report, &options, plain)),
            report.notes,
        ))
    })?;
    Ok((object(py, &result)?, notes))
}
