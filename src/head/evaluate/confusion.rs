//! The confusion matrix, and the metrics derived from it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::scored_samples::ScoredSamples;

/// Metrics of one class; 0 where the denominator is 0 (`zero_division=0`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClassFigures {
    /// Share of the predictions of this class that are correct, in [0, 1].
    pub precision: f64,
    /// Share of this class's samples that are predicted as it, in [0, 1].
    pub recall: f64,
    /// Harmonic mean of precision and recall, in [0, 1].
    pub f1: f64,
    /// Number of samples of this class.
    pub support: usize,
    /// Area under the ROC curve of this class against all others, in [0, 1]; None if either has no samples.
    pub roc_auc: Option<f64>,
}

/// The most classes of a dense matrix. A larger one is nearly all zeros, and takes gigabytes from about
/// 10,000 classes on.
const MATRIX_CLASSES: usize = 1000;

/// The confusion matrix (C, C), stored as its nonzero cells.
///
/// Serialised as its [`matrix`](Self::matrix).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Confusion {
    cells: Vec<ConfusionCell>,
    /// Number of samples of each class, and number of predictions as it, (C).
    margins: Vec<[usize; 2]>,
}

/// A cell of the confusion matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ConfusionCell {
    /// Index of the samples' class.
    pub truth: usize,
    /// Index of the predicted class.
    pub predicted: usize,
    /// Number of samples, at least 1.
    pub n: usize,
}

impl Confusion {
    /// Counts pairs of true and predicted class.
    ///
    /// # Panics
    /// When a class is `n_classes` or more.
    #[must_use]
    pub fn of(n_classes: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut counts = BTreeMap::new();
        for pair in pairs {
            *counts.entry(pair).or_insert(0) += 1;
        }
        let counts = counts.into_iter();
        let cells = counts.map(|((truth, predicted), n)| ConfusionCell {
            truth,
            predicted,
            n,
        });
        Self::new(n_classes, cells.collect())
    }

    /// Creates a matrix from nonzero cells in ascending order of truth and prediction, both below
    /// `n_classes`.
    fn new(n_classes: usize, cells: Vec<ConfusionCell>) -> Self {
        let mut margins = vec![[0; 2]; n_classes];
        for cell in &cells {
            margins[cell.truth][0] += cell.n;
            margins[cell.predicted][1] += cell.n;
        }
        Self { cells, margins }
    }

    /// Returns the number of classes C.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.margins.len()
    }

    /// Returns the nonzero cells, in ascending order of truth and prediction.
    #[must_use]
    pub fn cells(&self) -> &[ConfusionCell] {
        &self.cells
    }

    /// Returns how many samples of the class `truth` were predicted as `predicted`.
    #[must_use]
    pub fn count(&self, truth: usize, predicted: usize) -> usize {
        let place = |cell: &ConfusionCell| (cell.truth, cell.predicted);
        let found = self.cells.binary_search_by_key(&(truth, predicted), place);
        found.map_or(0, |place| self.cells[place].n)
    }

    /// Returns how many samples are of a class, and how many were predicted as it.
    ///
    /// # Panics
    /// When `class` is C or more.
    #[must_use]
    pub fn margins(&self, class: usize) -> [usize; 2] {
        self.margins[class]
    }

    /// Returns the matrix row by row, (C, C); None for more than 1000 classes.
    #[must_use]
    pub fn matrix(&self) -> Option<Vec<Vec<usize>>> {
        let c = self.n_classes();
        let mut matrix = (c <= MATRIX_CLASSES).then(|| vec![vec![0; c]; c])?;
        for cell in &self.cells {
            matrix[cell.truth][cell.predicted] = cell.n;
        }
        Some(matrix)
    }
}

impl From<Vec<Vec<usize>>> for Confusion {
    /// Creates a matrix from a dense square one.
    fn from(matrix: Vec<Vec<usize>>) -> Self {
        let rows = matrix.iter().enumerate();
        let cells = rows.flat_map(|(truth, row)| {
            let cell = move |(predicted, &n)| ConfusionCell {
                truth,
                predicted,
                n,
            };
            row.iter().enumerate().map(cell).filter(|cell| cell.n > 0)
        });
        Self::new(matrix.len(), cells.collect())
    }
}

impl Serialize for Confusion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.matrix().serialize(serializer)
    }
}

/// Samples counted by truth and prediction. Most of the C × C pairs do not occur and are not stored.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// Count of each pair in [`ScoredSamples::cells`].
    pub(super) cells: Vec<u64>,
    /// Count of each class in the targets, (C).
    pub(super) support: Vec<u64>,
    /// Count of each class in the predictions, (C).
    pub(super) predicted: Vec<u64>,
    /// Count of correct predictions of each class, (C).
    pub(super) right: Vec<u64>,
}

