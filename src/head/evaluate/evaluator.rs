//! Evaluates any number of samples in limited memory: up to a number of them all at once, more by sums and
//! histograms.

use ndarray::{ArrayView1, ArrayView2};

use super::bootstrap::Bootstrap;
use super::evaluation::Evaluation;
use super::sums::Sums;
use crate::classes::ClassIndex;
use crate::error::Result;

/// Collects predictions, and evaluates them.
#[derive(Debug)]
pub struct Evaluator {
    classes: ClassIndex,
    bootstrap: Bootstrap,
    samples: Samples,
    exact: usize,
}

#[derive(Debug)]
enum Samples {
    /// The target and the probabilities of each sample, (N) and (N, C).
    All(Vec<usize>, Vec<f64>),
    Sums(Box<Sums>),
}

impl Evaluator {
    /// Up to this many samples, every metric and interval is computed from all samples.
    pub const EXACT: usize = 100_000;

    /// Creates an evaluator without samples.
    #[must_use]
    pub fn new(classes: ClassIndex, bootstrap: Bootstrap) -> Self {
        Self::with_limit(classes, bootstrap, Self::EXACT)
    }

    fn with_limit(classes: ClassIndex, bootstrap: Bootstrap, exact: usize) -> Self {
        Self {
            classes,
            bootstrap,
            samples: Samples::All(Vec::new(), Vec::new()),
            exact,
        }
    }

    /// Adds a sample: the index of its class, and the probability of each class, (C).
    ///
    /// # Errors
    /// As [`Evaluation::new`]; with at most 100,000 samples, not before [`Self::evaluate`].
    pub fn add(&mut self, target: usize, probabilities: &[f64]) -> Result<()> {
        match &mut self.samples {
            Samples::All(targets, rows) => {
                targets.push(target);
                rows.extend_from_slice(probabilities);
                if targets.len() > self.exact {
                    let rows = matrix(rows, targets.len(), self.classes.len());
                    let sums = Sums::of(self.classes.len(), targets, rows)?;
                    self.samples = Samples::Sums(Box::new(sums));
                }
                Ok(())
            }
            Samples::Sums(sums) => sums.add(target, ArrayView1::from(probabilities)),
        }
    }

    /// Returns whether there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(&self.samples, Samples::All(targets, _) if targets.is_empty())
    }

    /// Evaluates all samples.
    ///
    /// # Errors
    /// As [`Evaluation::with_intervals`].
    pub fn evaluate(self) -> Result<Evaluation> {
        match &self.samples {
            Samples::All(targets, rows) => {
                let rows = matrix(rows, targets.len(), self.classes.len());
                Evaluation::with_intervals(&self.classes, targets, rows, self.bootstrap)
            }
            Samples::Sums(sums) => sums.evaluate(&self.classes, self.bootstrap),
        }
    }
}

fn matrix(rows: &[f64], n: usize, n_classes: usize) -> ArrayView2<'_, f64> {
    ArrayView2::from_shape((n, n_classes), rows).expect("each row has all classes")
}

#[cfg(test)]
mod tests {
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::head::{Interval, IntervalMethod};

