//! The bootstrap, and the 95 % intervals of metrics.

use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;

use crate::error::{HeadError, Result, require};
use crate::head::data::{below, order_generator};
use crate::head::parallel::{in_parallel, processors};

/// The share of the resamples below an interval, and of those above it.
const TAIL: f64 = 0.025;

/// The most values stored over all resamples until the percentiles are computed: 0.8 GB.
const MOST_FIGURES: usize = 100_000_000;

/// Number and seed of the resamples for intervals (Efron's percentile bootstrap).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Bootstrap {
    /// Number of resamples, at most 100,000; 0 computes no intervals.
    pub resamples: usize,
    /// Seed of the resampling. Equal seeds give equal intervals, on every machine and with any number of
    /// threads.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// 1000 resamples, seed 0.
    fn default() -> Self {
        Self::new(1000, 0)
    }
}

/// Ends closer than this count as equal: summing equal values in another order differs by about this much.
const POINT: f64 = 1e-12;

/// The 97.5th percentile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// How an interval was computed.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntervalMethod {
    /// The 2.5th and the 97.5th percentile of the resamples.
    Bootstrap,
    /// Score interval (Wilson 1927; Tango 1998 for a paired difference), for a share that is equal in all
    /// resamples, such as an accuracy of 100 %. There the bootstrap shows no spread, although the share is
    /// still uncertain.
    Wilson,
}

/// The 95 % interval of a metric: the range expected for another sample of this size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How both ends were computed.
    pub method: IntervalMethod,
}

impl Interval {
    /// Returns the interval between the percentiles of `values`, interpolated as in `numpy.percentile`; None
    /// without values or when both ends coincide.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (low, high) = (quantile(&values, TAIL)?, quantile(&values, 1.0 - TAIL)?);
        (high - low > POINT).then_some(Self {
            low,
            high,
            method: IntervalMethod::Bootstrap,
        })
    }

    /// Returns Wilson's score interval of the share `part / whole`, without continuity correction; None for
    /// 0/0.
    pub(crate) fn wilson(part: u64, whole: u64) -> Option<Self> {
        let (k, n) = (part as f64, whole as f64);
        let centre = (k + Z * Z / 2.0) / (n + Z * Z);
        let half = Z / (n + Z * Z) * (k * (n - k) / n + Z * Z / 4.0).sqrt();
        (whole > 0).then(|| Self {
            low: (centre - half).max(0.0),
            high: (centre + half).min(1.0),
            method: IntervalMethod::Wilson,
        })
    }

    /// Returns Tango's score interval of the difference between two paired shares, when the difference is the
    /// same (-1, 0 or 1) in all `n` pairs.
    pub(crate) fn of_equal_differences(difference: f64, n: usize) -> Self {
        let reach = Z * Z / (n as f64 + Z * Z);
        Self {
            low: (difference - reach).max(-1.0),
            high: (difference + reach).min(1.0),
            method: IntervalMethod::Wilson,
        }
    }
}

impl Bootstrap {
    /// The most resamples; more would not improve the ends of an interval noticeably.
    pub const MOST: usize = 100_000;

    /// Creates a bootstrap of `resamples` resamples drawn from `seed`.
    #[must_use]
    pub fn new(resamples: usize, seed: u64) -> Self {
        Self { resamples, seed }
    }

    /// Checks the number of resamples before anything is computed.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for more than 100,000.
    pub fn check(&self) -> Result<()> {
        let within = self.resamples <= Self::MOST;
        require(within, "resamples", &self.resamples, "at most 100000")
    }

    /// Checks that `figures` values per resample fit the memory limit.
    ///
    /// # Errors
    /// As [`check`](Self::check); [`HeadError::ManyFigures`] for more than 100 million values over all
    /// resamples.
    pub(crate) fn check_for(&self, figures: usize) -> Result<()> {
        self.check()?;
        if self.resamples.saturating_mul(figures) <= MOST_FIGURES {
            return Ok(());
        }
        Err(HeadError::ManyFigures {
            resamples: self.resamples,
            figures,
            most: MOST_FIGURES,
        }
        .into())
    }

    /// Calls `figure` for each resample, in order, with how often each of the n samples was drawn.
    pub(super) fn resample<T: Send>(
        &self,
        n: usize,
        figure: impl Fn(&[u32]) -> T + Sync,
    ) -> Vec<T> {
        self.resample_in(self.resamples.div_ceil(processors()), n, figure)
    }

    /// Like [`resample`](Self::resample), with `at_once` resamples per parallel task.
    fn resample_in<T: Send>(
        &self,
        at_once: usize,
        n: usize,
        figure: impl Fn(&[u32]) -> T + Sync,
    ) -> Vec<T> {
        let generators = self.generators();
        let shares: Vec<_> = generators.chunks(at_once.max(1)).collect();
        let drawn = in_parallel(shares.len(), |share| {
            let mut counts = vec![0; n];
            let one = |generator: &Xoshiro256PlusPlus| {
                draw(&mut counts, generator.clone());
                figure(&counts)
            };
            shares[share].iter().map(one).collect::<Vec<T>>()
        });
        drawn.into_iter().flatten().collect()
    }

    /// Returns one generator per resample, 2^128 random numbers apart.
    fn generators(&self) -> Vec<Xoshiro256PlusPlus> {
        let mut next = order_generator(self.seed);
        let generators = (0..self.resamples).map(|_| {
            let generator = next.clone();
            next.jump();
            generator
        });
        generators.collect()
    }
}

