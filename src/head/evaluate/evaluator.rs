//! Evaluates any number of samples in limited memory: all of them up to a number, then sums, histograms and a
//! random part of them.

use ndarray::{ArrayView1, ArrayView2};

use super::bootstrap::{Bootstrap, Interval};
use super::evaluation::{Approximation, Evaluation};
use super::intervals::{ClassIntervals, Intervals};
use super::sums::Sums;
use crate::classes::ClassIndex;
use crate::error::Result;

/// The most samples that the intervals of more samples are computed from.
const SAMPLED: usize = 50_000;

/// Collects predictions, and evaluates them.
#[derive(Debug)]
pub struct Evaluator {
    classes: ClassIndex,
    bootstrap: Bootstrap,
    kept: Kept,
    /// `None` while all samples are kept.
    sums: Option<Sums>,
    exact: usize,
    sampled: usize,
}

/// The samples that are kept: those with a key below the limit.
#[derive(Debug)]
struct Kept {
    limit: u64,
    keys: Vec<u64>,
    targets: Vec<usize>,
    probabilities: Vec<f64>,
}

impl Kept {
    fn push(&mut self, key: u64, target: usize, probabilities: &[f64]) {
        if key <= self.limit {
            self.keys.push(key);
            self.targets.push(target);
            self.probabilities.extend_from_slice(probabilities);
        }
    }

    fn len(&self) -> usize {
        self.keys.len()
    }

    /// Halves the limit until at most `most` samples are left. So the samples do not depend on their order.
    fn shrink(&mut self, most: usize) {
        let width = self.probabilities.len() / self.len().max(1);
        while self.len() > most {
            self.limit /= 2;
            let mut kept = 0;
            for at in 0..self.len() {
                if self.keys[at] <= self.limit {
                    self.keys[kept] = self.keys[at];
                    self.targets[kept] = self.targets[at];
                    let row = at * width..(at + 1) * width;
                    self.probabilities.copy_within(row, kept * width);
                    kept += 1;
                }
            }
            self.keys.truncate(kept);
            self.targets.truncate(kept);
            self.probabilities.truncate(kept * width);
        }
        self.keys.shrink_to(most);
        self.targets.shrink_to(most);
        self.probabilities.shrink_to(most * width);
    }

    fn rows(&self, n_classes: usize) -> ArrayView2<'_, f64> {
        let shape = (self.len(), n_classes);
        ArrayView2::from_shape(shape, &self.probabilities).expect("each row has all classes")
    }
}

impl Evaluator {
    /// Up to this many samples, every metric and interval is computed from all samples.
    pub const EXACT: usize = 100_000;

    /// Creates an evaluator without samples.
    #[must_use]
    pub fn new(classes: ClassIndex, bootstrap: Bootstrap) -> Self {
        Self::with_limits(classes, bootstrap, Self::EXACT, SAMPLED)
    }

    fn with_limits(
        classes: ClassIndex,
        bootstrap: Bootstrap,
        exact: usize,
        sampled: usize,
    ) -> Self {
        Self {
            classes,
            bootstrap,
            kept: Kept {
                limit: u64::MAX,
                keys: Vec::new(),
                targets: Vec::new(),
                probabilities: Vec::new(),
            },
            sums: None,
            exact,
            sampled,
        }
    }

    /// Adds a sample: a number that is as good as random and belongs to it, the index of its class, and the
    /// probability of each class, (C).
    ///
    /// # Errors
    /// As [`Evaluation::new`]; with at most 100,000 samples, not before [`Self::evaluate`].
    pub fn add(&mut self, key: u64, target: usize, probabilities: &[f64]) -> Result<()> {
        self.kept.push(key, target, probabilities);
        if let Some(sums) = &mut self.sums {
            sums.add(target, ArrayView1::from(probabilities))?;
            if self.kept.len() > self.sampled {
                self.kept.shrink(self.sampled);
            }
        } else if self.kept.len() > self.exact {
            let mut sums = Sums::new(self.classes.len());
            let rows = self.kept.rows(self.classes.len());
            for (&target, row) in self.kept.targets.iter().zip(rows.rows()) {
                sums.add(target, row)?;
            }
            self.sums = Some(sums);
            self.kept.shrink(self.sampled);
        }
        Ok(())
    }

