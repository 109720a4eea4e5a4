//! The 95 % intervals of metrics.

use serde::Serialize;

/// The share of the resamples below an interval, and of those above it.
const TAIL: f64 = 0.025;

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
    /// 1.96 standard errors on either side, for means and areas under the ROC curve of more samples than
    /// [`Evaluator`](crate::head::Evaluator) keeps.
    Normal,
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

    /// Returns the interval of a number with a normal distribution of this variance that is known up to an
    /// `error`, within 0 and `most`; None without a variance and an error.
    pub(super) fn normal(value: f64, (variance, error): (f64, f64), most: f64) -> Option<Self> {
        let reach = Z * variance.sqrt() + error;
        (reach > POINT).then(|| Self {
            low: (value - reach).max(0.0),
            high: (value + reach).min(most),
            method: IntervalMethod::Normal,
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

/// Returns the quantile `share` of sorted values, interpolated as in `numpy.quantile`; None without values.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let [below, above] = [place.floor(), place.ceil()].map(|place| sorted[place as usize]);
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

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
