//! Tests of whether two samples are of the same distribution, with the values of `scipy.stats`.

use std::f64::consts::SQRT_2;

/// The most cells of the table that gives an exact p-value.
const MOST_CELLS: usize = 1 << 25;

/// Returns the largest excess of the share of `first` above a value over the share of `second` above it, in
/// [0, 1], and its p-value: the one-sided Kolmogorov–Smirnov test, `ks_2samp(first, second, "less")`.
///
/// The p-value is exact where both samples are small, up to ties, which make it too large; otherwise it is
/// Hodges' approximation (1958).
pub(super) fn excess(first: &[f64], second: &[f64]) -> (f64, f64) {
    let sorted = |sample: &[f64]| {
        let mut sample = sample.to_vec();
        sample.sort_unstable_by(f64::total_cmp);
        sample
    };
    let (first, second) = (sorted(first), sorted(second));
    let (n, m) = (first.len(), second.len());
    // The largest of j / m - i / n, times n · m, where i and j values are up to the same value.
    let (mut i, mut largest) = (0, 0);
    for (j, value) in (1..).zip(&second) {
        while first.get(i).is_some_and(|x| x <= value) {
            i += 1;
        }
        if second.get(j) != Some(value) {
            largest = largest.max((j * n).saturating_sub(i * m));
        }
    }
    let excess = largest as f64 / (n * m) as f64;
    let p_value = if n.saturating_mul(m) <= MOST_CELLS {
        crossing(n, m, largest)
    } else {
        let (larger, smaller) = (n.max(m) as f64, n.min(m) as f64);
        let z = (larger * smaller / (larger + smaller)).sqrt() * excess;
        let correction = (larger + 2.0 * smaller) / (larger * smaller * (larger + smaller)).sqrt();
        (-2.0 * z * z - 2.0 * z * correction / 3.0).exp().min(1.0)
    };
    (excess, p_value)
}

/// Returns the probability that a random order of n and m values has a place where j · n - i · m is at least
/// `height`, i and j being how many of either are before it.
fn crossing(n: usize, m: usize, height: usize) -> f64 {
    let mut row = vec![0.0; m + 1];
    for i in 0..=n {
        for j in 0..=m {
            row[j] = if j * n >= height + i * m {
                1.0
            } else {
                let from_left = if j > 0 { row[j - 1] * j as f64 } else { 0.0 };
                (from_left + row[j] * i as f64) / (i + j).max(1) as f64
            };
        }
    }
    row[m]
}

/// Counts of pairs of a value of the first sample and one of the second, for the test of Mann and Whitney.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ranks {
    pairs: f64,
    /// Pairs whose first value is larger; ties count half.
    larger: f64,
    variance: f64,
}

impl Ranks {
    /// Adds two samples that are only compared with each other.
    pub(super) fn add(&mut self, first: &[f64], second: &[f64]) {
        let (n, m) = (first.len() as f64, second.len() as f64);
        if n * m == 0.0 {
            return;
        }
        let marked = |sample: &[f64], is_first| -> Vec<(f64, bool)> {
            sample.iter().map(|&value| (value, is_first)).collect()
        };
        let mut all = [marked(first, true), marked(second, false)].concat();
        all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let (mut below, mut ties) = (0.0, 0.0);
        for equal in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
            let firsts = equal.iter().filter(|(_, is_first)| *is_first).count() as f64;
            let (seconds, t) = (equal.len() as f64 - firsts, equal.len() as f64);
            self.larger += firsts * (below + seconds / 2.0);
            below += seconds;
            ties += t * t * t - t;
        }
        let total = n + m;
        self.pairs += n * m;
        self.variance += n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    }

    /// Returns the share of pairs whose first value is larger, and the probability of so many by chance, by
    /// the normal distribution: `mannwhitneyu(method="asymptotic", use_continuity=False)` for one pair of
    /// samples, and van Elteren's test with equal weights of pairs for several. None without variance.
    pub(super) fn test(&self) -> Option<(f64, f64)> {
        let z = (self.larger - self.pairs / 2.0) / self.variance.sqrt();
        let p_value = libm::erfc(z / SQRT_2) / 2.0;
        (self.variance > 0.0).then_some((self.larger / self.pairs, p_value))
    }
}

