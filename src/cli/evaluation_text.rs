//! An evaluation as text for people and as JSON for programs.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::head::Evaluation;
use crate::images::path_text::for_terminal;
use crate::tasks::EvaluateReport;

/// Keys as in scikit-learn and torchvision where they have a name for it.
pub(super) fn json(report: &EvaluateReport) -> String {
    let e = &report.evaluation;
    let per_class: Map<String, Value> = e
        .classes
        .iter()
        .zip(&e.per_class)
        .map(|(name, figures)| {
            (
                name.to_owned(),
                serde_json::to_value(figures).unwrap_or_default(),
            )
        })
        .collect();
    let value = json!({
        "n_samples": e.n_samples,
        "top1_accuracy": e.accuracy,
        "balanced_accuracy": e.balanced_accuracy,
        "macro_f1": e.macro_f1,
        "log_loss": e.log_loss,
        "classes": e.classes,
        "confusion": e.confusion,
        "per_class": per_class,
        "unknown_classes": report.unknown_classes,
        "missing_classes": report.missing_classes,
        "rejected": report.rejected,
        "n_skipped": report.skipped.len(),
    });
    format!("{value:#}")
}

pub(super) fn text(e: &Evaluation) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "{name:18} {value}");
    };
    line("images", e.n_samples.to_string());
    line("accuracy", percent(e.accuracy));
    line("balanced accuracy", percent(e.balanced_accuracy));
    line("macro F1", percent(e.macro_f1));
    line("log loss", format!("{:.4}", e.log_loss));
    let names: Vec<String> = e.classes.iter().map(for_terminal).collect();
    per_class(&mut out, e, &names);
    confusion(&mut out, e, &names);
    out
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn width(names: &[String]) -> usize {
    names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        .max("class".len())
}

fn per_class(out: &mut String, e: &Evaluation, names: &[String]) {
    let width = width(names);
    let _ = writeln!(
        out,
        "\n{:width$}  precision  recall      F1  images",
        "class"
    );
    for (name, f) in names.iter().zip(&e.per_class) {
        let [precision, recall, f1] = [f.precision, f.recall, f.f1].map(percent);
        let _ = writeln!(
            out,
            "{name:width$}  {precision:>9}  {recall:>6}  {f1:>6}  {:>6}",
            f.support
        );
    }
}

/// Rows are the truth, columns the prediction, both by the numbers of the rows.
fn confusion(out: &mut String, e: &Evaluation, names: &[String]) {
    const WIDEST: usize = 30;
    if names.len() > WIDEST {
        let _ = writeln!(
            out,
            "\nThe confusion matrix of {} classes is in --format json.",
            names.len()
        );
        return;
    }
    let width = width(names);
    let cell = e
        .confusion
        .iter()
        .flatten()
        .max()
        .map_or(1, |n| n.to_string().len())
        .max(names.len().to_string().len());
    let _ = write!(out, "\n{:width$}    ", "truth");
    for column in 1..=names.len() {
        let _ = write!(out, "  {column:>cell$}");
    }
    let _ = writeln!(out, "  predicted");
    for (number, (name, row)) in names.iter().zip(&e.confusion).enumerate() {
        let _ = write!(out, "{name:width$}  {:>2}", number + 1);
        for n in row {
            let _ = write!(out, "  {n:>cell$}");
        }
        let _ = writeln!(out);
    }
}
