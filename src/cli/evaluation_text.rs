//! An evaluation as text for people.

use std::path::Path;

use super::cells::{cell, padded, widest};
use super::comparison_text::comparison;
use super::number::{WILSON_MARK, mark, percent};
use super::terminal::Text;
use frostline::head::{Evaluation, Interval};
use frostline::tasks::{Accepted, EvaluateReport};

pub(super) fn text(report: &EvaluateReport, other: Option<&Path>) -> Text {
    let e = &report.evaluation;
    let mut out = Text::new();
    headline(&mut out, e);
    let overlap = report.training_overlap;
    let sentences = overlap.sentence().into_iter().chain(overlap.omission());
    sentences.for_each(|sentence| out.line(sentence));
    if let Some(accepted) = report.accepted {
        with_rejection(&mut out, e, accepted);
    }
    method_note(&mut out, e);
    if let (Some(against), Some(other)) = (&report.comparison, other) {
        comparison(&mut out, against, other);
    }
    let names: Vec<String> = e.classes.iter().map(cell).collect();
    per_class(&mut out, e, &names);
    reliability(&mut out, e);
    confusion(&mut out, e, &names);
    out
}

fn headline(out: &mut Text, e: &Evaluation) {
    let (i, shares, numbers) = (e.intervals.as_ref(), percent, |x| format!("{x:.4}"));
    let mut line = |name: &str, value: String, interval: Option<String>| {
        let line = format!("{name:18} {value:8} {}", interval.unwrap_or_default());
        out.line(line.trim_end());
    };
    let heading = i.map(|_| "95 % interval".to_owned());
    line("images", e.n_samples.to_string(), heading);
    let mut share = |name: &str, x: f64, interval: Option<Interval>| {
        line(name, shares(x), interval.map(percents));
    };
    share("accuracy", e.accuracy, i.map(|i| i.accuracy));
    for (top, interval) in e.summarised_top_k() {
        share(&format!("top-{} accuracy", top.k), top.accuracy, interval);
    }
    let balanced = i.and_then(|i| i.balanced_accuracy);
    share("balanced accuracy", e.balanced_accuracy, balanced);
    share("macro F1", e.macro_f1, i.and_then(|i| i.macro_f1));
    share("calibration error", e.ece, None);
    let mut number = |name: &str, x: f64, interval: Option<Interval>| {
        let ends = interval.map(|i| format!("{} – {}", numbers(i.low), numbers(i.high)));
        line(name, numbers(x), ends);
    };
    number("log loss", e.log_loss, i.and_then(|i| i.log_loss));
    number("Brier score", e.brier_score, i.and_then(|i| i.brier_score));
    if let Some(area) = e.roc_auc {
        number("ROC AUC", area, i.and_then(|i| i.roc_auc));
    }
}

/// Writes how many images the head accepts and rejects; each image is counted once.
fn with_rejection(out: &mut Text, e: &Evaluation, accepted: Accepted) {
    let n = e.n_samples;
    let [right, wrong, unknown] = [accepted.right, accepted.n - accepted.right, n - accepted.n];
    out.line("");
    out.line(format_args!(
        "with rejection     {right} right, {wrong} wrong, {unknown} unknown; the metrics \
        above include the unknown images"
    ));
    out.line(format_args!(
        "coverage           {}",
        percent(accepted.coverage)
    ));
    if let Some(accuracy) = accepted.accuracy {
        let interval = accepted.accuracy_interval.map(percents);
        let interval = interval.filter(|_| e.intervals.is_some());
        let accuracy = format!("{:8} {}", percent(accuracy), interval.unwrap_or_default());
        out.line(format_args!("accepted accuracy  {}", accuracy.trim_end()));
    }
}

/// Explains the mark on intervals.
fn method_note(out: &mut Text, e: &Evaluation) {
    if e.intervals.is_some() {
        out.line("");
        let others = match e.approximation {
            Some(_) => {
                "percentiles of the bootstrap (balanced accuracy, F1) or 1.96 standard errors"
            }
            None => "percentiles of the bootstrap",
        };
        out.line(format_args!(
            "Intervals are {others}; those marked {WILSON_MARK} are Wilson score intervals."
        ));
    }
}

