//! Converts an [`Evaluation`] into the metrics that the page shows.

use crate::head::{ClassIntervals, Evaluation, Interval, Intervals, TopK};
use crate::report::{Bin, ClassRow, Figure, Measure, Page, Reliability, Unit};
use crate::tasks::labelled_predictions::Accepted;

pub(super) fn fill(page: &mut Page, evaluation: &Evaluation, accepted: Option<Accepted>) {
    page.headline = headline(evaluation);
    page.headline
        .extend(accepted.into_iter().flat_map(with_rejection));
    page.confusion.clone_from(&evaluation.confusion);
    page.per_class = per_class(evaluation);
    page.reliability = Some(reliability(evaluation));
}

fn headline(e: &Evaluation) -> Vec<Figure> {
    let all = e.intervals.as_ref();
    let of = |interval: fn(&Intervals) -> Option<Interval>| all.and_then(interval);
    let accuracy = of(|i| Some(i.accuracy));
    let (balanced, macro_f1) = (of(|i| i.balanced_accuracy), of(|i| i.macro_f1));
    let mut figures = vec![
        share("Accuracy", "share of correct labels", e.accuracy, accuracy),
        share(
            "Balanced accuracy",
            "mean recall of the classes",
            e.balanced_accuracy,
            balanced,
        ),
        share("Macro F1", "mean F1 of the classes", e.macro_f1, macro_f1),
    ];
    figures.extend(e.summarised_top_k().map(top_k));
    let auc = |auc| {
        number(
            "ROC AUC",
            "1 is perfect, 0.5 is random",
            auc,
            of(|i| i.roc_auc),
        )
    };
    figures.extend(e.roc_auc.map(auc));
    figures.extend([
        number(
            "Log loss",
            "lower is better",
            e.log_loss,
            of(|i| i.log_loss),
        ),
        number(
            "Brier score",
            "lower is better",
            e.brier_score,
            of(|i| i.brier_score),
        ),
        share(
            "Calibration error",
            "mean gap between confidence and accuracy",
            e.ece,
            None,
        ),
    ]);
    figures
}

fn share(name: &str, meaning: &str, value: f64, interval: Option<Interval>) -> Figure {
    Figure {
        name: name.to_owned(),
        meaning: meaning.to_owned(),
        measure: measure(value, interval),
        unit: Unit::Share,
    }
}

fn number(name: &str, meaning: &str, value: f64, interval: Option<Interval>) -> Figure {
    let unit = Unit::Number;
    let figure = share(name, meaning, value, interval);
    Figure { unit, ..figure }
}

/// Returns the share of images that the head does not reject, and the accuracy on them.
fn with_rejection(accepted: Accepted) -> impl Iterator<Item = Figure> {
    let coverage = share("Coverage", "images not rejected", accepted.coverage, None);
    let accuracy = accepted.accuracy.map(|accuracy| {
        let (name, interval) = ("Accepted accuracy", accepted.accuracy_interval);
        share(name, "on images not rejected", accuracy, interval)
    });
    std::iter::once(coverage).chain(accuracy)
}

fn top_k((top, interval): (TopK, Option<Interval>)) -> Figure {
    let (name, meaning) = (
        format!("Top-{} accuracy", top.k),
        format!("true class among the top {}", top.k),
    );
    share(&name, &meaning, top.accuracy, interval)
}

fn per_class(evaluation: &Evaluation) -> Vec<ClassRow> {
    let intervals = |class: usize| Some(evaluation.intervals.as_ref()?.per_class[class]);
    let row = |(class, figures): (usize, &crate::head::ClassFigures)| {
        let of = |value, interval: fn(ClassIntervals) -> Option<Interval>| {
            measure(value, intervals(class).and_then(interval))
        };
        ClassRow {
            precision: of(figures.precision, |i| i.precision),
            recall: of(figures.recall, |i| i.recall),
            f1: of(figures.f1, |i| i.f1),
            support: figures.support,
            absent: !evaluation.occurs(class),
        }
    };
    evaluation.per_class.iter().enumerate().map(row).collect()
}

fn reliability(evaluation: &Evaluation) -> Reliability {
    let full = evaluation.reliability.iter().filter(|bin| bin.n > 0);
    let bins = full.map(|bin| Bin {
        range: [bin.lower, bin.upper],
        confidence: bin.confidence,
        accuracy: bin.accuracy,
        count: bin.n,
    });
    Reliability {
        bins: bins.collect(),
        ece: evaluation.ece,
    }
}

fn measure(value: f64, interval: Option<Interval>) -> Measure {
    Measure { value, interval }
}
