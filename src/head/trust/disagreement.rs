//! Tests whether validation metrics contradict those of cross-validation.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::phrases::counted;

/// A difference with a lower p-value is a disagreement: one false alarm in a thousand tests.
const LEVEL: f64 = 0.001;
/// With fewer losses than this on a side, the normal distribution does not describe their mean.
const FEWEST_LOSSES: usize = 30;

/// A metric of the training images that the validation images contradict.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Disagreement {
    /// The metric that differs.
    pub figure: DisagreementFigure,
    /// Its value on held-out training images.
    pub left_out: f64,
    /// Number of held-out training images.
    pub n_left_out: usize,
    /// Its value on the validation images.
    pub validation: f64,
    /// Number of validation images.
    pub n_validation: usize,
    /// Probability that images of the same kind differ by at least this much, two-sided, in [0, 1].
    pub p_value: f64,
}

/// The metric of a [`Disagreement`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DisagreementFigure {
    /// Share of images that are predicted correctly.
    Accuracy,
    /// Mean of -ln p of the right class, after calibration.
    LogLoss,
    /// Share of images that are rejected as unknown.
    Rejection,
}

impl Disagreement {
    /// Compares two shares, each a number of images out of all, with Fisher's exact test, two-sided; None
    /// unless they differ significantly (p < 0.001).
    #[must_use]
    pub fn of_shares(
        figure: DisagreementFigure,
        left_out: (usize, usize),
        validation: (usize, usize),
    ) -> Option<Self> {
        let share = |(count, n): (usize, usize)| count as f64 / n.max(1) as f64;
        let found = Self {
            figure,
            left_out: share(left_out),
            n_left_out: left_out.1,
            validation: share(validation),
            n_validation: validation.1,
            p_value: fisher(left_out, validation),
        };
        (found.p_value < LEVEL).then_some(found)
    }

    /// Compares the losses of individual images with Welch's test, two-sided, using the normal distribution;
    /// None unless they differ significantly (p < 0.001), and for fewer than 30 losses on either side.
    #[must_use]
    pub fn of_losses(left_out: &[f64], validation: &[f64]) -> Option<Self> {
        if left_out.len().min(validation.len()) < FEWEST_LOSSES {
            return None;
        }
        let [(a, of_a), (b, of_b)] = [left_out, validation].map(mean_and_variance);
        let error = (of_a / left_out.len() as f64 + of_b / validation.len() as f64).sqrt();
        let distance = (a - b).abs();
        let p_value = if distance > 0.0 {
            libm::erfc(distance / error / std::f64::consts::SQRT_2)
        } else {
            1.0
        };
        let found = Self {
            figure: DisagreementFigure::LogLoss,
            left_out: a,
            n_left_out: left_out.len(),
            validation: b,
            n_validation: validation.len(),
            p_value,
        };
        (p_value < LEVEL).then_some(found)
    }

    /// Returns whether the validation images are the harder ones.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        let more = self.validation > self.left_out;
        more != (self.figure == DisagreementFigure::Accuracy)
    }
}

impl Display for Disagreement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let training = |what: &str| counted(self.n_left_out, what);
        let images = counted(self.n_validation, "validation image");
        let [left_out, validation] = [self.left_out, self.validation];
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let (share, of_validation) = (percent(left_out), percent(validation));
        match self.figure {
            DisagreementFigure::Accuracy => write!(
                f,
                "cross-validation and the validation set disagree: accuracy is {share} on {}, but \
                 {of_validation} on {images}",
                training("held-out training image")
            ),
            DisagreementFigure::LogLoss => write!(
                f,
                "cross-validation and the validation set disagree: the calibrated log loss is \
                 {left_out:.4} on {}, but {validation:.4} on {images}",
                training("held-out training image")
            ),
            DisagreementFigure::Rejection => write!(
                f,
                "rejection rates on the training and validation sets disagree: {share} of {} would be \
                 rejected (leave-one-out), but {of_validation} of {images} are",
                training("training image")
            ),
        }?;
        let p = self.p_value;
        if p < 1e-6 {
            f.write_str(" (p < 0.000001). ")?;
        } else {
            write!(f, " (p = {p:.6}). ")?;
        }
        f.write_str(if self.is_worse() {
            "The validation images differ from the training images (another camera or another time), or \
             near-duplicates among the training images make cross-validation optimistic; trust the \
             validation metrics"
        } else {
            "The validation images are easier than the training images, or near-duplicates of them; the \
             validation metrics may be optimistic"
        })
    }
}

