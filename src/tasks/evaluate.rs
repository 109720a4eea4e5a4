//! `evaluate`: the metrics of a head on labelled samples, alone or compared with another head.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ndarray::Axis;
use serde_json::Value;

use super::inputs::Skipped;
use super::labelled_predictions::{
    Accepted, EvaluationInput, LabelledPrediction, LabelledPredictions, Rejected,
};
use super::labelled_tally::Items;
use super::laid_labels::LaidLabels;
use super::predict_labelled::{collect_labelled, predict_labelled_with};
use super::predictions::HeadOptions;
use super::training_overlap::TrainingOverlap;
use crate::classes::ClassIndex;
use crate::classifier::Predictor;
use crate::error::{Result, TaskError};
use crate::head::{
    Bootstrap, Comparison, Disagreement, Evaluation, Evaluator, HeadFile, start_processors,
};
use crate::progress::Progress;

/// The options of [`evaluate`](crate::tasks::evaluate()): what to evaluate, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EvaluateOptions {
    /// The head and the samples.
    pub input: EvaluationInput,
    /// Another head to compare with, of the same classes and on the same features.
    pub compare: Option<PathBuf>,
    /// How the intervals are computed.
    pub bootstrap: Bootstrap,
}

impl EvaluateOptions {
    /// Evaluates a single head, with the default intervals.
    #[must_use]
    pub fn new(input: EvaluationInput) -> Self {
        Self {
            input,
            compare: None,
            bootstrap: Bootstrap::default(),
        }
    }
}

/// The evaluation of a head, and the images that it excludes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EvaluateReport {
    /// The metrics, over the samples whose class the head knows.
    pub evaluation: Evaluation,
    /// The comparison with the other head, if one was requested.
    pub comparison: Option<Comparison>,
    /// How many of the images the head was trained on, and how they were evaluated.
    pub training_overlap: TrainingOverlap,
    /// Samples of classes that the head does not know, by class; excluded from all metrics.
    pub unknown_classes: BTreeMap<String, usize>,
    /// Images that the head rejects, if it has a rejection. `evaluation` includes them.
    pub rejected: Option<Rejected>,
    /// Accuracy on the images that the head does not reject, if it has a rejection.
    pub accepted: Option<Accepted>,
    /// Classes of the head that have no sample.
    pub missing_classes: Vec<String>,
    /// How the label file and the images correspond, if there is one.
    pub laid_labels: Option<LaidLabels>,
    /// Images that could not be used.
    pub skipped: Vec<Skipped>,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// Evaluates a head.
///
/// # Errors
/// Those of [`predict_labelled`](super::predict_labelled()), and [`TaskError`] if the other head cannot be
/// compared.
pub fn evaluate(options: &EvaluateOptions, progress: &dyn Progress) -> Result<EvaluateReport> {
    options.bootstrap.check()?;
    start_processors()?;
    let head = &options.input.head;
    let first = head.open()?;
    let disagreements = disagreements(&HeadFile::read(&head.path)?.metrics);
    let Some(other) = &options.compare else {
        let items = |classes: &_| Evaluator::new(ClassIndex::clone(classes), options.bootstrap);
        let scan = options.input.scan(progress)?;
        let input = (&options.input, scan.as_ref());
        let mut all = collect_labelled(&[&first], input, progress, items)?;
        let (mut labelled, evaluator) = all.remove(0);
        labelled.notes.extend(disagreements);
        let evaluation = evaluator.evaluate()?;
        labelled.notes.extend(approximation(&evaluation));
        return Ok(report(evaluation, None, labelled));
    };
    let second = HeadOptions {
        path: other.clone(),
        ..head.clone()
    };
    let second = second.open()?;
    require_comparable((&head.path, &first), (other, &second))?;
    let scan = options.input.scan(progress)?;
    let input = (&options.input, scan.as_ref());
    let mut labelled = predict_labelled_with(&[&first, &second], input, progress)?;
    let (mut first, second) = (labelled.remove(0), labelled.remove(0));
    first.notes.extend(disagreements);
    let comparison = comparison(&first, &second, options.bootstrap)?;
    let evaluation = evaluation(&first, options)?;
    Ok(report(evaluation, Some(comparison), first))
}

