//! An evaluation as JSON.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::ClassIndex;
use crate::head::{Approximation, Comparison, Confusion, ConfusionCell, Intervals, ReliabilityBin};
use crate::images::path_text::to_text;
use crate::tasks::{Accepted, EvaluateReport, LaidLabels, Rejected, TrainingOverlap};

/// The result of `evaluate`, with the names of scikit-learn and torchvision for what they have too.
#[derive(Debug, Serialize)]
pub struct EvaluationJson<'a> {
    n_samples: usize,
    top1_accuracy: f64,
    top_k_accuracy: Map<String, Value>,
    balanced_accuracy: f64,
    macro_f1: f64,
    weighted_f1: f64,
    log_loss: f64,
    brier_score: f64,
    ece: f64,
    roc_auc: Option<f64>,
    classes: &'a ClassIndex,
    confusion: &'a Confusion,
    confusion_cells: &'a [ConfusionCell],
    per_class: Map<String, Value>,
    reliability: &'a [ReliabilityBin],
    intervals: Option<&'a Intervals>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approximation: Option<Approximation>,
    training_overlap: TrainingOverlap,
    unknown_classes: &'a BTreeMap<String, usize>,
    missing_classes: &'a [String],
    rejected: Option<Rejected>,
    accepted: Option<Accepted>,
    label_file: Option<&'a LaidLabels>,
    n_skipped: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<WithSecondHead<'a>>,
}

/// A comparison, and the head that was compared with.
#[derive(Debug, Serialize)]
struct WithSecondHead<'a> {
    #[serde(flatten)]
    comparison: &'a Comparison,
    second_head: String,
}

impl<'a> EvaluationJson<'a> {
    /// The result of an evaluation, or of a comparison with the head `other`.
    #[must_use]
    pub fn new(report: &'a EvaluateReport, other: Option<&Path>) -> Self {
        let e = &report.evaluation;
        let per_class = e.classes.iter().zip(&e.per_class);
        let top_k = e.top_k.iter();
        let comparison = report.comparison.as_ref().zip(other);
        Self {
            n_samples: e.n_samples,
            top1_accuracy: e.accuracy,
            top_k_accuracy: top_k
                .map(|top| (top.k.to_string(), top.accuracy.into()))
                .collect(),
            balanced_accuracy: e.balanced_accuracy,
            macro_f1: e.macro_f1,
            weighted_f1: e.weighted_f1,
            log_loss: e.log_loss,
            brier_score: e.brier_score,
            ece: e.ece,
            roc_auc: e.roc_auc,
            classes: &e.classes,
            confusion: &e.confusion,
            confusion_cells: e.confusion.cells(),
            per_class: per_class
                .map(|(name, figures)| (name.to_owned(), value(figures)))
                .collect(),
            reliability: &e.reliability,
            intervals: e.intervals.as_ref(),
            approximation: e.approximation,
            training_overlap: report.training_overlap,
            unknown_classes: &report.unknown_classes,
            missing_classes: &report.missing_classes,
            rejected: report.rejected,
            accepted: report.accepted,
            label_file: report.laid_labels.as_ref(),
            n_skipped: report.skipped.len(),
            comparison: comparison.map(|(comparison, other)| WithSecondHead {
                comparison,
                second_head: to_text(other),
            }),
        }
    }
}

fn value(figures: &impl Serialize) -> Value {
    serde_json::to_value(figures).unwrap_or_default()
}