    /// Returns whether there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.len() == 0 && self.sums.is_none()
    }

    /// Evaluates all samples.
    ///
    /// # Errors
    /// As [`Evaluation::with_intervals`].
    pub fn evaluate(self) -> Result<Evaluation> {
        let rows = self.kept.rows(self.classes.len());
        let (targets, classes) = (&self.kept.targets, &self.classes);
        let kept = || Evaluation::with_intervals(classes, targets, rows, self.bootstrap);
        let Some(sums) = &self.sums else {
            return kept();
        };
        let (figures, roc_auc_error) = sums.figures();
        let mut all = Evaluation::of(classes, figures);
        all.approximation = Some(Approximation {
            interval_samples: self.kept.len(),
            roc_auc_error,
        });
        if self.bootstrap.resamples > 0 {
            all.intervals = intervals(&all, &kept()?);
        }
        Ok(all)
    }
}

/// Returns the intervals of an evaluation from those of a random part of its samples. Shares of samples have
/// Wilson's interval. Any other interval is moved to the metric, and narrowed by the square root of the ratio
/// of the numbers of samples (Politis and Romano, "Large Sample Confidence Regions Based on Subsamples under
/// Minimal Assumptions", 1994).
fn intervals(all: &Evaluation, part: &Evaluation) -> Option<Intervals> {
    let found = part.intervals.as_ref()?;
    let n = all.n_samples as u64;
    let narrowing = (part.n_samples as f64 / all.n_samples as f64).sqrt();
    let moved = |value: f64, (of_part, interval): (f64, Option<Interval>), most: f64| {
        let end = |end: f64| (value + (end - of_part) * narrowing).clamp(0.0, most);
        interval.map(|interval| Interval {
            low: end(interval.low),
            high: end(interval.high),
            ..interval
        })
    };
    let share = |value: f64, whole: u64| {
        let interval = Interval::wilson((value * whole as f64).round() as u64, whole);
        interval.expect("there are samples")
    };
    let auc = |value: Option<f64>, of_part: Option<f64>, interval| {
        moved(value?, (of_part?, interval), 1.0)
    };
    let classes = all.per_class.iter().zip(&part.per_class);
    let classes = classes.zip(&found.per_class).enumerate();
    let per_class = classes.map(|(class, ((figures, of_part), found))| {
        let [support, predicted] = all.confusion.margins(class).map(|n| n as u64);
        let right = all.confusion.count(class, class) as u64;
        ClassIntervals {
            precision: Interval::wilson(right, predicted),
            recall: Interval::wilson(right, support),
            f1: moved(figures.f1, (of_part.f1, found.f1), 1.0),
            roc_auc: auc(figures.roc_auc, of_part.roc_auc, found.roc_auc),
        }
    });
    let cells = all.confusion.cells().iter().map(|cell| {
        let [support, _] = all.confusion.margins(cell.truth);
        Interval::wilson(cell.n as u64, support as u64)
    });
    let bins = all.reliability.iter();
    let right = |accuracy: f64, n: usize| (accuracy * n as f64).round() as u64;
    Some(Intervals {
        bootstrap: found.bootstrap,
        accuracy: share(all.accuracy, n),
        balanced_accuracy: moved(
            all.balanced_accuracy,
            (part.balanced_accuracy, found.balanced_accuracy),
            1.0,
        ),
        macro_f1: moved(all.macro_f1, (part.macro_f1, found.macro_f1), 1.0),
        weighted_f1: moved(all.weighted_f1, (part.weighted_f1, found.weighted_f1), 1.0),
        log_loss: moved(all.log_loss, (part.log_loss, found.log_loss), f64::INFINITY),
        brier_score: moved(all.brier_score, (part.brier_score, found.brier_score), 2.0),
        roc_auc: auc(all.roc_auc, part.roc_auc, found.roc_auc),
        top_k: all.top_k.iter().map(|top| share(top.accuracy, n)).collect(),
        per_class: per_class.collect(),
        confusion_shares: cells.collect(),
        reliability: bins
            .map(|bin| Interval::wilson(right(bin.accuracy, bin.n), bin.n as u64))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::{Rng, SeedableRng};

    use super::*;

    /// Returns the key, the target and the probabilities of random predictions that are often right.
    fn samples(n: usize, n_classes: usize) -> Vec<(u64, usize, Vec<f64>)> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(24);
        let mut unit = move || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let sample = |_| {
            let target = (unit() * n_classes as f64) as usize;
            let mut row: Vec<f64> = (0..n_classes).map(|_| (3.0 * unit()).exp()).collect();
            row[target] *= 1.0 + 6.0 * unit();
            let sum: f64 = row.iter().sum();
            for p in &mut row {
                *p /= sum;
            }
            ((unit() * 2f64.powi(64)) as u64, target, row)
        };
        (0..n).map(sample).collect()
    }

    fn evaluate(
        samples: &[(u64, usize, Vec<f64>)],
        n_classes: usize,
        limits: (usize, usize),
    ) -> Evaluation {
        let classes = ClassIndex::from_names((0..n_classes).map(|class| format!("{class:03}")));
        let bootstrap = Bootstrap::new(500, 0);
        let mut evaluator = Evaluator::with_limits(classes, bootstrap, limits.0, limits.1);
        for (key, target, row) in samples {
            evaluator.add(*key, *target, row).unwrap();
        }
        evaluator.evaluate().unwrap()
    }

    #[test]
    fn metrics_of_many_samples_are_those_of_all() {
        for n_classes in [2, 5] {
            let samples = samples(6000, n_classes);
            let exact = evaluate(&samples, n_classes, (10_000, 10_000));
            assert_eq!(exact.approximation, None);
            let large = evaluate(&samples, n_classes, (4000, 2000));
            let how = large.approximation.unwrap();
            assert!(
                (1000..=2000).contains(&how.interval_samples),
                "{}",
                how.interval_samples
            );
            assert!(how.roc_auc_error < 1e-3);
            let close = |a: f64, b: f64, reach: f64| assert!((a - b).abs() <= reach, "{a} {b}");
            close(large.log_loss, exact.log_loss, 1e-9);
            close(large.brier_score, exact.brier_score, 1e-9);
            close(large.ece, exact.ece, 1e-9);
            close(
                large.roc_auc.unwrap(),
                exact.roc_auc.unwrap(),
                how.roc_auc_error,
            );
            for (a, b) in large.per_class.iter().zip(&exact.per_class) {
                close(a.roc_auc.unwrap(), b.roc_auc.unwrap(), how.roc_auc_error);
                assert_eq!((a.precision, a.recall, a.f1), (b.precision, b.recall, b.f1));
            }
            assert_eq!(large.confusion, exact.confusion);
            assert_eq!(large.top_k, exact.top_k);
            close(large.macro_f1, exact.macro_f1, 1e-12);
            close(large.weighted_f1, exact.weighted_f1, 1e-12);
        }
    }

    /// The intervals of a part are about as wide as those of all samples once they are narrowed.
    #[test]
    fn intervals_of_many_samples_are_about_those_of_all() {
        let samples = samples(6000, 3);
        let exact = evaluate(&samples, 3, (10_000, 10_000)).intervals.unwrap();
        let large = evaluate(&samples, 3, (4000, 2000)).intervals.unwrap();
        let pairs = [
            (Some(large.accuracy), Some(exact.accuracy)),
            (large.macro_f1, exact.macro_f1),
            (large.log_loss, exact.log_loss),
            (large.brier_score, exact.brier_score),
            (large.roc_auc, exact.roc_auc),
            (large.per_class[1].roc_auc, exact.per_class[1].roc_auc),
            (large.per_class[2].recall, exact.per_class[2].recall),
        ];
        for (number, (large, exact)) in pairs.into_iter().enumerate() {
            let (large, exact) = (large.unwrap(), exact.unwrap());
            let width = exact.high - exact.low;
            let ratio = (large.high - large.low) / width;
            assert!((0.8..1.25).contains(&ratio), "{number}: {ratio}");
            let middle = |interval: Interval| f64::midpoint(interval.low, interval.high);
            let shift = (middle(large) - middle(exact)).abs() / width;
            assert!(shift < 0.15, "{number}: {shift}");
        }
    }

    #[test]
    fn the_order_of_samples_does_not_matter_to_which_are_kept() {
        let mut samples = samples(3000, 2);
        let first = evaluate(&samples, 2, (1000, 500));
        samples.reverse();
        let second = evaluate(&samples, 2, (1000, 500));
        assert_eq!(first.approximation, second.approximation);
        assert_eq!(first.confusion, second.confusion);
    }

    #[test]
    fn an_impossible_probability_is_refused_at_any_size() {
        let classes = ClassIndex::from_names(["a", "b"]);
        let mut evaluator = Evaluator::with_limits(classes, Bootstrap::new(0, 0), 2, 2);
        assert!(evaluator.is_empty());
        for key in 0..3 {
            evaluator.add(key, 0, &[0.5, 0.5]).unwrap();
        }
        assert!(evaluator.add(4, 0, &[f64::NAN, 0.5]).is_err());
        assert!(evaluator.add(5, 2, &[0.5, 0.5]).is_err());
    }
}
