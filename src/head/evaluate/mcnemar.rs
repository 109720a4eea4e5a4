//! Mc Nemar's test: whether two heads that disagree are right equally often.

use serde::Serialize;

/// From this many disagreements on, the chi-squared distribution is close enough.
const MANY: usize = 25;

/// The distribution that the test goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum McNemarTest {
    /// The binomial one, where the heads disagree on fewer than 25 samples.
    Exact,
    /// Chi-squared with one degree of freedom and continuity correction (Edwards 1948), elsewhere.
    ChiSquared,
}

/// The outcome of the test (Mc Nemar 1947; `statsmodels.stats.contingency_tables.mcnemar`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct McNemar {
    /// The distribution.
    pub test: McNemarTest,
    /// Exact: the samples that only the less successful head has right. Chi-squared: (|b - c| - 1)² / (b + c), b and c
    /// being the samples that only one of the heads has right.
    pub statistic: f64,
    /// How often heads that are equally good differ so much or more by chance, two-sided, in [0, 1].
    pub p_value: f64,
}

impl McNemar {
    /// Tests with the numbers of samples that only the first and only the second head has right.
    pub(crate) fn new(only_first: usize, only_second: usize) -> Self {
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

/// How likely at most k of n < 25 fair coins show heads.
fn at_most(k: usize, n: usize) -> f64 {
    let mut ways = 1.0;
    let mut sum = 1.0;
    for i in 0..k {
        // The next binomial coefficient; all of them are integers that f64 holds exactly.
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
        // At most 1 of 5: (1 + 5) / 32, twice.
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
        // Agresti's table of 86 and 150: (64 - 1)² / 236.
        let mcnemar = McNemar::new(150, 86);
        assert_eq!(mcnemar.test, McNemarTest::ChiSquared);
        assert!((mcnemar.statistic - 3969.0 / 236.0).abs() < 1e-12);
        // The value that tables give for 5 %: 3.841.
        assert!((libm::erfc((3.841_458_820_694_124_f64 / 2.0).sqrt()) - 0.05).abs() < 1e-12);
        assert_eq!(McNemar::new(12, 13).test, McNemarTest::ChiSquared);
    }
}
