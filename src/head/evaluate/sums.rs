//! Sums and histograms over samples that are not kept.

use std::collections::BTreeMap;

use ndarray::{ArrayView1, Axis};

use super::confusion::Counts;
use super::evaluation::Figures;
use super::ranking::ks;
use super::reliability::Bins;
use super::scored_samples::{Sample, check};
use crate::error::Result;
use crate::head::linear::argmax;

/// The most counters of all histograms together, which take 32 MiB.
const COUNTERS: usize = 1 << 22;
/// The least number of bins of a histogram, and the most.
const BINS: [usize; 2] = [1 << 10, 1 << 16];
/// Larger logits share the last bin. It is that of the largest number below 1.
const LOGIT: f64 = 37.0;

/// The sums over some samples.
#[derive(Debug)]
pub(super) struct Sums {
    n: usize,
    n_classes: usize,
    cells: BTreeMap<(usize, usize), u64>,
    hits: Vec<u64>,
    surprise: f64,
    squared: f64,
    bins: Bins,
    /// For each class, the samples of other classes and of this one, by the logit of its probability.
    scores: Vec<Vec<[u32; 2]>>,
}

impl Sums {
    pub(super) fn new(n_classes: usize) -> Self {
        // With two classes, both areas are that of the second one.
        let histograms = if n_classes == 2 { 1 } else { n_classes };
        let bins = (COUNTERS / histograms.max(1)).clamp(BINS[0], BINS[1]);
        Self {
            n: 0,
            n_classes,
            cells: BTreeMap::new(),
            hits: vec![0; ks(n_classes).count()],
            surprise: 0.0,
            squared: 0.0,
            bins: Bins::default(),
            scores: vec![vec![[0; 2]; bins]; histograms],
        }
    }

    /// Adds a sample.
    ///
    /// # Errors
    /// As [`Evaluation::new`](super::Evaluation::new).
    pub(super) fn add(&mut self, target: usize, row: ArrayView1<'_, f64>) -> Result<()> {
        check(self.n_classes, &[target], row.insert_axis(Axis(0)))?;
        let pair = (target, argmax(row));
        let sample = Sample::new(pair, row, 0);
        self.n += 1;
        *self.cells.entry(pair).or_insert(0) += 1;
        for (k, hits) in ks(self.n_classes).zip(&mut self.hits) {
            *hits += u64::from(sample.place < k);
        }
        self.surprise += sample.surprise;
        self.squared += sample.squared;
        self.bins.add(&sample, 1);
        let first = self.n_classes - self.scores.len();
        for (class, scores) in (first..).zip(&mut self.scores) {
            let bin = bin_of(row[class], scores.len());
            scores[bin][usize::from(target == class)] += 1;
        }
        Ok(())
    }

    /// Returns what the metrics are computed from, and the largest error of an area under the ROC curve.
    pub(super) fn figures(&self) -> (Figures<'_>, f64) {
        let areas: Vec<_> = self.scores.iter().map(|scores| area(scores)).collect();
        let error = areas
            .iter()
            .flatten()
            .map(|(_, error)| *error)
            .fold(0.0, f64::max);
        let mut areas: Vec<_> = areas
            .into_iter()
            .map(|area| area.map(|(area, _)| area))
            .collect();
        // With two classes, there is one histogram.
        areas.resize(self.n_classes, areas.last().copied().flatten());
        let cells: Vec<_> = self.cells.keys().copied().collect();
        let counts = self.cells.values().copied().collect();
        let n = self.n as f64;
        let figures = Figures {
            n: self.n,
            counts: Counts::of_cells(self.n_classes, &cells, counts),
            cells: cells.into(),
            log_loss: self.surprise / n,
            brier_score: self.squared / n,
            hits: self.hits.clone(),
            bins: self.bins.clone(),
            areas,
        };
        (figures, error)
    }
}

/// Returns the bin of a probability.
fn bin_of(p: f64, bins: usize) -> usize {
    // Rounding may leave a probability slightly above 1.
    let p = p.min(1.0);
    let logit = (p / (1.0 - p)).ln().clamp(-LOGIT, LOGIT);
    let place = (logit + LOGIT) / (2.0 * LOGIT) * bins as f64;
    (place as usize).min(bins - 1)
}

/// Returns the area under the ROC curve of a histogram, in which all samples of a bin are ties, and the
/// largest error that they can make: half of the pairs in one bin.
fn area(scores: &[[u32; 2]]) -> Option<(f64, f64)> {
    let (mut below, mut won, mut tied) = (0.0, 0.0, 0.0);
    let mut positives = 0.0;
    for &[others, own] in scores {
        let [others, own] = [others, own].map(f64::from);
        won += own * below;
        tied += own * others;
        below += others;
        positives += own;
    }
    let pairs = positives * below;
    (pairs > 0.0).then(|| ((won + tied / 2.0) / pairs, tied / 2.0 / pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_in_the_order_of_probabilities() {
        let p = [
            0.0,
            1e-18,
            1e-9,
            0.3,
            0.5,
            0.7,
            1.0 - 1e-9,
            1.0,
            1.0 + 1e-10,
        ];
        let bins = p.map(|p| bin_of(p, 1000));
        assert!(bins.is_sorted(), "{bins:?}");
        assert_eq!((bins[0], bins[4], bins[7], bins[8]), (0, 500, 999, 999));
    }

    #[test]
    fn ties_count_half_and_are_the_error() {
        // Of 2 × 3 pairs, 4 are right and 1 is a tie.
        let (found, error) = area(&[[1, 0], [1, 1], [1, 0], [0, 1]]).unwrap();
        assert!((found - 4.5 / 6.0).abs() < 1e-12 && (error - 0.5 / 6.0).abs() < 1e-12);
        assert_eq!(area(&[[2, 0], [1, 0]]), None);
    }
}
