//! Metrics of predictions, equal to those of scikit-learn, edge cases included.

use std::borrow::Cow;

use ndarray::ArrayView2;
use serde::Serialize;

use super::bootstrap::Bootstrap;
use super::confusion::{ClassFigures, Confusion, Counts, mean};
use super::interval::Interval;
use super::intervals::Intervals;
use super::ranking::{TopK, ks};
use super::reliability::{Bins, ReliabilityBin};
use super::scored_samples::ScoredSamples;
use crate::classes::ClassIndex;
use crate::error::Result;
use crate::head::parallel::start_processors;

/// Metrics of predicted probabilities (N, C) against targets (N).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evaluation {
    /// The names of the C classes.
    pub classes: ClassIndex,
    /// Number of samples N, at least 1.
    pub n_samples: usize,
    /// Share of correct predictions, in [0, 1] (`accuracy_score`).
    pub accuracy: f64,
    /// Mean recall of the classes that occur in the targets, in [0, 1] (`balanced_accuracy_score`).
    pub balanced_accuracy: f64,
    /// Mean F1 over the classes that occur in the targets or the predictions, in [0, 1] (`f1_score`, macro).
    pub macro_f1: f64,
    /// Mean F1 of the classes, weighted by support, in [0, 1] (`f1_score`, weighted).
    pub weighted_f1: f64,
    /// Mean of -ln p of the right class, with p clipped to [ε, 1 - ε], ε = 2^-52 (`log_loss`).
    pub log_loss: f64,
    /// Mean of Σ (p - y)² over all C classes, where y is 1 for the right class and 0 otherwise, in [0, 2]
    /// (`brier_score_loss` with `scale_by_half=False`). This is Brier's original sum for any number of
    /// classes; for two classes it is twice scikit-learn's default.
    pub brier_score: f64,
    /// Expected calibration error: the mean distance between the largest probability and the accuracy over
    /// the bins of `reliability`, in [0, 1] (Guo et al. 2017).
    pub ece: f64,
    /// Mean area under the ROC curve of one class against the others, over the classes that have one, in
    /// [0, 1] (`roc_auc_score`, `multi_class="ovr"`, macro; for two classes the area is the same for both).
    /// None if all samples are of one class.
    pub roc_auc: Option<f64>,
    /// Accuracy if the right class only has to be among the k most probable, for k = 1 … 5 below C. Among
    /// equally probable classes the first ranks higher, as in the prediction.
    pub top_k: Vec<TopK>,
    /// Metrics of each class, (C).
    pub per_class: Vec<ClassFigures>,
    /// How many samples of each class were predicted as which class.
    pub confusion: Confusion,
    /// The 15 bins of equal width of the largest probability, in ascending order.
    pub reliability: Vec<ReliabilityBin>,
    /// 95 % intervals of the metrics; None if they were not requested.
    pub intervals: Option<Intervals>,
    /// What is approximated, with more samples than [`Evaluator`](crate::head::Evaluator) keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approximation: Option<Approximation>,
}

/// What the metrics of n samples are computed from.
pub(super) struct Figures<'a> {
    pub(super) n: usize,
    pub(super) counts: Counts,
    /// The pairs of target and prediction that `counts` has.
    pub(super) cells: Cow<'a, [(usize, usize)]>,
    pub(super) log_loss: f64,
    pub(super) brier_score: f64,
    /// How many samples have the right class among the k most probable, for each k of `ks`.
    pub(super) hits: Vec<u64>,
    pub(super) bins: Bins,
    /// The area under the ROC curve of each class.
    pub(super) areas: Vec<Option<f64>>,
}

/// How the metrics of more than 100,000 samples are approximated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Approximation {
    /// The largest possible error of an area under the ROC curve, which comes from a histogram.
    pub roc_auc_error: f64,
}

impl Evaluation {
    /// Evaluates `probabilities` (N, C) against `targets` (N); the prediction is the first of the largest
    /// values in a row.
    ///
    /// # Errors
    /// [`DataProblem`](crate::error::DataProblem) when there are no samples, when the three disagree on N or
    /// C, when a target is not the index of a class, or when a probability is outside [0, 1].
    pub fn new(
        classes: &ClassIndex,
        targets: &[usize],
        probabilities: ArrayView2<'_, f64>,
    ) -> Result<Self> {
        Self::with_intervals(classes, targets, probabilities, Bootstrap::new(0, 0))
    }