fn percents(interval: Interval) -> String {
    let [low, high] = [interval.low, interval.high].map(|share| 100.0 * share);
    format!("{low:.1} – {high:.1} %{}", mark(interval))
}

fn width(names: &[String]) -> usize {
    widest(names).max("class".len())
}

/// Writes the metrics of each class. Columns leave room for the intervals, whose ends are whole percentages.
fn per_class(out: &mut Text, e: &Evaluation, names: &[String]) {
    let width = width(names);
    let ends = e
        .intervals
        .as_ref()
        .map_or(0, |_| " (95–100)*".chars().count());
    let [precision, recall, f1] =
        ["precision", "recall", "F1"].map(|name| format!("{name:>9}{:ends$}", ""));
    out.line("");
    out.line(format_args!(
        "{:width$}  {precision}{recall}{f1}  ROC AUC  images",
        "class"
    ));
    for (class, (name, f)) in names.iter().zip(&e.per_class).enumerate() {
        let i = e.intervals.as_ref().map(|i| &i.per_class[class]);
        let [precision, recall, f1] = [
            (f.precision, i.and_then(|i| i.precision)),
            (f.recall, i.and_then(|i| i.recall)),
            (f.f1, i.and_then(|i| i.f1)),
        ]
        .map(|(share, interval)| {
            let shown = if e.occurs(class) {
                percent(share)
            } else {
                "-".to_owned()
            };
            format!("{shown:>9}{:ends$}", rounded(interval))
        });
        let area = f.roc_auc.map_or("-".to_owned(), |x| format!("{x:.4}"));
        out.line(format_args!(
            "{}  {precision}{recall}{f1}  {area:>7}  {:>6}",
            padded(name, width),
            f.support
        ));
    }
}

fn rounded(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |interval| {
        let [low, high] = [interval.low, interval.high].map(|share| 100.0 * share);
        format!(" ({low:.0}–{high:.0}){}", mark(interval))
    })
}

/// Writes how probabilities compare with accuracy, without empty bins.
fn reliability(out: &mut Text, e: &Evaluation) {
    out.line("");
    out.line("probability      images  mean prob.  accuracy");
    for (place, bin) in e.reliability.iter().enumerate() {
        if bin.n == 0 {
            continue;
        }
        let interval = e.intervals.as_ref().and_then(|i| i.reliability[place]);
        out.line(format_args!(
            "{:>5.1} – {:>5.1} %  {:>6}  {:>10}  {:>8}{}",
            100.0 * bin.lower,
            100.0 * bin.upper,
            bin.n,
            percent(bin.confidence),
            percent(bin.accuracy),
            rounded(interval)
        ));
    }
}

/// Writes the confusion matrix: rows are true classes, columns predicted ones, by the numbers of the rows.
fn confusion(out: &mut Text, e: &Evaluation, names: &[String]) {
    const WIDEST: usize = 30;
    if names.len() > WIDEST {
        out.line("");
        out.line(format_args!(
            "The confusion matrix of {} classes is in --format json, as `confusion_cells`.",
            names.len()
        ));
        return;
    }
    let width = width(names);
    let matrix = e.confusion.matrix().unwrap_or_default();
    let largest = matrix.iter().flatten().max();
    let cell = largest
        .map_or(1, |n| n.to_string().len())
        .max(names.len().to_string().len());
    let numbered = |n: usize| format!("  {n:>cell$}");
    let columns: Vec<String> = (1..=names.len()).map(numbered).collect();
    let columns = columns.concat();
    out.line("");
    out.line(format_args!("{:width$}    {columns}  predicted", "truth"));
    for (number, (name, row)) in names.iter().zip(&matrix).enumerate() {
        let numbers: Vec<String> = row.iter().map(|&n| numbered(n)).collect();
        let numbers = numbers.concat();
        let name = padded(name, width);
        out.line(format_args!("{name}  {:>2}{numbers}", number + 1));
    }
}