impl Counts {
    /// Counts the samples, each as often as its weight.
    pub(super) fn of(scored: &ScoredSamples, weights: &[u32]) -> Self {
        let c = scored.n_classes;
        let mut cells = vec![0; scored.cells.len()];
        for (sample, &weight) in scored.samples.iter().zip(weights) {
            cells[sample.cell] += u64::from(weight);
        }
        Self::of_cells(c, &scored.cells, cells)
    }

    /// Counts the samples of each pair of truth and prediction.
    pub(super) fn of_cells(c: usize, pairs: &[(usize, usize)], cells: Vec<u64>) -> Self {
        let mut counts = Self {
            cells,
            support: vec![0; c],
            predicted: vec![0; c],
            right: vec![0; c],
        };
        for (&(truth, prediction), &n) in pairs.iter().zip(&counts.cells) {
            counts.support[truth] += n;
            counts.predicted[prediction] += n;
            if truth == prediction {
                counts.right[truth] += n;
            }
        }
        counts
    }

    /// Returns the share of correct predictions among the predictions of the class.
    pub(super) fn precision(&self, class: usize) -> Option<f64> {
        ratio(self.right[class], self.predicted[class])
    }

    /// Returns the share of correct predictions among the samples of the class.
    pub(super) fn recall(&self, class: usize) -> Option<f64> {
        ratio(self.right[class], self.support[class])
    }

    /// Returns the harmonic mean of precision and recall.
    pub(super) fn f1(&self, class: usize) -> Option<f64> {
        let either = self.support[class] + self.predicted[class];
        ratio(2 * self.right[class], either)
    }

    /// Returns the mean recall of the classes that have samples.
    pub(super) fn balanced_accuracy(&self) -> f64 {
        mean((0..self.support.len()).filter_map(|class| self.recall(class))).unwrap_or_default()
    }

    /// Returns the mean F1 over the classes that occur in the targets or the predictions.
    pub(super) fn macro_f1(&self) -> f64 {
        mean((0..self.support.len()).filter_map(|class| self.f1(class))).unwrap_or_default()
    }

    /// Returns the mean F1 weighted by support.
    pub(super) fn weighted_f1(&self) -> f64 {
        let all: u64 = self.support.iter().sum();
        let of_class = |class| {
            let share = ratio(self.support[class], all).unwrap_or_default();
            share * self.f1(class).unwrap_or_default()
        };
        (0..self.support.len()).map(of_class).sum()
    }

    /// Returns the metrics of a class, given its area under the ROC curve.
    pub(super) fn class_figures(&self, class: usize, roc_auc: Option<f64>) -> ClassFigures {
        ClassFigures {
            precision: self.precision(class).unwrap_or_default(),
            recall: self.recall(class).unwrap_or_default(),
            f1: self.f1(class).unwrap_or_default(),
            support: self.support[class] as usize,
            roc_auc,
        }
    }

    /// Returns the counts as a confusion matrix; `cells` are those of [`ScoredSamples::cells`].
    pub(super) fn confusion(&self, cells: &[(usize, usize)]) -> Confusion {
        let cells = cells.iter().zip(&self.cells);
        let cell = |(&(truth, predicted), &n): (&(usize, usize), &u64)| ConfusionCell {
            truth,
            predicted,
            n: n as usize,
        };
        Confusion::new(self.support.len(), cells.map(cell).collect())
    }
}

/// Returns `part / whole`; None for 0/0.
pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Returns the mean; None without values.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0usize), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_comes_back_and_large_ones_are_not_made() {
        let matrix = vec![vec![2, 1, 0], vec![0, 1, 0], vec![0, 0, 0]];
        let confusion = Confusion::from(matrix.clone());
        assert_eq!(confusion.cells().len(), 3);
        assert_eq!(confusion.margins(0), [3, 2]);
        assert_eq!([confusion.count(0, 1), confusion.count(2, 0)], [1, 0]);
        assert_eq!(confusion.matrix(), Some(matrix));
        let pairs = [(0, 0), (1, 1), (0, 1), (0, 0)];
        assert_eq!(Confusion::of(3, pairs), confusion);
        let cell = ConfusionCell {
            truth: 20_000,
            predicted: 3,
            n: 7,
        };
        let large = Confusion::new(20_003, vec![cell]);
        assert_eq!((large.matrix(), large.count(20_000, 3)), (None, 7));
        assert!(serde_json::to_value(&large).unwrap().is_null());
    }
}
