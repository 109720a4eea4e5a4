//! Chance in the figures: the samples drawn again with replacement, and the interval that a figure then lies in.

use std::num::NonZero;
use std::thread;

use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;

use crate::head::dropout::{below, order_generator};

/// The share of the resamples below an interval, and above it.
const TAIL: f64 = 0.025;

/// How the samples are drawn again (Efron's percentile bootstrap).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bootstrap {
    /// How often; 0 for no intervals.
    pub resamples: usize,
    /// Chooses the samples: equal seeds give equal intervals, on every machine and whatever the number of threads.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// 1000 resamples, seed 0.
    fn default() -> Self {
        Self {
            resamples: 1000,
            seed: 0,
        }
    }
}

/// Where 95 % of the resamples lie.
///
/// It tells how much a figure owes to the choice of the samples. A figure at its end, as an accuracy of 100 %, is there
/// in every resample too: its interval is one point, which does not mean that it is certain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// 2.5 % of the resamples are below it.
    pub low: f64,
    /// And 2.5 % above it.
    pub high: f64,
}

impl Interval {
    /// The percentiles of some values, interpolated as `numpy.percentile` does; None of none.
    pub(super) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (values.len() - 1) as f64;
            let [below, above] = [place.floor(), place.ceil()].map(|place| values[place as usize]);
            below + (above - below) * place.fract()
        };
        (!values.is_empty()).then(|| Self {
            low: at(TAIL),
            high: at(1.0 - TAIL),
        })
    }
}

impl Bootstrap {
    /// What `figure` says of each resample, in order; it is given how often each of the n samples was drawn.
    pub(super) fn resample<T: Send>(
        &self,
        n: usize,
        figure: impl Fn(&[u32]) -> T + Sync,
    ) -> Vec<T> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        self.resample_on(threads, n, figure)
    }

    fn resample_on<T: Send>(
        &self,
        threads: usize,
        n: usize,
        figure: impl Fn(&[u32]) -> T + Sync,
    ) -> Vec<T> {
        let generators = self.generators();
        let share = generators.len().div_ceil(threads).max(1);
        let work = |generators: &[Xoshiro256PlusPlus]| -> Vec<T> {
            let mut counts = vec![0; n];
            let drawn = generators.iter().map(|generator| {
                draw(&mut counts, generator.clone());
                figure(&counts)
            });
            drawn.collect()
        };
        thread::scope(|scope| {
            let work = &work;
            let workers: Vec<_> = generators
                .chunks(share)
                .map(|generators| scope.spawn(move || work(generators)))
                .collect();
            workers
                .into_iter()
                .flat_map(|worker| {
                    worker
                        .join()
                        .expect("a figure of a resample does not panic")
                })
                .collect()
        })
    }

    /// One for each resample, 2^128 numbers apart.
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

/// Draws as many samples as there are, and counts each.
fn draw(counts: &mut [u32], mut generator: Xoshiro256PlusPlus) {
    counts.fill(0);
    for _ in 0..counts.len() {
        counts[below(counts.len(), &mut generator)] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_threads_gives_the_same() {
        let bootstrap = Bootstrap {
            resamples: 10,
            seed: 3,
        };
        let of = |threads| bootstrap.resample_on(threads, 7, <[u32]>::to_vec);
        let alone = of(1);
        assert_eq!(alone.len(), 10);
        assert!(alone.iter().all(|counts| counts.iter().sum::<u32>() == 7));
        assert!(alone.iter().any(|counts| *counts != alone[0]));
        for threads in [2, 3, 10, 64] {
            assert_eq!(of(threads), alone);
        }
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
        // 400 samples, half of them 1: the mean has a standard error of 0.025.
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
        let one = Interval::of(vec![3.0]).unwrap();
        assert_eq!([one.low, one.high].map(f64::to_bits), [3f64.to_bits(); 2]);
        assert_eq!(Interval::of(Vec::new()), None);
    }
}