/// Returns the probability that a chi-squared variable with `degrees` of freedom is at least `x`:
/// `chi2.sf(x, degrees)`.
pub(super) fn chi_squared_tail(x: f64, degrees: usize) -> f64 {
    let half = x / 2.0;
    if half <= 0.0 {
        return 1.0;
    }
    // Q(a + 1, h) = Q(a, h) + h^a e^-h / Γ(a + 1), from Q(1/2, h) = erfc(√h) or Q(0, h) = 0.
    let odd = degrees % 2 == 1;
    let (start, first) = if odd {
        (libm::erfc(half.sqrt()), 0.5)
    } else {
        (0.0, 0.0)
    };
    let terms = (0..degrees / 2).map(|step| {
        let a = first + step as f64;
        (a * half.ln() - half - libm::lgamma(a + 1.0)).exp()
    });
    (start + terms.sum::<f64>()).min(1.0)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[track_caller]
    fn assert_near(ours: f64, known: f64) {
        assert!(
            (ours / known - 1.0).abs() < 1e-9,
            "{ours} instead of {known}"
        );
    }

    /// Compares with `SciPy`, by `scripts/reference.py`.
    #[test]
    fn the_values_are_those_of_scipy() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/drift.json");
        let golden: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        for case in golden["samples"].as_array().unwrap() {
            let number = |key: &str| case[key].as_f64().unwrap();
            let values = |n: &str, step: usize, start: usize, by: f64| -> Vec<f64> {
                let modulus = number("modulus") as usize;
                let values = 1..=number(n) as usize;
                values
                    .map(|i| ((step * i + start) % modulus) as f64 + by)
                    .collect()
            };
            let first = values("n", 37, 11, number("shift"));
            let second = values("m", 53, 5, 0.5);
            let (size, p) = excess(&first, &second);
            assert!((size - number("excess")).abs() < 1e-12, "{case}");
            assert_near(p, number("excess_p"));
            let mut ranks = Ranks::default();
            ranks.add(&first, &second);
            let (auc, p) = ranks.test().unwrap();
            assert_near(auc, number("auc"));
            assert_near(p, number("auc_p"));
        }
        for case in golden["chi_squared"].as_array().unwrap() {
            let degrees = case["degrees"].as_u64().unwrap() as usize;
            let tail = chi_squared_tail(case["x"].as_f64().unwrap(), degrees);
            assert_near(tail, case["tail"].as_f64().unwrap());
        }
    }

    #[test]
    fn an_excess_is_that_of_the_largest_values() {
        // Of 5 orders of one value among four, the first is above all others in one.
        let (size, p) = excess(&[9.0], &[1.0, 2.0, 3.0, 4.0]);
        assert_near(size, 1.0);
        assert_near(p, 0.2);
        // Two above two: one of 6 orders.
        assert_near(excess(&[3.0, 4.0], &[1.0, 2.0]).1, 1.0 / 6.0);
        assert_eq!(excess(&[1.0, 2.0], &[3.0, 4.0]), (0.0, 1.0));
        // Equal values are no excess.
        assert_eq!(excess(&[1.0, 1.0], &[1.0, 1.0, 1.0]), (0.0, 1.0));
    }

    #[test]
    fn ranks_are_compared_within_their_samples_only() {
        let mut ranks = Ranks::default();
        ranks.add(&[2.0, 4.0], &[1.0, 3.0, 4.0]);
        // 1 + 2.5 of 6 pairs.
        assert_near(ranks.test().unwrap().0, 3.5 / 6.0);
        ranks.add(&[101.0], &[100.0, 102.0]);
        ranks.add(&[], &[7.0]);
        assert_near(ranks.test().unwrap().0, 4.5 / 8.0);
        assert!(Ranks::default().test().is_none());
        let mut equal = Ranks::default();
        equal.add(&[1.0], &[1.0]);
        assert!(equal.test().is_none());
    }

    #[test]
    fn tails_are_the_tabulated_ones() {
        // Two degrees of freedom: e^(-x/2).
        assert_near(chi_squared_tail(3.0, 2), (-1.5f64).exp());
        // The tabulated values for 5 %.
        for (degrees, x) in [
            (1, 3.841),
            (2, 5.991),
            (3, 7.815),
            (9, 16.919),
            (10, 18.307),
        ] {
            let p = chi_squared_tail(x, degrees);
            assert!((p - 0.05).abs() < 2e-5, "{degrees}: {p}");
        }
        assert_near(chi_squared_tail(0.0, 4), 1.0);
        assert!(chi_squared_tail(1e6, 999) < 1e-300);
    }
}
