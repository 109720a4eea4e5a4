//! What each sample contributes to the metrics: computed once, used for every metric and every resample.

use std::collections::BTreeMap;

use ndarray::{ArrayView1, ArrayView2};

use super::ranking::{Order, place};
use crate::error::{DataProblem, Result};
use crate::head::data::require_classes;
use crate::head::linear::argmax;

/// By how much a mean of probabilities may exceed 1 through rounding.
const ROUNDING: f64 = 1e-9;

/// The number of reliability bins, as in Guo et al., "On Calibration of Modern Neural Networks" (2017).
pub(super) const BINS: usize = 15;

/// The predictions of N samples for C classes, scored against the targets.
#[derive(Debug)]
pub(super) struct ScoredSamples {
    pub(super) n_classes: usize,
    /// The samples, (N).
    pub(super) samples: Vec<Sample>,
    /// The pairs of target and prediction that occur, in ascending order.
    pub(super) cells: Vec<(usize, usize)>,
    /// The samples sorted by each class's probability, (C).
    pub(super) orders: Vec<Order>,
}

/// What one sample contributes to the metrics.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Index of its pair in [`ScoredSamples::cells`].
    pub(super) cell: usize,
    pub(super) right: bool,
    /// Number of classes ranked above the right one.
    pub(super) place: usize,
    /// -ln p of the right class.
    pub(super) surprise: f64,
    /// Sum of (p - y)² over the classes.
    pub(super) squared: f64,
    /// The largest probability.
    pub(super) confidence: f64,
    /// Reliability bin of `confidence`.
    pub(super) bin: usize,
}

impl ScoredSamples {
    /// Evaluates `probabilities` (N, C) against `targets` (N).
    ///
    /// # Errors
    /// [`DataProblem`] without samples, when the shapes do not match, for a target that is not the index of a
    /// class, and for a probability outside [0, 1].
    pub(super) fn new(
        n_classes: usize,
        targets: &[usize],
        probabilities: ArrayView2<'_, f64>,
    ) -> Result<Self> {
        check(n_classes, targets, probabilities)?;
        let pairs: Vec<_> = targets
            .iter()
            .zip(probabilities.rows())
            .map(|(&target, row)| (target, argmax(row)))
            .collect();
        let mut places: BTreeMap<_, usize> = pairs.iter().map(|&pair| (pair, 0)).collect();
        places.values_mut().enumerate().for_each(|(i, at)| *at = i);
        let samples = pairs
            .iter()
            .zip(probabilities.rows())
            .map(|(pair, row)| Sample::new(*pair, row, places[pair]))
            .collect();
        let order = |class| Order::of(class, targets, probabilities);
        Ok(Self {
            n_classes,
            samples,
            cells: places.into_keys().collect(),
            orders: (0..n_classes).map(order).collect(),
        })
    }

    /// Returns the share of correct predictions, each sample counted as often as its weight.
    pub(super) fn accuracy(&self, weights: &[u32]) -> f64 {
        self.mean(weights, |sample| f64::from(u8::from(sample.right)))
    }

    /// Returns the mean of -ln p of the right class.
    pub(super) fn log_loss(&self, weights: &[u32]) -> f64 {
        self.mean(weights, |sample| sample.surprise)
    }

    /// Returns the mean of Σ (p - y)² over the classes.
    pub(super) fn brier_score(&self, weights: &[u32]) -> f64 {
        self.mean(weights, |sample| sample.squared)
    }

    /// Returns how many samples have the right class among the `k` most probable.
    pub(super) fn hits(&self, weights: &[u32], k: usize) -> u64 {
        let samples = self.samples.iter().zip(weights);
        let hits = samples.filter(|(sample, _)| sample.place < k);
        hits.map(|(_, &n)| u64::from(n)).sum()
    }

    fn mean(&self, weights: &[u32], value: impl Fn(&Sample) -> f64) -> f64 {
        let samples = self.samples.iter().zip(weights);
        let weighted = samples.map(|(sample, &n)| value(sample) * f64::from(n));
        let n: u64 = weights.iter().copied().map(u64::from).sum();
        weighted.sum::<f64>() / n as f64
    }
}

impl Sample {
    pub(super) fn new(
        (target, prediction): (usize, usize),
        row: ArrayView1<'_, f64>,
        cell: usize,
    ) -> Self {
        let confidence = row[prediction];
        let missed =
            |(class, &p): (usize, &f64)| (p - f64::from(u8::from(class == target))).powi(2);
        Self {
            cell,
            right: target == prediction,
            place: place(target, row),
            surprise: surprise(row[target]),
            squared: row.iter().enumerate().map(missed).sum(),
            confidence,
            bin: bin_of(confidence),
        }
    }
}

/// Returns -ln p, finite for every p in [0, 1].
fn surprise(p: f64) -> f64 {
    -p.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

/// Returns the upper edge of the first `bins` bins.
pub(super) fn edge(bins: usize) -> f64 {
    bins as f64 / BINS as f64
}

/// Returns the bin of a probability.
pub(super) fn bin_of(p: f64) -> usize {
    (0..BINS - 1)
        .find(|&bin| p <= edge(bin + 1))
        .unwrap_or(BINS - 1)
}

/// Checks `probabilities` (N, C) against `targets` (N).
pub(super) fn check(
    classes: usize,
    targets: &[usize],
    probabilities: ArrayView2<'_, f64>,
) -> Result<(), DataProblem> {
    let (n, shape) = (targets.len(), probabilities.dim());
    if n == 0 {
        return Err(DataProblem::NothingToEvaluate);
    }
    if shape != (n, classes) {
        return Err(DataProblem::Probabilities {
            shape,
            targets: n,
            classes,
        });
    }
    require_classes(targets, classes)?;
    let possible = 0.0..=1.0 + ROUNDING;
    match probabilities.iter().find(|p| !possible.contains(*p)) {
        Some(&p) => Err(DataProblem::Probability(p)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn what_cannot_be_evaluated_is_refused() {
        let problem = |targets: &[usize], p: Array2<f64>| check(2, targets, p.view()).unwrap_err();
        let nothing = problem(&[], Array2::zeros((0, 2)));
        assert_eq!(nothing, DataProblem::NothingToEvaluate);
        for (p, targets) in [(array![[0.5]], vec![0]), (array![[0.5, 0.5]], vec![0, 1])] {
            let (shape, classes) = (p.dim(), 2);
            let wrong = problem(&targets, p);
            let targets = targets.len();
            let wanted = DataProblem::Probabilities {
                shape,
                targets,
                classes,
            };
            assert_eq!(wrong, wanted);
        }
        let (target, n_classes) = (2, 2);
        assert_eq!(
            problem(&[2], array![[0.5, 0.5]]),
            DataProblem::Target { target, n_classes }
        );
        let nan = problem(&[0], array![[0.5, f64::NAN]]);
        assert!(matches!(nan, DataProblem::Probability(p) if p.is_nan()));
        let more = problem(&[0], array![[1.5, 0.0]]);
        assert_eq!(more, DataProblem::Probability(1.5));
    }
}