    /// Like [`new`](Self::new), with 95 % [`Intervals`] of the metrics. The time grows with N · C · the
    /// number of resamples.
    ///
    /// # Errors
    /// As [`new`](Self::new); those of [`Bootstrap::check`];
    /// [`HeadError::ManyFigures`](crate::error::HeadError::ManyFigures) when the resamples need too much
    /// memory.
    pub fn with_intervals(
        classes: &ClassIndex,
        targets: &[usize],
        probabilities: ArrayView2<'_, f64>,
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        bootstrap.check()?;
        start_processors()?;
        let scored = ScoredSamples::new(classes.len(), targets, probabilities)?;
        let once = vec![1; targets.len()];
        let figures = Figures {
            n: targets.len(),
            counts: Counts::of(&scored, &once),
            cells: scored.cells[..].into(),
            log_loss: scored.log_loss(&once),
            brier_score: scored.brier_score(&once),
            hits: ks(classes.len()).map(|k| scored.hits(&once, k)).collect(),
            bins: Bins::of(&scored, &once),
            areas: scored.orders.iter().map(|order| order.auc(&once)).collect(),
        };
        let evaluation = Self::of(classes, figures);
        Ok(Self {
            intervals: Intervals::of(&scored, bootstrap)?,
            ..evaluation
        })
    }

    /// Computes the metrics, without intervals.
    pub(super) fn of(classes: &ClassIndex, figures: Figures<'_>) -> Self {
        let Figures {
            n, counts, bins, ..
        } = figures;
        let areas = figures.areas.iter().enumerate();
        let per_class: Vec<_> = areas
            .map(|(class, area)| counts.class_figures(class, *area))
            .collect();
        let top_k = ks(classes.len()).zip(figures.hits).map(|(k, hits)| TopK {
            k,
            accuracy: hits as f64 / n as f64,
        });
        Self {
            classes: classes.clone(),
            n_samples: n,
            accuracy: counts.right.iter().sum::<u64>() as f64 / n as f64,
            balanced_accuracy: counts.balanced_accuracy(),
            macro_f1: counts.macro_f1(),
            weighted_f1: counts.weighted_f1(),
            log_loss: figures.log_loss,
            brier_score: figures.brier_score,
            ece: bins.ece(),
            roc_auc: mean(per_class.iter().filter_map(|figures| figures.roc_auc)),
            top_k: top_k.collect(),
            per_class,
            confusion: counts.confusion(&figures.cells),
            reliability: bins.described(),
            intervals: None,
            approximation: None,
        }
    }

    /// Returns whether any sample is of the class or was predicted as it.
    #[must_use]
    pub fn occurs(&self, class: usize) -> bool {
        self.confusion.margins(class) != [0, 0]
    }

    /// Returns the top-k accuracies that summaries show, with their intervals: k = 3 and 5, if below C.
    #[doc(hidden)]
    pub fn summarised_top_k(&self) -> impl Iterator<Item = (TopK, Option<Interval>)> {
        let intervals = self.intervals.as_ref();
        let all = self.top_k.iter().enumerate();
        let shown = all.filter(|(_, top)| top.is_summarised());
        shown.map(move |(place, top)| (*top, intervals.map(|i| i.top_k[place])))
    }

