//! The intervals of all metrics of an evaluation.

use serde::Serialize;

use super::bootstrap::{Bootstrap, Interval};
use super::confusion::{Counts, mean, ratio};
use super::judgement::Judgement;
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
        let once = vec![1; judgement.samples.len()];
        bootstrap.check_for(row(judgement, &once).len())?;
        let rows = bootstrap.resample(once.len(), |weights| row(judgement, weights));
        let mut places = 0..;
        Ok(Some(Self::each(judgement, &once, bootstrap, |figure| {
            let place = places.next()?;
            let values = rows.iter().map(|row| row[place]);
            let values = values.filter(|value| !value.is_nan());
            Interval::of(values.collect()).or_else(|| figure.score_interval())
        })))
    }

    /// Asks `of` for the interval of each figure of the samples, of which each counts as often as its weight
    /// says.
    fn each(
        judgement: &Judgement,
        weights: &[u32],
        bootstrap: Bootstrap,
        mut of: impl FnMut(Figure) -> Option<Interval>,
    ) -> Self {
        let counts = Counts::of(judgement, weights);
        let all: u64 = counts.support.iter().sum();
        let areas = judgement.orders.iter().map(|order| order.auc(weights));
        let areas: Vec<Option<f64>> = areas.collect();
        let number = Figure::Number;
        let some = |interval: Option<Interval>| interval.expect("a share of at least one sample");
        Self {
            bootstrap,
            accuracy: some(of(Figure::Share(counts.right.iter().sum(), all))),
            balanced_accuracy: of(number(Some(counts.balanced_accuracy()))),
            macro_f1: of(number(Some(counts.macro_f1()))),
            weighted_f1: of(number(Some(counts.weighted_f1()))),
            log_loss: of(number(Some(judgement.log_loss(weights)))),
            brier_score: of(number(Some(judgement.brier_score(weights)))),
            roc_auc: of(number(mean(areas.iter().flatten().copied()))),
            top_k: ks(judgement.n_classes)
                .map(|k| some(of(Figure::Share(judgement.hits(weights, k), all))))
                .collect(),
            per_class: (0..judgement.n_classes)
                .map(|class| ClassIntervals {
                    precision: of(Figure::Share(counts.right[class], counts.predicted[class])),
                    recall: of(Figure::Share(counts.right[class], counts.support[class])),
                    f1: of(number(counts.f1(class))),
                    roc_auc: of(number(areas[class])),
                })
                .collect(),
            confusion_shares: (judgement.cells.iter().zip(&counts.cells))
                .map(|(&(truth, _), &n)| of(Figure::Share(n, counts.support[truth])))
                .collect(),
            reliability: (Bins::of(judgement, weights).right())
                .map(|(right, n)| of(Figure::Share(right, n)))
                .collect(),
        }
    }
}

/// The values of the figures in the order of [`Intervals::each`], whose intervals nobody asks for here. NaN,
/// which no value is, takes half the room of an `Option`.
fn row(judgement: &Judgement, weights: &[u32]) -> Vec<f64> {
    let mut values = Vec::new();
    Intervals::each(judgement, weights, Bootstrap::new(0, 0), |figure| {
        values.push(figure.value().unwrap_or(f64::NAN));
        figure.score_interval()
    });
    values.shrink_to_fit();
    values
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
