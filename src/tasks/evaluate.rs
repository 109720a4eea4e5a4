//! `evaluate`: a head against labelled samples.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ndarray::Array2;
use serde::Serialize;

use super::classify::{Classified, ClassifyOptions, classify};
use super::inputs::{Inputs, Skipped};
use crate::classes::ClassIndex;
use crate::classifier::{Classifier, Prediction, Verdict};
use crate::error::{Error, Result};
use crate::features::{FeatureStore, is_store};
use crate::head::Evaluation;
use crate::images::Labels;
use crate::progress::Progress;

/// What to evaluate on: features, or images with the options of classification.
#[derive(Debug, Clone)]
pub struct EvaluateOptions {
    /// A feature store, or a folder of images with a folder for each class.
    pub data: PathBuf,
    /// How images are classified; its `inputs` are not used.
    pub classify: ClassifyOptions,
}

/// The figures, and what they leave out.
#[derive(Debug, Clone)]
pub struct EvaluateReport {
    /// The figures, over the samples whose class the head knows.
    pub evaluation: Evaluation,
    /// Samples of classes that the head does not know, by class; they are in no figure.
    pub unknown_classes: BTreeMap<String, usize>,
    /// Images that the head's rejection calls unknown; where it has one. The figures are as if it had none.
    pub rejected: Option<Rejected>,
    /// Classes of the head that have no sample.
    pub missing_classes: Vec<String>,
    /// Images that could not be used.
    pub skipped: Vec<Skipped>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// How many images the head's rejection calls unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Rejected {
    /// Of those whose label is right.
    pub right: usize,
    /// Of those whose label is wrong.
    pub wrong: usize,
    /// Of those of classes that the head does not know.
    pub unknown_classes: usize,
}

/// Evaluates a head.
///
/// # Errors
/// A head or store that cannot be read or do not match, samples without classes, none of a known class.
pub fn evaluate(options: &EvaluateOptions, progress: &dyn Progress) -> Result<EvaluateReport> {
    let mut tally = Tally::default();
    let (classes, notes) = if is_store(&options.data) {
        (from_store(options, &mut tally)?, Vec::new())
    } else {
        from_images(options, &mut tally, progress)?
    };
    let evaluation = tally.evaluation(&classes, options)?;
    let supports = evaluation.per_class.iter().zip(classes.iter());
    let missing_classes = supports
        .filter(|(figures, _)| figures.support == 0)
        .map(|(_, name)| name.to_owned())
        .collect();
    let Tally {
        unknown_classes,
        rejected,
        skipped,
        ..
    } = tally;
    Ok(EvaluateReport {
        evaluation,
        unknown_classes,
        rejected,
        missing_classes,
        skipped,
        notes,
    })
}

fn from_store(options: &EvaluateOptions, tally: &mut Tally) -> Result<ClassIndex> {
    let classifier = Classifier::open(&options.classify.head, options.classify.tta)?
        .rejecting(options.classify.rejecting);
    let store = FeatureStore::open(&options.data)?;
    classifier.require(
        &store.manifest().spec,
        &format!("the features `{}`", options.data.display()),
    )?;
    let (rows, digests): (Vec<_>, Vec<_>) = store.index().used().unzip();
    let features = store.views(&digests, &classifier.spec().views)?;
    let predictions = classifier.predict(features.view())?;
    for (row, prediction) in rows.iter().zip(predictions) {
        tally.add(&classifier, &row.path, row.class.as_deref(), Ok(prediction));
    }
    Ok(classifier.classes().clone())
}

fn from_images(
    options: &EvaluateOptions,
    tally: &mut Tally,
    progress: &dyn Progress,
) -> Result<(ClassIndex, Vec<String>)> {
    let inputs = Inputs::Paths(vec![options.data.clone()]);
    let classify_options = ClassifyOptions {
        inputs,
        ..options.classify.clone()
    };
    let mut classes = None;
    let report = classify(
        &classify_options,
        Labels::FromFolders,
        progress,
        &mut |classifier, item: Classified| {
            classes.get_or_insert_with(|| classifier.classes().clone());
            tally.add(classifier, &item.path, item.class.as_deref(), item.result);
            Ok(())
        },
    )?;
    Ok((
        classes.expect("a scan without images is an error"),
        report.notes,
    ))
}

/// Predictions with their targets, as they come.
#[derive(Default)]
struct Tally {
    targets: Vec<usize>,
    probabilities: Vec<f64>,
    unlabelled: usize,
    unknown_classes: BTreeMap<String, usize>,
    rejected: Option<Rejected>,
    skipped: Vec<Skipped>,
}

impl Tally {
    fn add(
        &mut self,
        classifier: &Classifier,
        path: &str,
        class: Option<&str>,
        result: Result<Prediction, String>,
    ) {
        let prediction = match result {
            Ok(prediction) => prediction,
            Err(reason) => {
                return self.skipped.push(Skipped {
                    path: path.to_owned(),
                    reason,
                });
            }
        };
        let target = class.map(|name| (name, classifier.classes().class_to_idx(name)));
        if classifier.rejection().is_some() {
            let rejected = self.rejected.get_or_insert_default();
            let count = match target {
                Some((_, Some(target))) if prediction.best().0 == target => &mut rejected.right,
                Some((_, Some(_))) => &mut rejected.wrong,
                _ => &mut rejected.unknown_classes,
            };
            *count += usize::from(prediction.verdict() != Verdict::Known);
        }
        match target {
            None => self.unlabelled += 1,
            Some((name, None)) => *self.unknown_classes.entry(name.to_owned()).or_insert(0) += 1,
            Some((_, Some(target))) => {
                self.targets.push(target);
                self.probabilities
                    .extend_from_slice(prediction.probabilities());
            }
        }
    }

    fn evaluation(
        &mut self,
        classes: &ClassIndex,
        options: &EvaluateOptions,
    ) -> Result<Evaluation> {
        let shape = (self.targets.len(), classes.len());
        if self.targets.is_empty() || self.unlabelled > 0 {
            return Err(self.nothing_to_judge(classes, options));
        }
        let probabilities = std::mem::take(&mut self.probabilities);
        let probabilities = Array2::from_shape_vec(shape, probabilities)
            .expect("a number for each class and sample");
        Evaluation::new(classes, &self.targets, probabilities.view())
    }

    fn nothing_to_judge(&self, classes: &ClassIndex, options: &EvaluateOptions) -> Error {
        let data = options.data.display();
        let known = classes
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let unknown = self
            .unknown_classes
            .keys()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let problem = if self.unlabelled > 0 {
            format!("{} images of `{data}` have no class", self.unlabelled)
        } else if unknown.is_empty() {
            format!("`{data}` holds no usable image")
        } else {
            format!("the head knows none of the classes of `{data}`: {unknown}")
        };
        let hint = format!(
            "the head's classes are {known}; give a folder (or its features) with a folder for each"
        );
        Error::Input { problem, hint }
    }
}
