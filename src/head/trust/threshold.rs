//! How unlike an image must be: so that few images of the known classes are.

use crate::error::{Error, Result};

/// The score below which an image is rejected.
///
/// `scores` are those of known images, each scored without itself. The threshold is the j-th smallest of n, j the whole
/// part of rate · (n + 1): a further image of the same kind is below it with probability j / (n + 1) at most, the
/// guarantee of split conformal prediction (Vovk et al. 2005).
///
/// # Errors
/// [`Error::Input`] when n is too small for j to be 1.
pub(crate) fn threshold(scores: &[f32], rate: f64) -> Result<f32> {
    let mut sorted = scores.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let n = sorted.len();
    // 0.1 · 10 may come out a bit below 1.
    let j = (rate * (n + 1) as f64 + 1e-9).floor() as usize;
    let threshold = j.checked_sub(1).and_then(|place| sorted.get(place));
    threshold.copied().ok_or_else(|| Error::Input {
        problem: format!(
            "{n} training images that differ are too few to reject a share of {rate} of such images"
        ),
        hint: format!(
            "it takes {} of them, or a higher --reject",
            ((1.0 / rate) - 1.0 - 1e-9).ceil()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_the_conformal_quantile() {
        let scores: Vec<f32> = (1..=19).rev().map(|i| i as f32 / 20.0).collect();
        let at = |rate| threshold(&scores, rate).unwrap();
        // 0.05 · 20 = 1, 0.1 · 20 = 2, 0.149 · 20 = 2.98, 0.95 · 20 = 19.
        assert!((at(0.05) - 0.05).abs() < 1e-7 && (at(0.1) - 0.1).abs() < 1e-7);
        assert!((at(0.149) - 0.1).abs() < 1e-7 && (at(0.95) - 0.95).abs() < 1e-7);
    }

    #[test]
    fn too_few_are_told_how_many_it_takes() {
        let error = threshold(&[0.5; 18], 0.05).unwrap_err();
        let Error::Input { problem, hint } = error else {
            panic!()
        };
        assert!(
            problem.starts_with("18 ") && hint.starts_with("it takes 19 "),
            "{problem} {hint}"
        );
        assert!(threshold(&[], 0.5).is_err());
    }
}
