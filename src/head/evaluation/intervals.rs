//! The interval of every figure of an evaluation.

use serde::Serialize;

use super::bootstrap::{Bootstrap, Interval};
use super::confusion::{Counts, mean, ratio};
use super::judgement::Judgement;
use super::ranking::ks;
use super::reliability::{BINS, Bins};
use super::{accuracy, brier_score, log_loss, top_k};

/// 95 % intervals for the figures of the same names in [`Evaluation`](super::Evaluation).
///
/// Each figure is worked out anew for every resample. A resample that cannot have it is left out of its interval: the
/// recall of a class that was not drawn, the precision of one that is not predicted, the area under the curve of
/// either. A figure that no resample can have has no interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Intervals {
    /// How the samples were drawn again.
    pub bootstrap: Bootstrap,
    /// Of the accuracy.
    pub accuracy: Interval,
    /// Of the balanced accuracy, over the classes that were drawn.
    pub balanced_accuracy: Interval,
    /// Of the macro F1.
    pub macro_f1: Interval,
    /// Of the weighted F1.
    pub weighted_f1: Interval,
    /// Of the log loss.
    pub log_loss: Interval,
    /// Of the Brier score.
    pub brier_score: Interval,
    /// Of the expected calibration error. That is the larger the fewer samples there are, and larger in resamples than
    /// in the samples themselves: the interval may lie above the figure.
    pub ece: Interval,
    /// Of the mean area under the ROC curve, over the classes that have one.
    pub roc_auc: Option<Interval>,
    /// Of each top-k accuracy, in the same order.
    pub top_k: Vec<Interval>,
    /// Of each class, (C).
    pub per_class: Vec<ClassIntervals>,
    /// Of the share of the samples of class row that were predicted as class column, (C, C); none where none was.
    pub confusion_shares: Vec<Vec<Option<Interval>>>,
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
    pub(super) fn of(judgement: &Judgement, bootstrap: Bootstrap) -> Option<Self> {
        if bootstrap.resamples == 0 {
            return None;
        }
        let n = judgement.samples.len();
        let rows = bootstrap.resample(n, |weights| figures(judgement, weights));
        let mut figures = (0..rows[0].len()).map(|figure| {
            let values = rows.iter().filter_map(|row| row[figure]);
            Interval::of(values.collect())
        });
        Some(Self::from_figures(judgement, bootstrap, &mut figures))
    }

    /// Takes the intervals in the order of [`figures`].
    fn from_figures(
        judgement: &Judgement,
        bootstrap: Bootstrap,
        figures: &mut impl Iterator<Item = Option<Interval>>,
    ) -> Self {
        let mut next = || figures.next().expect("an interval for each figure");
        let always = |interval: Option<Interval>| interval.expect("every resample has this figure");
        let c = judgement.n_classes;
        Self {
            bootstrap,
            accuracy: always(next()),
            balanced_accuracy: always(next()),
            macro_f1: always(next()),
            weighted_f1: always(next()),
            log_loss: always(next()),
            brier_score: always(next()),
            ece: always(next()),
            roc_auc: next(),
            top_k: ks(c).map(|_| always(next())).collect(),
            per_class: (0..c)
                .map(|_| ClassIntervals {
                    precision: next(),
                    recall: next(),
                    f1: next(),
                    roc_auc: next(),
                })
                .collect(),
            confusion_shares: {
                let mut shares = vec![vec![None; c]; c];
                for &(truth, prediction) in &judgement.cells {
                    shares[truth][prediction] = next();
                }
                shares
            },
            reliability: (0..BINS).map(|_| next()).collect(),
        }
    }
}

/// The figures of the samples, each as often as its weight says, in the order of [`Intervals`]; none where one of them
/// has nothing to divide by.
fn figures(judgement: &Judgement, weights: &[u32]) -> Vec<Option<f64>> {
    let counts = Counts::of(judgement, weights);
    let bins = Bins::of(judgement, weights);
    let areas: Vec<_> = judgement
        .orders
        .iter()
        .map(|order| order.auc(weights))
        .collect();
    let mut figures = vec![
        Some(accuracy(judgement, weights)),
        Some(counts.balanced_accuracy()),
        Some(counts.macro_f1()),
        Some(counts.weighted_f1()),
        Some(log_loss(judgement, weights)),
        Some(brier_score(judgement, weights)),
        Some(bins.ece()),
        mean(areas.iter().flatten().copied()),
    ];
    figures.extend(top_k(judgement, weights).map(|top| Some(top.accuracy)));
    for (class, area) in areas.into_iter().enumerate() {
        let [precision, recall, f1] = [
            counts.precision(class),
            counts.recall(class),
            counts.f1(class),
        ];
        figures.extend([precision, recall, f1, area]);
    }
    let cells = judgement.cells.iter().zip(&counts.cells);
    figures.extend(cells.map(|(&(truth, _), &n)| ratio(n, counts.support[truth])));
    figures.extend(bins.accuracies());
    figures
}
