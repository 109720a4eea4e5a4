//! The intervals of all metrics of an evaluation.

use serde::Serialize;

use super::bootstrap::{Bootstrap, Interval};
use super::confusion::{Counts, mean, ratio};
use super::judgement::{BINS, Judgement};
use super::ranking::ks;
use super::reliability::Bins;
use crate::error::Result;

/// 95 % intervals for the figures of the same names in [`Evaluation`](crate::head::Evaluation).
///
/// Each figure is computed anew for every resample. A resample that cannot have it is left out of its
/// interval: the recall of a class that was not drawn, the precision of one that is not predicted, the area
/// under the curve of either. Where all resamples agree, a share of the samples has
/// [`IntervalMethod::Wilson`](crate::head::IntervalMethod), and any other figure no interval.
///
/// The expected calibration error has none: resamples are worse calibrated than the samples they are drawn
/// from, so its percentiles may not even hold the figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Intervals {
    /// How the samples were drawn again.
    pub bootstrap: Bootstrap,
    /// Of the accuracy.
    pub accuracy: Interval,
    /// Of the balanced accuracy, over the classes that were drawn.
    pub balanced_accuracy: Option<Interval>,
    /// Of the macro F1.
    pub macro_f1: Option<Interval>,
    /// Of the weighted F1.
    pub weighted_f1: Option<Interval>,
    /// Of the log loss.
    pub log_loss: Option<Interval>,
    /// Of the Brier score.
    pub brier_score: Option<Interval>,
    /// Of the mean area under the ROC curve, over the classes that have one.
    pub roc_auc: Option<Interval>,
    /// Of each top-k accuracy, in the same order.
    pub top_k: Vec<Interval>,
    /// Of each class, (C).
    pub per_class: Vec<ClassIntervals>,
    /// Of the share of the samples of a class that were predicted as one, in the order of
    /// [`Confusion::cells`](crate::head::Confusion::cells).
    pub confusion_shares: Vec<Option<Interval>>,
    /// Of the accuracy in each bin of the reliability diagram; none in an empty one.
    pub reliability: Vec<Option<Interval>>,
}

/// 95 % intervals for the figures of one class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClassIntervals {
    /// Of the precision.
    pub precision: Option<Interval>,
    /// Of the recall.
    pub recall: Option<Interval>,
    /// Of the F1.
    pub f1: Option<Interval>,
    /// Of the area under the ROC curve.
    pub roc_auc: Option<Interval>,
}

impl Intervals {
    /// None for no resamples.
    ///
    /// # Errors
    /// Those of [`Bootstrap::check_for`].
    pub(super) fn of(judgement: &Judgement, bootstrap: Bootstrap) -> Result<Option<Self>> {
        if bootstrap.resamples == 0 {
            return Ok(None);
        }
        let n = judgement.samples.len();
        let whole = figures(judgement, &vec![1; n]);
        bootstrap.check_for(whole.len())?;
        let rows = bootstrap.resample(n, |weights| {
            // No figure is NaN: it takes half the room of an `Option`.
            let value = |figure: Figure| figure.value().unwrap_or(f64::NAN);
            let drawn = figures(judgement, weights).into_iter().map(value);
            drawn.collect::<Vec<_>>()
        });
        let mut intervals = whole.iter().enumerate().map(|(place, figure)| {
            let values = rows.iter().map(|row| row[place]);
            let values = values.filter(|value| !value.is_nan());
            Interval::of(values.collect()).or_else(|| figure.score_interval())
        });
        Ok(Some(Self::in_order(judgement, bootstrap, &mut intervals)))
    }

    /// Takes the intervals in the order of [`figures`].
    fn in_order(
        judgement: &Judgement,
        bootstrap: Bootstrap,
        intervals: &mut impl Iterator<Item = Option<Interval>>,
    ) -> Self {
        let mut next = || intervals.next().expect("an interval for each figure");
        let share = |interval: Option<Interval>| interval.expect("a share of at least one sample");
        let c = judgement.n_classes;
        Self {
            bootstrap,
            accuracy: share(next()),
            balanced_accuracy: next(),
            macro_f1: next(),
            weighted_f1: next(),
            log_loss: next(),
            brier_score: next(),
            roc_auc: next(),
            top_k: ks(c).map(|_| share(next())).collect(),
            per_class: (0..c)
                .map(|_| ClassIntervals {
                    precision: next(),
                    recall: next(),
                    f1: next(),
                    roc_auc: next(),
                })
                .collect(),
            confusion_shares: judgement.cells.iter().map(|_| next()).collect(),
            reliability: (0..BINS).map(|_| next()).collect(),
        }
    }
}

/// A figure of some samples.
#[derive(Debug, Clone, Copy)]
enum Figure {
    /// What is no share of samples; none where there is nothing to divide by.
    Number(Option<f64>),
    /// So many of so many samples.
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

/// The figures of the samples, each as often as its weight says, in the order of [`Intervals`].
fn figures(judgement: &Judgement, weights: &[u32]) -> Vec<Figure> {
    let counts = Counts::of(judgement, weights);
    let all: u64 = counts.support.iter().sum();
    let areas: Vec<_> = judgement
        .orders
        .iter()
        .map(|order| order.auc(weights))
        .collect();
    let mut figures = vec![
        Figure::Share(counts.right.iter().sum(), all),
        Figure::Number(Some(counts.balanced_accuracy())),
        Figure::Number(Some(counts.macro_f1())),
        Figure::Number(Some(counts.weighted_f1())),
        Figure::Number(Some(judgement.log_loss(weights))),
        Figure::Number(Some(judgement.brier_score(weights))),
        Figure::Number(mean(areas.iter().flatten().copied())),
    ];
    let top = ks(judgement.n_classes).map(|k| Figure::Share(judgement.hits(weights, k), all));
    figures.extend(top);
    for (class, area) in areas.into_iter().enumerate() {
        let right = counts.right[class];
        figures.extend([
            Figure::Share(right, counts.predicted[class]),
            Figure::Share(right, counts.support[class]),
            Figure::Number(counts.f1(class)),
            Figure::Number(area),
        ]);
    }
    let cells = judgement.cells.iter().zip(&counts.cells);
    figures.extend(cells.map(|(&(truth, _), &n)| Figure::Share(n, counts.support[truth])));
    let bins = Bins::of(judgement, weights);
    figures.extend(bins.right().map(|(right, n)| Figure::Share(right, n)));
    figures
}
