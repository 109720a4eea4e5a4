//! Writes what a session is for: the labels, a head and a report, beside the label file.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::finished::Finished;
use super::labeller::{Labeller, Phase};
use super::model::{Training, params};
use super::refusal::{Refusal, with_causes};
use crate::error::{DataProblem, Error, HeadError, Result as Done};
use crate::features::{Computing, Digest};
use crate::head::Interval;
use crate::images::path_text::to_text;
use crate::inputs::{self, Links};
use crate::progress::Silent;
use crate::tasks::{
    CrossValidation, EvaluationInput, FitHeadOptions, FitHeadReport, HeadOptions, LabelOptions,
    ReportOptions, fit_head, report,
};

/// The share of images of the known classes that the head may take for unknown.
const RATE: f64 = 0.05;
/// The largest head or report that is compared with the one before, in bytes.
const LARGEST: u64 = 4 << 30;

/// What was written, for the page.
#[derive(Debug, Serialize)]
pub(super) struct FinishReply {
    files: Vec<WrittenFile>,
    commands: Vec<String>,
    accuracy: Option<f64>,
    interval: Option<Interval>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct WrittenFile {
    what: &'static str,
    path: String,
}

impl Labeller {
    /// Writes the label file, a head and a report.
    ///
    /// # Errors
    /// If there are no features or too few labels, or a file cannot be written.
    pub(super) fn finish(&self) -> Result<FinishReply, Refusal> {
        // One at a time: a second one would write the same files.
        let _one = self.finishing.lock();
        self.require_labels()?;
        let mut finished = self.files();
        let (fit, reject) = Self::fit(&finished)?;
        finished.reject = reject;
        self.remember(&finished.head)?;
        let mut notes = fit.warnings.clone();
        match self.report(&finished) {
            Ok(()) => {
                let page = finished.report.clone().unwrap_or_default();
                self.remember(&page)?;
            }
            Err(error) => {
                notes.push(format!("there is no report: {}", with_causes(&error)));
                finished.report = None;
            }
        }
        let file = |what, path: &Path| WrittenFile {
            what,
            path: to_text(path),
        };
        let mut files = vec![
            file("labels", &finished.labels),
            file("head", &finished.head),
        ];
        files.extend(finished.report.as_deref().map(|page| file("report", page)));
        let figures = fit.out_of_fold;
        Ok(FinishReply {
            files,
            commands: self.host.commands(&finished),
            accuracy: figures.map(|figures| figures.accuracy),
            interval: figures.and_then(|figures| {
                let right = (figures.accuracy * figures.n as f64).round() as u64;
                Interval::wilson(right, figures.n as u64)
            }),
            notes,
        })
    }

    fn require_labels(&self) -> Result<(), Refusal> {
        self.write_all()?;
        let inner = self.lock();
        let vectors = inner
            .vectors
            .clone()
            .filter(|_| inner.phase == Phase::Ready);
        let not_ready = || Refusal::NotReady("the features are still being computed".to_owned());
        let training = Training::of(
            &inner.labelling.history.tags,
            &*vectors.ok_or_else(not_ready)?,
        );
        if training.classes.len() < 2 {
            let why = "label images of at least two classes first";
            return Err(Refusal::Bad(why.to_owned()));
        }
        Ok(())
    }

    /// Returns the files to write. A file that this session's journal does not know is never replaced.
    fn files(&self) -> Finished {
        let options = &self.options;
        let paths = options.extract.inputs.paths();
        Finished {
            features: options.extract.output.clone(),
            labels: options.labels.clone(),
            head: self.free_name("head", "safetensors"),
            report: Some(self.free_name("report", "html")),
            images: <[PathBuf; 1]>::try_from(paths.to_vec())
                .ok()
                .map(|[only]| only),
            reject: None,
            folds: CrossValidation::default().folds,
        }
    }

    /// Returns the first of `NAME.EXTENSION`, `NAME-2.EXTENSION` … that is free or was written before.
    fn free_name(&self, name: &str, extension: &str) -> PathBuf {
        let names = (1..).map(|number| match number {
            1 => format!("{name}.{extension}"),
            _ => format!("{name}-{number}.{extension}"),
        });
        let mut places = names.map(|name| self.options.labels.with_file_name(name));
        let place = places.find(|place| {
            place.symlink_metadata().is_err()
                || digest(place).is_ok_and(|digest| {
                    self.lock()
                        .labelling
                        .has_written(&file_name(place), &digest)
                })
        });
        place.expect("there is no end of names")
    }

    /// Records what a file contains, so that it may be replaced later.
    fn remember(&self, path: &Path) -> Done<()> {
        let digest = digest(path)?;
        self.lock().labelling.remember(file_name(path), digest)
    }

    /// Trains the head with a rejection or, with too few images for that, without.
    fn fit(files: &Finished) -> Result<(FitHeadReport, Option<f64>), Refusal> {
        let mut options = FitHeadOptions::new(files.features.clone(), files.head.clone());
        options.params = params();
        options.labels = Some(LabelOptions::new(files.labels.clone()));
        options.out_of_fold = Some(CrossValidation::new(files.folds));
        options.reject = Some(RATE);
        match fit_head(&options, &mut |_| {}, &Silent) {
            Err(Error::Head(
                HeadError::Rejection(_) | HeadError::Data(DataProblem::Folds { .. }),
            )) => options.reject = None,
            fitted => return Ok((fitted?, options.reject)),
        }
        match fit_head(&options, &mut |_| {}, &Silent) {
            Err(Error::Head(HeadError::Data(problem @ DataProblem::Folds { .. }))) => {
                Err(Refusal::Bad(format!("label more images first: {problem}")))
            }
            fitted => Ok((fitted?, None)),
        }
    }

    fn report(&self, files: &Finished) -> Done<()> {
        let computing = Computing::new(self.options.extract.run.clone());
        let head = HeadOptions::new(files.head.clone(), computing);
        let mut input = EvaluationInput::new(files.features.clone(), head);
        input.labels = Some(LabelOptions::new(files.labels.clone()));
        let page = files.report.clone().unwrap_or_default();
        let mut options = ReportOptions::new(input, page);
        options.images.clone_from(&files.images);
        report(&options, &Silent).map(drop)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| to_text(Path::new(name)))
}

fn digest(path: &Path) -> Done<String> {
    let bytes = inputs::read(path, Links::Refuse, LARGEST).map_err(Error::io("read", path))?;
    Ok(Digest::of(&bytes).to_string())
}
