//! Two heads on the same samples: whether one is better, and by how much.

use ndarray::ArrayView2;
use serde::Serialize;

use super::bootstrap::{Bootstrap, Interval};
use super::check::check;
use super::evaluation::{accuracy, log_loss};
use super::judgement::Judgement;
use super::mcnemar::McNemar;
use crate::error::Result;

/// The first head held against the second, sample by sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// N, at least 1.
    pub n_samples: usize,
    /// Samples that both predict rightly.
    pub both_right: usize,
    /// Samples that the first alone predicts rightly.
    pub only_first_right: usize,
    /// Samples that the second alone predicts rightly.
    pub only_second_right: usize,
    /// Samples that neither predicts rightly.
    pub neither_right: usize,
    /// Whether they are right equally often.
    pub mcnemar: McNemar,
    /// Of the accuracies: above 0 where the first is better.
    pub accuracy: Difference,
    /// Of the log losses: below 0 where the first is better.
    pub log_loss: Difference,
    /// How the samples were drawn again.
    pub bootstrap: Bootstrap,
}

/// A figure of both heads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// Of the first head.
    pub first: f64,
    /// Of the second head.
    pub second: f64,
    /// The first less the second.
    pub difference: f64,
    /// The 95 % interval of the difference, every resample being the same for both heads; None without resamples, and
    /// for a loss that differs by the same in all of them.
    pub interval: Option<Interval>,
}

impl Comparison {
    /// Compares the probabilities that two heads give the same samples, both (N, C), by `targets` (N).
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) as in [`Evaluation::new`](crate::head::Evaluation::new), for either head.
    pub fn new(
        targets: &[usize],
        first: ArrayView2<'_, f64>,
        second: ArrayView2<'_, f64>,
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        bootstrap.check()?;
        check(first.ncols(), targets, first)?;
        check(first.ncols(), targets, second)?;
        bootstrap.check_for(2)?;
        let heads = [
            Judgement::new(targets, first),
            Judgement::new(targets, second),
        ];
        let right = |judgement: &Judgement| -> Vec<bool> {
            judgement
                .samples
                .iter()
                .map(|sample| sample.right)
                .collect()
        };
        let [first, second] = heads.each_ref().map(right);
        let count = |a, b| {
            let pairs = first.iter().zip(&second);
            pairs.filter(|&(&x, &y)| (x, y) == (a, b)).count()
        };
        let (only_first_right, only_second_right) = (count(true, false), count(false, true));
        let resampled = bootstrap.resample(targets.len(), |weights| both(&heads, weights));
        let whole = both(&heads, &vec![1; targets.len()]);
        let difference =
            |figure: usize| Difference::of(whole[figure], resampled.iter().map(|r| r[figure]));
        let mut accuracy_difference = difference(0);
        if bootstrap.resamples > 0 && accuracy_difference.interval.is_none() {
            let score =
                Interval::of_equal_differences(accuracy_difference.difference, targets.len());
            accuracy_difference.interval = Some(score);
        }
        Ok(Self {
            n_samples: targets.len(),
            both_right: count(true, true),
            only_first_right,
            only_second_right,
            neither_right: count(false, false),
            mcnemar: McNemar::new(only_first_right, only_second_right),
            accuracy: accuracy_difference,
            log_loss: difference(1),
            bootstrap,
        })
    }
}

/// Accuracy and log loss, each of both heads.
fn both(heads: &[Judgement; 2], weights: &[u32]) -> [[f64; 2]; 2] {
    [accuracy, log_loss].map(|figure| heads.each_ref().map(|head| figure(head, weights)))
}

impl Difference {
    fn of([first, second]: [f64; 2], resampled: impl Iterator<Item = [f64; 2]>) -> Self {
        Self {
            first,
            second,
            difference: first - second,
            interval: Interval::of(resampled.map(|[first, second]| first - second).collect()),
        }
    }
}
