//! An evaluation as text for people.

use std::fmt::Write;
use std::path::Path;

use super::comparison_text::comparison;
use crate::head::{Evaluation, Interval};
use crate::images::path_text::for_terminal;
use crate::tasks::EvaluateReport;

/// The top-k accuracies that people ask for.
const SHOWN_K: [usize; 2] = [3, 5];

pub(super) fn text(report: &EvaluateReport, other: Option<&Path>) -> String {
    let e = &report.evaluation;
    let mut out = String::new();
    headline(&mut out, e);
    if let (Some(against), Some(other)) = (&report.comparison, other) {
        comparison(&mut out, against, other);
    }
    let names: Vec<String> = e.classes.iter().map(for_terminal).collect();
    per_class(&mut out, e, &names);
    reliability(&mut out, e);
    confusion(&mut out, e, &names);
    out
}

fn headline(out: &mut String, e: &Evaluation) {
    let (i, shares, numbers) = (e.intervals.as_ref(), percent, |x| format!("{x:.4}"));
    let mut line = |name: &str, value: String, interval: Option<String>| {
        let line = format!("{name:18} {value:8} {}", interval.unwrap_or_default());
        let _ = writeln!(out, "{}", line.trim_end());
    };
    let heading = i.map(|_| "95 % interval".to_owned());
    line("images", e.n_samples.to_string(), heading);
    let mut share = |name: &str, x: f64, interval: Option<Interval>| {
        line(name, shares(x), interval.map(percents));
    };
    share("accuracy", e.accuracy, i.map(|i| i.accuracy));
    for (place, top) in e.top_k.iter().enumerate() {
        if SHOWN_K.contains(&top.k) {
            let name = format!("top-{} accuracy", top.k);
            share(&name, top.accuracy, i.map(|i| i.top_k[place]));
        }
    }
    let balanced = i.map(|i| i.balanced_accuracy);
    share("balanced accuracy", e.balanced_accuracy, balanced);
    share("macro F1", e.macro_f1, i.map(|i| i.macro_f1));
    share("calibration error", e.ece, i.map(|i| i.ece));
    let mut number = |name: &str, x: f64, interval: Option<Interval>| {
        let ends = interval.map(|i| format!("{} – {}", numbers(i.low), numbers(i.high)));
        line(name, numbers(x), ends);
    };
    number("log loss", e.log_loss, i.map(|i| i.log_loss));
    number("Brier score", e.brier_score, i.map(|i| i.brier_score));
    if let Some(area) = e.roc_auc {
        number("ROC AUC", area, i.and_then(|i| i.roc_auc));
    }
    if let Some(least) = e.least_accuracy() {
        let _ = writeln!(
            out,
            "No image is wrong, so none is in any resample: {} images show only that the accuracy is above {}.",
            e.n_samples,
            percent(least)
        );
    }
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn percents(interval: Interval) -> String {
    let [low, high] = [interval.low, interval.high].map(|share| 100.0 * share);
    format!("{low:.1} – {high:.1} %")
}

fn width(names: &[String]) -> usize {
    names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        .max("class".len())
}

/// The columns of the figures are as wide as their interval wants; the ends of that are whole per cents.
fn per_class(out: &mut String, e: &Evaluation, names: &[String]) {
    let width = width(names);
    let ends = e.intervals.as_ref().map_or(0, |_| " (95–100)".len());
    let [precision, recall, f1] =
        ["precision", "recall", "F1"].map(|name| format!("{name:>9}{:ends$}", ""));
    let _ = writeln!(
        out,
        "\n{:width$}  {precision}{recall}{f1}  ROC AUC  images",
        "class"
    );
    for (class, (name, f)) in names.iter().zip(&e.per_class).enumerate() {
        let i = e.intervals.as_ref().map(|i| &i.per_class[class]);
        let [precision, recall, f1] = [
            (f.precision, i.and_then(|i| i.precision)),
            (f.recall, i.and_then(|i| i.recall)),
            (f.f1, i.and_then(|i| i.f1)),
        ]
        .map(|(share, interval)| format!("{:>9}{:ends$}", percent(share), rounded(interval)));
        let area = f.roc_auc.map_or("-".to_owned(), |x| format!("{x:.4}"));
        let _ = writeln!(
            out,
            "{name:width$}  {precision}{recall}{f1}  {area:>7}  {:>6}",
            f.support
        );
    }
}

/// Nothing for a single point: that only says that there is no mistake to be drawn.
fn rounded(interval: Option<Interval>) -> String {
    let [low, high] = match interval {
        Some(i) if i.low < i.high => [i.low, i.high].map(|share| 100.0 * share),
        _ => return String::new(),
    };
    format!(" ({low:.0}–{high:.0})")
}

/// Whether the probabilities mean what they say; the bins without an image are left out.
fn reliability(out: &mut String, e: &Evaluation) {
    let _ = writeln!(out, "\nprobability      images  on average    right");
    for (place, bin) in e.reliability.iter().enumerate() {
        if bin.n == 0 {
            continue;
        }
        let interval = e.intervals.as_ref().and_then(|i| i.reliability[place]);
        let _ = writeln!(
            out,
            "{:>5.1} – {:>5.1} %  {:>6}  {:>10}  {:>7}{}",
            100.0 * bin.lower,
            100.0 * bin.upper,
            bin.n,
            percent(bin.confidence),
            percent(bin.accuracy),
            rounded(interval)
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
