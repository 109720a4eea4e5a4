//! The area under the ROC curve of a class from a histogram of its probabilities.

/// The least number of bins of a histogram, and the most.
const BINS: [usize; 2] = [1 << 10, 1 << 16];
/// Larger logits share the last bin. It is that of the largest number below 1.
const LOGIT: f64 = 37.0;

/// The variance of a number in [0, 1] is at most this.
const MOST_VARIANCE: f64 = 0.25;

/// How many samples of other classes and of this one have a probability in each bin; bins are of equal width
/// in its logit.
#[derive(Debug, Clone)]
pub(super) struct Histogram(Vec<[u32; 2]>);

/// An area under the ROC curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) value: f64,
    /// The largest error of `value`: half of the share of pairs that are in one bin.
    pub(super) error: f64,
    /// The variance that the samples of the class contribute to `value`, and that of the others.
    pub(super) variances: [f64; 2],
}

impl Histogram {
    /// Creates an empty histogram of about `bins` bins.
    pub(super) fn new(bins: usize) -> Self {
        Self(vec![[0; 2]; bins.clamp(BINS[0], BINS[1])])
    }

    /// Adds the probability of the class, and whether the sample is of it.
    pub(super) fn add(&mut self, p: f64, is_own: bool) {
        let bin = bin_of(p, self.0.len());
        self.0[bin][usize::from(is_own)] += 1;
    }

    /// Returns the area, in which samples in a bin are ties; `None` without samples of the class or of
    /// others. Its variances are those of "Comparing the Areas under Two or More Correlated Receiver
    /// Operating Characteristic Curves" (`DeLong` et al. 1988), and the largest possible ones for a single
    /// sample.
    pub(super) fn area(&self) -> Option<Area> {
        let bins = self.0.iter().map(|bin| bin.map(f64::from));
        let [others, own] = bins
            .clone()
            .fold([0.0; 2], |sum, bin| [sum[0] + bin[0], sum[1] + bin[1]]);
        if others == 0.0 || own == 0.0 {
            return None;
        }
        // The places of samples: the share of the other side that each one wins against.
        let places = bins.scan([0.0; 2], |below, bin| {
            let at = [0, 1].map(|side| below[side] + bin[side] / 2.0);
            *below = [below[0] + bin[0], below[1] + bin[1]];
            Some((bin, [1.0 - at[1] / own, at[0] / others]))
        });
        let value = places
            .clone()
            .map(|(bin, place)| bin[1] * place[1])
            .sum::<f64>()
            / own;
        let tied: f64 = self
            .0
            .iter()
            .map(|bin| f64::from(bin[0]) * f64::from(bin[1]))
            .sum();
        let variance = |side: usize, n: f64| {
            let squares = places
                .clone()
                .map(|(bin, place)| bin[side] * (place[side] - value).powi(2));
            let spread = if n > 1.0 {
                squares.sum::<f64>() / (n - 1.0)
            } else {
                MOST_VARIANCE
            };
            spread / n
        };
        Some(Area {
            value,
            error: tied / 2.0 / (own * others),
            variances: [variance(1, own), variance(0, others)],
        })
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
        // Of 2 × 3 pairs, 4 are right and 1 is a tie. The samples of the class win against 3/3 and 1.5/3 of
        // the others, whose variance is 0.125; the others lose to 2, 1.5 and 1 of 2: 0.0625.
        let area = Histogram(vec![[1, 0], [1, 1], [1, 0], [0, 1]])
            .area()
            .unwrap();
        let expected = [4.5 / 6.0, 0.5 / 6.0, 0.125 / 2.0, 0.0625 / 3.0];
        let found = [area.value, area.error, area.variances[0], area.variances[1]];
        assert!(
            found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-12),
            "{area:?}"
        );
        assert_eq!(Histogram(vec![[2, 0], [1, 0]]).area(), None);
        let single = Histogram(vec![[3, 0], [0, 1]]).area().unwrap();
        assert_eq!((single.value, single.variances), (1.0, [0.25, 0.0]));
    }
}