/// Returns the p-value of Fisher's exact test: the probability of all tables with these margins that are at
/// most as likely as the observed one.
fn fisher((part, n): (usize, usize), (other_part, other_n): (usize, usize)) -> f64 {
    let both = part + other_part;
    let ways = |n: usize, k: usize| {
        let ln = |x: usize| libm::lgamma(x as f64 + 1.0);
        ln(n) - ln(k) - ln(n - k)
    };
    let ln_p = |x: usize| ways(n, x) + ways(other_n, both - x) - ways(n + other_n, both);
    // Tolerance, so that rounding does not exclude tables that are equally likely.
    let limit = ln_p(part) + 1e-7;
    let tables = both.saturating_sub(other_n)..=n.min(both);
    let likely = tables.map(ln_p).filter(|ln_p| *ln_p <= limit);
    likely.map(f64::exp).sum::<f64>().min(1.0)
}

/// Returns the mean and the variance (divided by N - 1).
fn mean_and_variance(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let squares = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    (mean, squares / (n - 1.0).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fishers_test_is_that_of_scipy() {
        // The lady tasting tea, 3 of 4 and 1 of 4: (16 + 1) / 70 on each side. Others:
        // scipy.stats.fisher_exact.
        assert!((fisher((3, 4), (1, 4)) - 34.0 / 70.0).abs() < 1e-12);
        assert!((fisher((8, 10), (1, 6)) - 0.034_965_034_965).abs() < 1e-9);
        assert!((fisher((969, 1000), (330, 400)) / 1.117_179_096_209_757e-18 - 1.0).abs() < 1e-6);
        assert!((fisher((5, 5), (7, 7)) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn chance_is_no_disagreement_and_another_camera_is_one() {
        let accuracy = |a, b| Disagreement::of_shares(DisagreementFigure::Accuracy, a, b);
        assert_eq!(accuracy((900, 1000), (345, 400)), None);
        let found = accuracy((969, 1000), (330, 400)).unwrap();
        assert!(found.is_worse() && found.p_value < 1e-9);
        let text = found.to_string();
        assert!(
            text.contains("96.9 % on 1000") && text.contains("82.5 % on 400"),
            "{text}"
        );
        assert!(text.contains("another camera"), "{text}");
        let easier = accuracy((800, 1000), (399, 400)).unwrap();
        assert!(!easier.is_worse() && easier.to_string().contains("easier"));
        let rejection =
            Disagreement::of_shares(DisagreementFigure::Rejection, (50, 1000), (92, 400));
        assert!(rejection.unwrap().is_worse());
    }

    #[test]
    fn losses_are_held_against_their_spread() {
        // Means 0.5 and 0.6, variance 1/4 each (times n / (n - 1)), 400 each: z = 0.1 / sqrt(1/800) = 2.83.
        let losses = |low: f64, n: usize| -> Vec<f64> {
            (0..n)
                .map(|i| if i % 2 == 0 { low } else { low + 1.0 })
                .collect()
        };
        assert_eq!(
            Disagreement::of_losses(&losses(0.0, 400), &losses(0.1, 400)),
            None
        );
        let found = Disagreement::of_losses(&losses(0.0, 800), &losses(0.1, 800)).unwrap();
        // z² = 0.01 · 799 · 2 = 15.98: erfc(z / √2) = 6.4e-5.
        assert!((found.p_value - 6.4e-5).abs() < 1e-6, "{}", found.p_value);
        assert!(found.is_worse() && Disagreement::of_losses(&[0.0; 29], &[9.0; 29]).is_none());
        assert!(Disagreement::of_losses(&[0.0; 30], &[9.0; 30]).is_some());
    }
}
