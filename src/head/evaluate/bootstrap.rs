//! The bootstrap: how often each sample is drawn in each resample.

use rand_distr::{Distribution, Poisson};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;

use crate::error::{HeadError, Result, require};
use crate::head::data::{below, order_generator};
use crate::head::parallel::{in_parallel, processors};

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
        let at_once = self.resamples.div_ceil(processors());
        self.resample_in(at_once, |generator| figure(&draw(n, generator)))
    }

    /// Calls `figure` for each resample, in order, with how many samples of each group were drawn, of which
    /// there are `counts`, all above 0. The numbers are independent, so their sum varies (Hanley and
    /// `MacGibbon`, "Creating Non-Parametric Bootstrap Samples Using Poisson Frequencies", 2006).
    pub(super) fn resample_counts<T: Send>(
        &self,
        counts: &[u64],
        figure: impl Fn(Vec<u64>) -> T + Sync,
    ) -> Vec<T> {
        let of = |&n: &u64| Poisson::new(n as f64).expect("counts are above 0");
        let distributions: Vec<_> = counts.iter().map(of).collect();
        let at_once = self.resamples.div_ceil(processors());
        self.resample_in(at_once, |mut generator| {
            let drawn = distributions
                .iter()
                .map(|one| one.sample(&mut generator) as u64);
            figure(drawn.collect())
        })
    }

    /// Calls `one` with the generator of each resample, `at_once` per parallel task.
    fn resample_in<T: Send>(
        &self,
        at_once: usize,
        one: impl Fn(Xoshiro256PlusPlus) -> T + Sync,
    ) -> Vec<T> {
        let generators = self.generators();
        let shares: Vec<_> = generators.chunks(at_once.max(1)).collect();
        let drawn = in_parallel(shares.len(), |share| {
            shares[share].iter().cloned().map(&one).collect::<Vec<T>>()
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

/// Draws n of n samples, with replacement, and counts how often each is drawn.
fn draw(n: usize, mut generator: Xoshiro256PlusPlus) -> Vec<u32> {
    let mut counts = vec![0; n];
    for _ in 0..n {
        counts[below(n, &mut generator)] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::head::Interval;

    #[test]
    fn every_way_to_share_the_work_gives_the_same() {
        let bootstrap = Bootstrap {
            resamples: 10,
            seed: 3,
        };
        let of = |at_once| bootstrap.resample_in(at_once, |generator| draw(7, generator));
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

    /// A Poisson number has its mean as its variance.
    #[test]
    fn groups_are_drawn_as_often_as_they_are_large() {
        let bootstrap = Bootstrap::new(4000, 0);
        let groups = [1, 30, 100_000];
        let drawn = bootstrap.resample_counts(&groups, |counts| counts);
        for (group, &n) in groups.iter().enumerate() {
            let n = n as f64;
            let numbers = || drawn.iter().map(|counts| counts[group] as f64);
            let mean = numbers().sum::<f64>() / 4000.0;
            let variance = numbers().map(|number| (number - mean).powi(2)).sum::<f64>() / 3999.0;
            // Five standard deviations of the mean; the variance is known to 2.2 %, and to 3 % for n = 1.
            assert!((mean - n).abs() < 5.0 * (n / 4000.0).sqrt(), "{n}: {mean}");
            assert!((variance / n - 1.0).abs() < 0.15, "{n}: {variance}");
        }
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
}