    /// Returns the number of correct predictions.
    #[must_use]
    pub fn n_right(&self) -> usize {
        let cells = self.confusion.cells().iter();
        let right = cells.filter(|cell| cell.truth == cell.predicted);
        right.map(|cell| cell.n).sum()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn figures_are_those_of_paper() {
        // Truth a a a b, predicted a a b b; c never occurs.
        let classes = ClassIndex::from_names(["a", "b", "c"]);
        let p = array![
            [0.5, 0.25, 0.25],
            [0.5, 0.25, 0.25],
            [0.25, 0.5, 0.25],
            [0.25, 0.5, 0.25]
        ];
        let evaluation = Evaluation::new(&classes, &[0, 0, 0, 1], p.view()).unwrap();
        let confusion = [[2, 1, 0], [0, 1, 0], [0, 0, 0]].map(Vec::from);
        assert_eq!(evaluation.confusion.matrix().unwrap(), confusion);
        assert!(close(evaluation.accuracy, 0.75));
        assert!(close(
            evaluation.balanced_accuracy,
            f64::midpoint(2.0 / 3.0, 1.0)
        ));
        let [a, b, c] = evaluation.per_class[..] else {
            panic!()
        };
        assert!(close(a.precision, 1.0) && close(a.recall, 2.0 / 3.0) && close(a.f1, 0.8));
        assert!(close(b.precision, 0.5) && close(b.recall, 1.0) && close(b.f1, 2.0 / 3.0));
        assert_eq!((a.support, b.support, c.support), (3, 1, 0));
        assert!(close(c.precision + c.recall + c.f1, 0.0));
        // c is neither true nor predicted.
        assert!(close(evaluation.macro_f1, f64::midpoint(0.8, 2.0 / 3.0)));
        assert!(close(evaluation.weighted_f1, 0.75 * 0.8 + 0.25 * 2.0 / 3.0));
        // p of the right class: 1/2, 1/2, 1/4, 1/2.
        assert!(close(evaluation.log_loss, 1.25 * 2f64.ln()));
    }

    #[test]
    fn a_certain_mistake_costs_52_ln_2_and_no_more() {
        let classes = ClassIndex::from_names(["a", "b"]);
        let wrong = Evaluation::new(&classes, &[1], array![[1.0, 0.0]].view()).unwrap();
        assert!(close(wrong.log_loss, 52.0 * 2f64.ln()));
        assert!(wrong.accuracy == 0.0 && wrong.macro_f1 == 0.0 && wrong.balanced_accuracy == 0.0);
    }

    #[test]
    fn json_names_the_classes() {
        let classes = ClassIndex::from_names(["a", "b"]);
        let evaluation = Evaluation::new(&classes, &[0], array![[0.75, 0.25]].view()).unwrap();
        let json = serde_json::to_value(&evaluation).unwrap();
        assert_eq!(json["classes"], serde_json::json!(["a", "b"]));
        assert_eq!(json["confusion"], serde_json::json!([[1, 0], [0, 0]]));
    }

    #[test]
    fn summaries_have_the_third_and_fifth_place_below_the_number_of_classes() {
        let shown = |n: usize| -> Vec<usize> {
            let classes = ClassIndex::from_names((0..n).map(|class| class.to_string()));
            let p = ndarray::Array2::from_elem((1, n), 1.0 / n as f64);
            let evaluation = Evaluation::new(&classes, &[0], p.view()).unwrap();
            evaluation
                .summarised_top_k()
                .map(|(top, _)| top.k)
                .collect()
        };
        assert_eq!(shown(3), Vec::<usize>::new());
        assert_eq!(shown(5), [3]);
        assert_eq!(shown(6), [3, 5]);
    }

    /// A dense confusion matrix would take 3.2 GB, and a dense one of intervals 12.8 GB.
    #[test]
    fn many_classes_take_little() {
        let classes = ClassIndex::from_names((0..20_003).map(|class| class.to_string()));
        let mut p = ndarray::Array2::zeros((3, classes.len()));
        for (row, class) in [(0, 7), (1, 20_002), (2, 20_002)] {
            p[[row, class]] = 1.0;
        }
        let bootstrap = Bootstrap {
            resamples: 3,
            seed: 0,
        };
        let evaluation =
            Evaluation::with_intervals(&classes, &[7, 20_002, 3], p.view(), bootstrap).unwrap();
        assert_eq!(
            (evaluation.n_right(), evaluation.confusion.cells().len()),
            (2, 3)
        );
        assert!(evaluation.occurs(3) && !evaluation.occurs(4));
        assert_eq!(evaluation.intervals.unwrap().confusion_shares.len(), 3);
        let more = Bootstrap {
            resamples: 100_000,
            seed: 0,
        };
        assert!(Evaluation::with_intervals(&classes, &[7, 20_002, 3], p.view(), more).is_err());
    }
}
