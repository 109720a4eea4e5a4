//! An evaluation as JSON for programs.

use std::path::Path;

use serde_json::{Map, Value, json};

use frostline::images::path_text::to_text;
use frostline::tasks::EvaluateReport;

/// Returns the evaluation as JSON, with the names of scikit-learn and torchvision where they have one.
pub(super) fn json(report: &EvaluateReport, other: Option<&Path>) -> String {
    let e = &report.evaluation;
    let per_class = e.classes.iter().zip(&e.per_class);
    let per_class = per_class.map(|(name, figures)| (name.to_owned(), value(figures)));
    let top_k = e.top_k.iter();
    let top_k = top_k.map(|top| (top.k.to_string(), value(&top.accuracy)));
    let mut written = json!({
        "n_samples": e.n_samples,
        "top1_accuracy": e.accuracy,
        "top_k_accuracy": top_k.collect::<Map<_, _>>(),
        "balanced_accuracy": e.balanced_accuracy,
        "macro_f1": e.macro_f1,
        "weighted_f1": e.weighted_f1,
        "log_loss": e.log_loss,
        "brier_score": e.brier_score,
        "ece": e.ece,
        "roc_auc": e.roc_auc,
        "classes": e.classes,
        "confusion": e.confusion,
        "confusion_cells": e.confusion.cells(),
        "per_class": per_class.collect::<Map<_, _>>(),
        "reliability": e.reliability,
        "intervals": e.intervals,
        "judged": report.acquaintance,
        "unknown_classes": report.unknown_classes,
        "missing_classes": report.missing_classes,
        "rejected": report.rejected,
        "accepted": report.accepted,
        "n_skipped": report.skipped.len(),
    });
    if let (Some(comparison), Some(other)) = (&report.comparison, other) {
        let mut comparison = value(comparison);
        comparison["second_head"] = to_text(other).into();
        written["comparison"] = comparison;
    }
    format!("{written:#}")
}

fn value(figures: &impl serde::Serialize) -> Value {
    serde_json::to_value(figures).unwrap_or_default()
}
