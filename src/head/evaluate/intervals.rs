//! The intervals of all metrics of an evaluation.

use serde::Serialize;

use super::bootstrap::Bootstrap;
use super::confusion::{Counts, mean, ratio};
use super::interval::Interval;
use super::ranking::ks;
use super::reliability::Bins;
use super::scored_samples::ScoredSamples;
use crate::error::Result;

/// 95 % intervals for the metrics of the same names in [`Evaluation`](crate::head::Evaluation).
///
/// Every metric is recomputed for each resample. A resample in which a metric is undefined does not count
/// towards its interval: the recall and the area under the ROC curve of a class that was not drawn, and the
/// precision of a class that is not predicted. Where all resamples agree, a share of samples has
/// [`IntervalMethod::Wilson`](crate::head::IntervalMethod) and any other metric has no interval. Of more
/// samples than [`Evaluator`](crate::head::Evaluator) keeps, only metrics of the confusion matrix are
/// resampled.
///
/// The expected calibration error has no interval: resamples are worse calibrated than the samples they are
/// drawn from, so the percentiles may not even enclose the metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Intervals {
    /// How the samples were resampled.
    pub bootstrap: Bootstrap,
    /// Interval of the accuracy.
    pub accuracy: Interval,
    /// Interval of the balanced accuracy, over the classes that were drawn.
    pub balanced_accuracy: Option<Interval>,
    /// Interval of the macro F1.
    pub macro_f1: Option<Interval>,
    /// Interval of the weighted F1.
    pub weighted_f1: Option<Interval>,
    /// Interval of the log loss.
    pub log_loss: Option<Interval>,
    /// Interval of the Brier score.
    pub brier_score: Option<Interval>,
    /// Interval of the mean area under the ROC curve, over the classes that have one.
    pub roc_auc: Option<Interval>,
    /// Intervals of the top-k accuracies, in the same order.
    pub top_k: Vec<Interval>,
    /// Intervals of each class, (C).
    pub per_class: Vec<ClassIntervals>,
    /// Interval of each nonzero cell's share of the samples of its true class, in the order of
    /// [`Confusion::cells`](crate::head::Confusion::cells).
    pub confusion_shares: Vec<Option<Interval>>,
    /// Intervals of the accuracy in each bin of the reliability diagram; None for an empty bin.
    pub reliability: Vec<Option<Interval>>,
}

/// 95 % intervals for the metrics of one class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClassIntervals {
    /// Interval of the precision.
    pub precision: Option<Interval>,
    /// Interval of the recall.
    pub recall: Option<Interval>,
    /// Interval of the F1.
    pub f1: Option<Interval>,
    /// Interval of the area under the ROC curve.
    pub roc_auc: Option<Interval>,
}

impl Intervals {
    /// Computes all intervals; returns None without resamples.
    ///
    /// # Errors
    /// Those of [`Bootstrap::check_for`].
    pub(super) fn of(scored: &ScoredSamples, bootstrap: Bootstrap) -> Result<Option<Self>> {
        if bootstrap.resamples == 0 {
            return Ok(None);
        }
        let once = vec![1; scored.samples.len()];
        bootstrap.check_for(row(scored, &once).len())?;
        let rows = bootstrap.resample(once.len(), |weights| row(scored, weights));
        let mut places = 0..;
        Ok(Some(Self::each(scored, &once, bootstrap, |figure| {
            let place = places.next()?;
            let values = rows.iter().map(|row| row[place]);
            let values = values.filter(|value| !value.is_nan());
            Interval::of(values.collect()).or_else(|| figure.score_interval())
        })))
    }

    /// Calls `of` for the interval of each metric of the samples, each counted as often as its weight.
    fn each(
        scored: &ScoredSamples,
        weights: &[u32],
        bootstrap: Bootstrap,
        mut of: impl FnMut(Figure) -> Option<Interval>,
    ) -> Self {
        let counts = Counts::of(scored, weights);
        let all: u64 = counts.support.iter().sum();
        let areas = scored.orders.iter().map(|order| order.auc(weights));
        let areas: Vec<Option<f64>> = areas.collect();
        let number = Figure::Number;
        let some = |interval: Option<Interval>| interval.expect("a share of at least one sample");
        Self {
            bootstrap,
            accuracy: some(of(Figure::Share(counts.right.iter().sum(), all))),
            balanced_accuracy: of(number(Some(counts.balanced_accuracy()))),
            macro_f1: of(number(Some(counts.macro_f1()))),
            weighted_f1: of(number(Some(counts.weighted_f1()))),
            log_loss: of(number(Some(scored.log_loss(weights)))),
            brier_score: of(number(Some(scored.brier_score(weights)))),
            roc_auc: of(number(mean(areas.iter().flatten().copied()))),
            top_k: ks(scored.n_classes)
                .map(|k| some(of(Figure::Share(scored.hits(weights, k), all))))
                .collect(),
            per_class: (0..scored.n_classes)
                .map(|class| ClassIntervals {
                    precision: of(Figure::Share(counts.right[class], counts.predicted[class])),
                    recall: of(Figure::Share(counts.right[class], counts.support[class])),
                    f1: of(number(counts.f1(class))),
                    roc_auc: of(number(areas[class])),
                })
                .collect(),
            confusion_shares: (scored.cells.iter().zip(&counts.cells))
                .map(|(&(truth, _), &n)| of(Figure::Share(n, counts.support[truth])))
                .collect(),
            reliability: (Bins::of(scored, weights).right())
                .map(|(right, n)| of(Figure::Share(right, n)))
                .collect(),
        }
    }
}

/// Returns the values of the metrics in the order of [`Intervals::each`]; the intervals made there are
/// discarded. NaN marks an undefined value because it takes half the memory of an `Option`.
fn row(scored: &ScoredSamples, weights: &[u32]) -> Vec<f64> {
    let mut values = Vec::new();
    Intervals::each(scored, weights, Bootstrap::new(0, 0), |figure| {
        values.push(figure.value().unwrap_or(f64::NAN));
        figure.score_interval()
    });
    values.shrink_to_fit();
    values
}

/// A metric of some samples.
#[derive(Debug, Clone, Copy)]
enum Figure {
    /// A metric that is not a share of samples; None if undefined.
    Number(Option<f64>),
    /// A number of samples, out of a total.
    Share(u64, u64),
}

impl Figure {
    fn value(self) -> Option<f64> {
        match self {
            Self::Number(value) => value,
            Self::Share(part, whole) => ratio(part, whole),
        }
    }

    fn score_interval(self) -> Option<Interval> {
        match self {
            Self::Number(_) => None,
            Self::Share(part, whole) => Interval::wilson(part, whole),
        }
    }
}