/// Returns the quantile `share` of sorted values, interpolated as in `numpy.quantile`; None without values.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let [below, above] = [place.floor(), place.ceil()].map(|place| sorted[place as usize]);
    Some(below + (above - below) * place.fract())
}

/// Draws as many samples as there are, with replacement, and counts how often each is drawn.
fn draw(counts: &mut [u32], mut generator: Xoshiro256PlusPlus) {
    counts.fill(0);
    for _ in 0..counts.len() {
        counts[below(counts.len(), &mut generator)] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn every_way_to_share_the_work_gives_the_same() {
        let bootstrap = Bootstrap {
            resamples: 10,
            seed: 3,
        };
        let of = |at_once| bootstrap.resample_in(at_once, 7, <[u32]>::to_vec);
        let alone = of(1);
        assert_eq!(alone.len(), 10);
        assert!(alone.iter().all(|counts| counts.iter().sum::<u32>() == 7));
        assert!(alone.iter().any(|counts| *counts != alone[0]));
        for at_once in [2, 3, 10, 64] {
            assert_eq!(of(at_once), alone);
        }
    }

    #[test]
    fn more_resamples_than_can_be_kept_are_refused() {
        let of = |resamples| Bootstrap { resamples, seed: 0 };
        assert!(of(100_000).check().is_ok() && of(0).check_for(usize::MAX).is_ok());
        let error = of(4_294_967_295).check().unwrap_err().to_string();
        assert_eq!(
            error,
            "`resamples` is 4294967295, but must be at most 100000"
        );
        // 20,003 classes have 80,012 per-class metrics, and a few overall.
        assert!(of(1000).check_for(80_100).is_ok());
        let error = of(2000).check_for(80_100).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Head(HeadError::ManyFigures {
                    resamples: 2000,
                    figures: 80_100,
                    most: 100_000_000
                })
            ),
            "{error:?}"
        );
    }

    #[test]
    fn each_sample_is_drawn_as_often() {
        let bootstrap = Bootstrap {
            resamples: 4000,
            seed: 0,
        };
        let mut sums = [0u32; 5];
        for counts in bootstrap.resample(5, <[u32]>::to_vec) {
            sums.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
        }
        // 4000 each, with a standard deviation of sqrt(20000 · 0.2 · 0.8) = 57.
        assert!(sums.iter().all(|n| n.abs_diff(4000) < 300), "{sums:?}");
    }

    #[test]
    fn the_mean_of_a_coin_lies_where_the_normal_curve_says() {
        // 400 samples, half of them 1: the standard error of the mean is 0.025.
        let bootstrap = Bootstrap::default();
        let means = bootstrap.resample(400, |counts| {
            f64::from(counts[..200].iter().sum::<u32>()) / 400.0
        });
        let interval = Interval::of(means).unwrap();
        assert!(
            (interval.low - (0.5 - 1.96 * 0.025)).abs() < 0.006,
            "{interval:?}"
        );
        assert!(
            (interval.high - (0.5 + 1.96 * 0.025)).abs() < 0.006,
            "{interval:?}"
        );
    }

    #[test]
    fn percentiles_lie_between_the_values() {
        // numpy.percentile([0 … 10], [2.5, 97.5]) is 0.25 and 9.75.
        let interval = Interval::of((0..=10).rev().map(f64::from).collect()).unwrap();
        assert!((interval.low - 0.25).abs() < 1e-12 && (interval.high - 9.75).abs() < 1e-12);
        assert_eq!(Interval::of(vec![3.0; 5]), None);
        assert_eq!(Interval::of(Vec::new()), None);
    }

    #[test]
    fn shares_without_spread_have_the_score_interval() {
        // scipy.stats.binomtest(k, n).proportion_ci(method="wilson"), SciPy 1.17.1.
        for (part, whole, low, high) in [
            (200, 200, 0.981_154_673_622_7, 1.0),
            (0, 7, 0.0, 0.354_330_435_066_7),
            (1, 1, 0.206_549_314_377_2, 1.0),
            (5, 9, 0.266_651_293_495_5, 0.811_221_478_902_3),
            (3, 4000, 0.000_255_099_728_4, 0.002_202_904_396_4),
        ] {
            let ours = Interval::wilson(part, whole).unwrap();
            assert!((ours.low - low).abs() < 1e-12, "{part}/{whole}: {ours:?}");
            assert!((ours.high - high).abs() < 1e-12, "{part}/{whole}: {ours:?}");
        }
        assert_eq!(Interval::wilson(0, 0), None);
    }

    #[test]
    fn heads_that_never_differ_may_still_differ_on_others() {
        // n Δ / √(n Δ (1 - Δ)) = z is solved by Δ = z² / (n + z²): 0.2775 for ten pairs.
        let ours = Interval::of_equal_differences(0.0, 10);
        assert!((ours.high - 0.277_533).abs() < 1e-6 && (ours.low + ours.high).abs() < 1e-15);
        let all = Interval::of_equal_differences(1.0, 10);
        assert!((all.low - 0.722_467).abs() < 1e-6 && (all.high - 1.0).abs() < 1e-15);
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile([1, 2, 4, 8], [0.25, 0.75]) is [1.75, 5.0].
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert!((quantile(&sorted, 0.25).unwrap() - 1.75).abs() < 1e-12);
        assert!((quantile(&sorted, 0.75).unwrap() - 5.0).abs() < 1e-12);
    }
}
