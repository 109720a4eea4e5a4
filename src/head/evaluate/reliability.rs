//! The bins of a reliability diagram, and the expected calibration error.

use serde::Serialize;

use super::scored_samples::{BINS, Sample, ScoredSamples, edge};

/// A bin of the reliability diagram: the samples whose largest probability is in (`lower`, `upper`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Lower edge, exclusive, a multiple of 1/15; the first bin includes probability 0.
    pub lower: f64,
    /// Upper edge, inclusive.
    pub upper: f64,
    /// Number of samples in the bin.
    pub n: usize,
    /// Mean of their largest probabilities, in [0, 1]; 0 without samples.
    pub confidence: f64,
    /// Share of them that is predicted correctly, in [0, 1]; 0 without samples. Equal to `confidence` if the
    /// probabilities are calibrated.
    pub accuracy: f64,
}

/// For each bin: the weight of its samples, the sum of their confidences, and the weight of the correct
/// predictions.
#[derive(Debug, Clone, Default)]
pub(super) struct Bins([(u64, f64, u64); BINS]);

impl Bins {
    /// Sorts the samples into the bins, each counted as often as its weight.
    pub(super) fn of(scored: &ScoredSamples, weights: &[u32]) -> Self {
        let mut bins = Self::default();
        for (sample, &weight) in scored.samples.iter().zip(weights) {
            bins.add(sample, weight);
        }
        bins
    }

    /// Adds a sample, counted as often as its weight.
    pub(super) fn add(&mut self, sample: &Sample, weight: u32) {
        let (n, confidence, right) = &mut self.0[sample.bin];
        *n += u64::from(weight);
        *confidence += f64::from(weight) * sample.confidence;
        *right += u64::from(sample.right) * u64::from(weight);
    }

    /// Returns the mean distance between confidence and accuracy over the samples, in [0, 1].
    pub(super) fn ece(&self) -> f64 {
        let all: u64 = self.0.iter().map(|bin| bin.0).sum();
        let distance =
            |&(_, confidence, right): &(u64, f64, u64)| (confidence - right as f64).abs();
        self.0.iter().map(distance).sum::<f64>() / all.max(1) as f64
    }

    /// Returns, for each bin, how many predictions are correct, and out of how many.
    pub(super) fn right(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().map(|&(n, _, right)| (right, n))
    }

    /// Returns all 15 bins, in ascending order.
    pub(super) fn described(&self) -> Vec<ReliabilityBin> {
        let described = |(i, &(n, confidence, right)): (usize, &(u64, f64, u64))| {
            let whole = n.max(1) as f64;
            ReliabilityBin {
                lower: edge(i),
                upper: edge(i + 1),
                n: n as usize,
                confidence: confidence / whole,
                accuracy: right as f64 / whole,
            }
        };
        self.0.iter().enumerate().map(described).collect()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::scored_samples::bin_of;
    use super::*;

    #[test]
    fn a_bin_has_its_upper_edge_and_not_its_lower_one() {
        let bins = [
            0.0,
            1e-9,
            edge(1),
            edge(1) + 1e-9,
            0.6,
            0.6 + 1e-9,
            edge(14),
            1.0,
            1.0 + 1e-10,
        ];
        assert_eq!(bins.map(bin_of), [0, 0, 0, 1, 8, 9, 13, 14, 14]);
    }

    #[test]
    fn the_error_is_that_of_paper() {
        // Two samples at 0.75 (bin 12), one of them right; one at 1 and right; one at 0.5 (bin 8) and wrong.
        let p = array![[0.75, 0.25], [0.75, 0.25], [0.0, 1.0], [0.5, 0.5]];
        let scored = ScoredSamples::new(2, &[0, 1, 1, 1], p.view()).unwrap();
        let bins = Bins::of(&scored, &[1; 4]);
        assert!((bins.ece() - (2.0 * 0.25 + 0.0 + 0.5) / 4.0).abs() < 1e-15);
        let described = bins.described();
        let full: Vec<_> = described.iter().filter(|bin| bin.n > 0).collect();
        let numbers = full.iter().map(|bin| (bin.n, bin.confidence, bin.accuracy));
        let expected = [(1, 0.5, 0.0), (2, 0.75, 0.5), (1, 1.0, 1.0)];
        assert!(numbers.eq(expected));
        assert!((full[1].lower - 11.0 / 15.0).abs() < 1e-15 && (full[1].upper - 0.8).abs() < 1e-15);
        // Without the sample at 1, and with the wrong one twice.
        assert!((Bins::of(&scored, &[1, 1, 0, 2]).ece() - 1.5 / 4.0).abs() < 1e-15);
    }
}
