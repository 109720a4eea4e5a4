//! Compares two heads on the same samples: which one is better, and by how much.

use ndarray::ArrayView2;
use serde::Serialize;

use super::bootstrap::Bootstrap;
use super::interval::Interval;
use super::scored_samples::ScoredSamples;
use crate::error::Result;
use crate::head::parallel::start_processors;

/// Comparison of two heads on the same samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// Number of samples N, at least 1.
    pub n_samples: usize,
    /// Samples that both heads predict correctly.
    pub both_right: usize,
    /// Samples that only the first head predicts correctly.
    pub only_first_right: usize,
    /// Samples that only the second head predicts correctly.
    pub only_second_right: usize,
    /// Samples that neither head predicts correctly.
    pub neither_right: usize,
    /// The [`McNemar`] test of whether both heads are right equally often.
    pub mcnemar: McNemar,
    /// Difference of the accuracies; above 0 if the first head is better.
    pub accuracy: Difference,
    /// Difference of the log losses; below 0 if the first head is better.
    pub log_loss: Difference,
    /// How the samples were resampled.
    pub bootstrap: Bootstrap,
}

/// A metric of two heads, and the difference between them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// The metric of the first head.
    pub first: f64,
    /// The metric of the second head.
    pub second: f64,
    /// `first` minus `second`.
    pub difference: f64,
    /// 95 % interval of the difference, with the same resamples for both heads. None without resamples, and
    /// for a log loss whose difference is the same in all of them.
    pub interval: Option<Interval>,
}

impl Comparison {
    /// Compares the probabilities of two heads for the same samples, both (N, C), given their `targets` (N).
    ///
    /// # Errors
    /// [`DataProblem`](crate::error::DataProblem) as in [`Evaluation::new`](crate::head::Evaluation::new),
    /// for either head; those of [`Bootstrap::check`].
    pub fn new(
        targets: &[usize],
        first: ArrayView2<'_, f64>,
        second: ArrayView2<'_, f64>,
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        bootstrap.check()?;
        start_processors()?;
        let (c, n) = (first.ncols(), targets.len());
        let heads = [
            ScoredSamples::new(c, targets, first)?,
            ScoredSamples::new(c, targets, second)?,
        ];
        let [
            [neither_right, only_second_right],
            [only_first_right, both_right],
        ] = rights(&heads);
        let resampled = bootstrap.resample(n, |weights| both(&heads, weights));
        let whole = both(&heads, &vec![1; n]);
        let difference =
            |figure: usize| Difference::of(whole[figure], resampled.iter().map(|r| r[figure]));
        let mut accuracy = difference(0);
        if bootstrap.resamples > 0 && accuracy.interval.is_none() {
            let score = Interval::of_equal_differences(accuracy.difference, n);
            accuracy.interval = Some(score);
        }
        Ok(Self {
            n_samples: n,
            both_right,
            only_first_right,
            only_second_right,
            neither_right,
            mcnemar: McNemar::new(only_first_right, only_second_right),
            accuracy,
            log_loss: difference(1),
            bootstrap,
        })
    }
}

/// Counts the samples by whether the first head is right, then by whether the second is.
fn rights([first, second]: &[ScoredSamples; 2]) -> [[usize; 2]; 2] {
    let mut counts = [[0; 2]; 2];
    for (first, second) in first.samples.iter().zip(&second.samples) {
        counts[usize::from(first.right)][usize::from(second.right)] += 1;
    }
    counts
}

/// Returns the accuracy and the log loss, each for both heads.
fn both(heads: &[ScoredSamples; 2], weights: &[u32]) -> [[f64; 2]; 2] {
    [ScoredSamples::accuracy, ScoredSamples::log_loss]
        .map(|figure| heads.each_ref().map(|head| figure(head, weights)))
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

/// With this many disagreements or more, the chi-squared approximation is close enough.
const MANY: usize = 25;

/// The distribution used by the test.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum McNemarTest {
    /// Binomial, if the heads disagree on fewer than 25 samples.
    Exact,
    /// Chi-squared with one degree of freedom and continuity correction (Edwards 1948), otherwise.
    ChiSquared,
}

/// Result of the `McNemar` test (1947; `statsmodels.stats.contingency_tables.mcnemar`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct McNemar {
    /// The distribution that was used.
    pub test: McNemarTest,
    /// Exact: the number of samples that only the less accurate head predicts correctly. Chi-squared:
    /// `(|b - c| - 1)² / (b + c)`, where b and c are the numbers of samples that only one of the heads
    /// predicts correctly.
    pub statistic: f64,
    /// Probability that two equally good heads differ by at least this much, two-sided, in [0, 1].
    pub p_value: f64,
}

impl McNemar {
    /// The level of [`is_significant`](Self::is_significant).
    const LEVEL: f64 = 0.05;

    /// Returns whether the heads differ significantly: whether the p-value is below 0.05.
    #[must_use]
    pub fn is_significant(&self) -> bool {
        self.p_value < Self::LEVEL
    }

    /// Runs the test, given how many samples only the first and only the second head predicts correctly.
    fn new(only_first: usize, only_second: usize) -> Self {
        let discordant = only_first + only_second;
        if discordant < MANY {
            let fewer = only_first.min(only_second);
            return Self {
                test: McNemarTest::Exact,
                statistic: fewer as f64,
                p_value: (2.0 * at_most(fewer, discordant)).min(1.0),
            };
        }
        let distance = only_first.abs_diff(only_second) as f64 - 1.0;
        let statistic = distance * distance / discordant as f64;
        Self {
            test: McNemarTest::ChiSquared,
            statistic,
            p_value: libm::erfc((statistic / 2.0).sqrt()),
        }
    }
}

/// Returns the probability of at most k heads in n < 25 tosses of a fair coin.
fn at_most(k: usize, n: usize) -> f64 {
    let mut ways = 1.0;
    let mut sum = 1.0;
    for i in 0..k {
        // The next binomial coefficient; all of them are integers that f64 represents exactly.
        ways = ways * (n - i) as f64 / (i + 1) as f64;
        sum += ways;
    }
    sum / 2f64.powi(n as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_disagreements_are_counted_as_coins() {
        // At most 1 of 5: (1 + 5) / 32, times two.
        let mcnemar = McNemar::new(4, 1);
        assert_eq!(mcnemar.test, McNemarTest::Exact);
        assert!((mcnemar.statistic - 1.0).abs() < 1e-15);
        assert!((mcnemar.p_value - 0.375).abs() < 1e-15);
        assert!((McNemar::new(0, 0).p_value - 1.0).abs() < 1e-15);
        assert!((McNemar::new(3, 3).p_value - 1.0).abs() < 1e-15);
        assert!((McNemar::new(0, 24).p_value - 2f64.powi(-23)).abs() < 1e-20);
    }

    #[test]
    fn many_disagreements_go_by_chi_squared() {
        // Agresti's table with 86 and 150: (64 - 1)² / 236.
        let mcnemar = McNemar::new(150, 86);
        assert_eq!(mcnemar.test, McNemarTest::ChiSquared);
        assert!((mcnemar.statistic - 3969.0 / 236.0).abs() < 1e-12);
        // The tabulated value for 5 % is 3.841.
        assert!((libm::erfc((3.841_458_820_694_124_f64 / 2.0).sqrt()) - 0.05).abs() < 1e-12);
        assert_eq!(McNemar::new(12, 13).test, McNemarTest::ChiSquared);
    }
}
