//! What follows from who was taken for whom: the confusion matrix, and the figures that need no more than it.

use serde::Serialize;

use super::judgement::Judgement;

/// The figures of one class; 0 where there is nothing to divide by (`zero_division=0`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClassFigures {
    /// The share of the samples predicted as this class that are of it, in [0, 1].
    pub precision: f64,
    /// The share of this class's samples that were predicted as it, in [0, 1].
    pub recall: f64,
    /// The harmonic mean of the two, in [0, 1].
    pub f1: f64,
    /// How many samples are of this class.
    pub support: usize,
    /// The area under the ROC curve of this class against all others, in [0, 1]; none where either has no sample.
    pub roc_auc: Option<f64>,
}

/// Samples counted by truth and prediction, the pairs that occur alone: most of C × C do not.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// Of each pair in [`Judgement::cells`].
    pub(super) cells: Vec<u64>,
    /// Of each class in the targets, (C).
    pub(super) support: Vec<u64>,
    /// Of each class among the predictions, (C).
    pub(super) predicted: Vec<u64>,
    /// Of each class where target and prediction agree, (C).
    pub(super) right: Vec<u64>,
}

impl Counts {
    /// Counts the samples, each as often as its weight says.
    pub(super) fn of(judgement: &Judgement, weights: &[u32]) -> Self {
        let c = judgement.n_classes;
        let mut cells = vec![0; judgement.cells.len()];
        for (sample, &weight) in judgement.samples.iter().zip(weights) {
            cells[sample.cell] += u64::from(weight);
        }
        let mut counts = Self {
            cells,
            support: vec![0; c],
            predicted: vec![0; c],
            right: vec![0; c],
        };
        for (&(truth, prediction), &n) in judgement.cells.iter().zip(&counts.cells) {
            counts.support[truth] += n;
            counts.predicted[prediction] += n;
            if truth == prediction {
                counts.right[truth] += n;
            }
        }
        counts
    }

    /// The share of right predictions among those of the class.
    pub(super) fn precision(&self, class: usize) -> Option<f64> {
        ratio(self.right[class], self.predicted[class])
    }

    /// The share of right predictions among the samples of the class.
    pub(super) fn recall(&self, class: usize) -> Option<f64> {
        ratio(self.right[class], self.support[class])
    }

    /// The harmonic mean of precision and recall.
    pub(super) fn f1(&self, class: usize) -> Option<f64> {
        let either = self.support[class] + self.predicted[class];
        ratio(2 * self.right[class], either)
    }

    /// The mean recall of the classes that have samples.
    pub(super) fn balanced_accuracy(&self) -> f64 {
        mean((0..self.support.len()).filter_map(|class| self.recall(class))).unwrap_or_default()
    }

    /// The mean F1 over the classes that are in the targets or among the predictions.
    pub(super) fn macro_f1(&self) -> f64 {
        mean((0..self.support.len()).filter_map(|class| self.f1(class))).unwrap_or_default()
    }

    /// The mean F1 weighted with the supports.
    pub(super) fn weighted_f1(&self) -> f64 {
        let all: u64 = self.support.iter().sum();
        let of_class = |class| {
            let share = ratio(self.support[class], all).unwrap_or_default();
            share * self.f1(class).unwrap_or_default()
        };
        (0..self.support.len()).map(of_class).sum()
    }

    /// The figures of a class whose area under the ROC curve is known.
    pub(super) fn class_figures(&self, class: usize, roc_auc: Option<f64>) -> ClassFigures {
        ClassFigures {
            precision: self.precision(class).unwrap_or_default(),
            recall: self.recall(class).unwrap_or_default(),
            f1: self.f1(class).unwrap_or_default(),
            support: self.support[class] as usize,
            roc_auc,
        }
    }

    /// How many samples of class row were predicted as class column, (C, C).
    pub(super) fn matrix(&self, cells: &[(usize, usize)]) -> Vec<Vec<usize>> {
        let c = self.support.len();
        let mut matrix = vec![vec![0; c]; c];
        for (&(truth, prediction), &n) in cells.iter().zip(&self.cells) {
            matrix[truth][prediction] = n as usize;
        }
        matrix
    }
}

/// None for 0/0.
pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// None of nothing.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0usize), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / n as f64)
}