/// Returns a note for each result that the validation set contradicted during the fit, from the head's
/// metrics.
pub(super) fn disagreements(metrics: &Value) -> Vec<String> {
    let kept = metrics.get("disagreements").cloned().unwrap_or_default();
    let found: Vec<Disagreement> = serde_json::from_value(kept).unwrap_or_default();
    let told = |found: &Disagreement| format!("when the head was fitted, {found}");
    found.iter().map(told).collect()
}

impl Items for Evaluator {
    fn add(&mut self, item: LabelledPrediction) -> Result<()> {
        self.add(item.target, &item.probabilities)
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn in_memory(n: usize) -> usize {
        n.min(Self::EXACT)
    }
}

/// Says what is approximated.
fn approximation(evaluation: &Evaluation) -> Option<String> {
    let how = evaluation.approximation?;
    evaluation.roc_auc?;
    Some(format!(
        "with more than {} images, areas under the ROC curve come from histograms and are exact to {:.1e}",
        Evaluator::EXACT,
        how.roc_auc_error,
    ))
}

fn evaluation(labelled: &LabelledPredictions, options: &EvaluateOptions) -> Result<Evaluation> {
    let probabilities = labelled.probabilities();
    Evaluation::with_intervals(
        &labelled.classes,
        &labelled.targets(),
        probabilities.view(),
        options.bootstrap,
    )
}

/// Compares two heads, with the second head's probabilities in the first head's class order.
fn comparison(
    first: &LabelledPredictions,
    second: &LabelledPredictions,
    bootstrap: Bootstrap,
) -> Result<Comparison> {
    let place = |name| second.classes.class_to_idx(name);
    let order: Option<Vec<usize>> = first.classes.iter().map(place).collect();
    let order = order.expect("comparable heads have the same classes");
    Comparison::new(
        &first.targets(),
        first.probabilities().view(),
        second.probabilities().select(Axis(1), &order).view(),
        bootstrap,
    )
}

fn require_comparable(
    (first_path, first): (&Path, &Predictor),
    (second_path, second): (&Path, &Predictor),
) -> Result<()> {
    let [only_first, only_second] = [only_in(first, second), only_in(second, first)];
    let same_pixels = first.spec().with_pixels_of(second.spec());
    let names = [first_path, second_path].map(|path| format!("`{}`", path.display()));
    let differences = same_pixels.differences(second.spec(), [&names[0], &names[1]]);
    let [first, second] = [first_path, second_path].map(Path::to_owned);
    if !only_first.is_empty() || !only_second.is_empty() {
        return Err(TaskError::HeadsOfOtherClasses {
            first,
            second,
            only_first,
            only_second,
        }
        .into());
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(TaskError::HeadsOnOtherFeatures {
        first,
        second,
        differences,
    }
    .into())
}

/// Returns the classes that `head` has and `other` does not.
fn only_in(head: &Predictor, other: &Predictor) -> Vec<String> {
    let is_alone = |name: &&str| other.classes().class_to_idx(name).is_none();
    let alone = head.classes().iter().filter(is_alone);
    alone.map(str::to_owned).collect()
}

fn report(
    evaluation: Evaluation,
    comparison: Option<Comparison>,
    labelled: LabelledPredictions,
) -> EvaluateReport {
    let supports = evaluation.per_class.iter().zip(evaluation.classes.iter());
    let missing_classes = supports
        .filter(|(figures, _)| figures.support == 0)
        .map(|(_, name)| name.to_owned())
        .collect();
    EvaluateReport {
        accepted: labelled
            .rejected
            .map(|rejected| Accepted::of(&evaluation, rejected)),
        evaluation,
        comparison,
        training_overlap: labelled.training_overlap,
        rejected: labelled.rejected,
        unknown_classes: labelled.unknown_classes,
        missing_classes,
        laid_labels: labelled.laid_labels,
        skipped: labelled.skipped,
        notes: labelled.notes,
    }
}