    /// Returns the target and the probabilities of random predictions that are often right. The last class
    /// is rare.
    fn samples(n: usize, n_classes: usize) -> Vec<(usize, Vec<f64>)> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(24);
        let mut unit = move || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let sample = |number| {
            let common = (unit() * (n_classes - 1) as f64) as usize;
            let target = if number % 300 == 0 {
                n_classes - 1
            } else {
                common
            };
            let mut row: Vec<f64> = (0..n_classes).map(|_| (3.0 * unit()).exp()).collect();
            row[target] *= 1.0 + 6.0 * unit();
            let sum: f64 = row.iter().sum();
            for p in &mut row {
                *p /= sum;
            }
            (target, row)
        };
        (0..n).map(sample).collect()
    }

    fn evaluate(samples: &[(usize, Vec<f64>)], n_classes: usize, exact: usize) -> Evaluation {
        let classes = ClassIndex::from_names((0..n_classes).map(|class| format!("{class:03}")));
        let mut evaluator = Evaluator::with_limit(classes, Bootstrap::new(1000, 0), exact);
        for (target, row) in samples {
            evaluator.add(*target, row).unwrap();
        }
        evaluator.evaluate().unwrap()
    }

    #[test]
    fn metrics_of_many_samples_are_those_of_all() {
        for n_classes in [2, 5] {
            let samples = samples(6000, n_classes);
            let exact = evaluate(&samples, n_classes, 10_000);
            assert_eq!(exact.approximation, None);
            let large = evaluate(&samples, n_classes, 4000);
            let how = large.approximation.unwrap();
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

    /// The intervals of sums are those of the bootstrap of all samples, also where a rare class with 20 of
    /// 6000 samples decides how wide they are.
    #[test]
    fn intervals_of_many_samples_are_those_of_all() {
        for n_classes in [2, 4] {
            let samples = samples(6000, n_classes);
            let exact = evaluate(&samples, n_classes, 10_000).intervals.unwrap();
            let large = evaluate(&samples, n_classes, 4000).intervals.unwrap();
            let rare = n_classes - 1;
            let pairs = [
                (Some(large.accuracy), Some(exact.accuracy)),
                (large.balanced_accuracy, exact.balanced_accuracy),
                (large.macro_f1, exact.macro_f1),
                (large.weighted_f1, exact.weighted_f1),
                (large.log_loss, exact.log_loss),
                (large.brier_score, exact.brier_score),
                (large.roc_auc, exact.roc_auc),
                (large.per_class[rare].f1, exact.per_class[rare].f1),
                (large.per_class[0].roc_auc, exact.per_class[0].roc_auc),
                (large.per_class[rare].roc_auc, exact.per_class[rare].roc_auc),
                (large.per_class[0].recall, exact.per_class[0].recall),
            ];
            for (number, (large, exact)) in pairs.into_iter().enumerate() {
                let (large, exact) = (large.unwrap(), exact.unwrap());
                // The variance of the mean area of several classes is an upper bound.
                let most = if number == 6 { 1.4 } else { 1.2 };
                let width = exact.high - exact.low;
                let ratio = (large.high - large.low) / width;
                assert!(
                    (0.85..most).contains(&ratio),
                    "{n_classes} {number}: {ratio}"
                );
                let middle = |interval: Interval| f64::midpoint(interval.low, interval.high);
                let shift = (middle(large) - middle(exact)).abs() / width;
                assert!(shift < 0.1, "{n_classes} {number}: {shift}");
            }
            assert_eq!(large.accuracy.method, IntervalMethod::Wilson);
            assert_eq!(large.macro_f1.unwrap().method, IntervalMethod::Bootstrap);
            assert_eq!(large.log_loss.unwrap().method, IntervalMethod::Normal);
        }
    }

    #[test]
    fn equal_samples_are_evaluated() {
        let equal = vec![(0, vec![1.0, 0.0]); 30];
        let evaluation = evaluate(&equal, 2, 10);
        assert_eq!((evaluation.accuracy, evaluation.roc_auc), (1.0, None));
        let intervals = evaluation.intervals.unwrap();
        assert_eq!((intervals.log_loss, intervals.macro_f1), (None, None));
    }

    #[test]
    fn an_impossible_probability_is_refused_at_any_size() {
        let classes = ClassIndex::from_names(["a", "b"]);
        let mut evaluator = Evaluator::with_limit(classes, Bootstrap::new(0, 0), 2);
        assert!(evaluator.is_empty());
        for _ in 0..3 {
            evaluator.add(0, &[0.5, 0.5]).unwrap();
        }
        assert!(!evaluator.is_empty());
        assert!(evaluator.add(0, &[f64::NAN, 0.5]).is_err());
        assert!(evaluator.add(2, &[0.5, 0.5]).is_err());
    }
}
