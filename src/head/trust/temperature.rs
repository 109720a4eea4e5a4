//! Temperature scaling of probabilities.

use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::error::{DataProblem, Error, HeadError, Result};
use crate::head::data::require_classes;
use crate::head::linear::{log_softmax_row, softmax};

/// The range of fitted temperatures: logits without information would fit any T.
pub(crate) const TEMPERATURES: std::ops::RangeInclusive<f64> = 0.05..=20.0;

/// The range of temperatures accepted in a head.
const USABLE: std::ops::RangeInclusive<f64> = 1e-6..=1e6;

/// Bisection steps: they narrow the range of ln T from a width of 6 to less than 1e-13.
const HALVINGS: usize = 46;
/// Temperatures to try first where the loss may have several minima.
const TRIED: usize = 25;
/// Of the temperatures whose summed loss is at most this much above the lowest, the one nearest to 1 is
/// chosen; by the likelihood, the ends of that range are one standard error away.
const AS_GOOD: f64 = 0.5;

/// A temperature T, from 1e-6 to 1e6: probabilities are softmax(logits / T). A T above 1 makes them less
/// confident, below 1 more confident.
///
/// T does not change the order of an image's classes, but it may change the order of means over several
/// views.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Temperature(f64);

/// The mean loss at one temperature, and its slope.
struct Loss {
    /// Mean of -ln p of the right class.
    value: f64,
    /// Its derivative with respect to 1 / T.
    slope: f64,
}

impl Temperature {
    /// Creates a temperature from 1e-6 to 1e6: outside this range, 32-bit logits may overflow or all become
    /// equal.
    ///
    /// # Errors
    /// [`HeadError::Temperature`] for any other value.
    pub fn new(value: f64) -> Result<Self> {
        if USABLE.contains(&value) {
            return Ok(Self(value));
        }
        Err(HeadError::Temperature(value).into())
    }

    /// Returns T.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }

    /// Returns the probabilities of each image, (N · V, C) → (N, C): the mean over its V views of
    /// `softmax(logits / T)`.
    ///
    /// # Panics
    /// When the number of rows is not a multiple of `views`.
    #[must_use]
    pub fn probabilities(self, logits: Array2<f64>, views: usize) -> Array2<f64> {
        let views = views.max(1);
        let (rows, classes) = logits.dim();
        assert_eq!(rows % views, 0, "rows must be a multiple of `views`");
        let of_views = softmax(logits / self.0);
        if views == 1 {
            return of_views;
        }
        let images = of_views.to_shape((rows / views, views, classes));
        let images = images.expect("it has rows · classes values");
        images.mean_axis(Axis(1)).expect("an image has a view")
    }

    /// Fits T to the logits (N · V, C) of images that the head was not trained on, and their classes, (N).
    ///
    /// T minimises the mean of -ln p (Guo et al. 2017, *On Calibration of Modern Neural Networks*). Two
    /// precautions help when there are few images, or when all are right, for which the best T would approach
    /// 0. First, the right class counts `N / (N + 1)` and the others share the rest evenly (Platt 1999,
    /// *Probabilistic Outputs for Support Vector Machines*), as if one more image had been wrong. Second, of
    /// all T whose loss, summed over the images, is within 1/2 of the lowest, the one nearest to 1 is chosen,
    /// often 1 itself. Both effects vanish as N grows.
    ///
    /// For one view the loss is convex in 1 / T, and bisection finds the zero of its derivative. With several
    /// views, whose probabilities are averaged, it may have more than one minimum: bisection then starts
    /// around the best of several temperatures.
    ///
    /// # Errors
    /// [`DataProblem`] without images, when logits and targets do not match, or when a logit is not finite.
    pub fn fit(logits: ArrayView2<'_, f64>, views: usize, targets: &[usize]) -> Result<Self> {
        let views = views.max(1);
        check(logits, views, targets)?;
        let images = Images {
            logits: logits.reborrow(),
            views,
            targets,
            doubt: 1.0 / (targets.len() + 1) as f64,
        };
        let loss = |ln_t: f64| images.mean_loss((-ln_t).exp());
        let (low, high) = (TEMPERATURES.start().ln(), TEMPERATURES.end().ln());
        let (from, to) = if views == 1 {
            (low, high)
        } else {
            around_the_best(&loss, low, high)
        };
        let best = halve(from, to, |ln_t| loss(ln_t).slope > 0.0);
        let good = loss(best).value + AS_GOOD / targets.len() as f64;
        let is_good = |ln_t: f64| loss(ln_t).value <= good;
        Ok(Self(if is_good(0.0) {
            1.0
        } else if best < 0.0 {
            halve(best, 0.0, is_good).exp()
        } else {
            halve(0.0, best, |ln_t| !is_good(ln_t)).exp()
        }))
    }
}

impl Default for Temperature {
    /// Returns T = 1, which changes nothing.
    fn default() -> Self {
        Self(1.0)
    }
}

impl TryFrom<f64> for Temperature {
    type Error = Error;

    fn try_from(value: f64) -> Result<Self> {
        Self::new(value)
    }
}

impl From<Temperature> for f64 {
    fn from(temperature: Temperature) -> Self {
        temperature.0
    }
}

fn check(logits: ArrayView2<'_, f64>, views: usize, targets: &[usize]) -> Result<(), DataProblem> {
    let (rows, classes) = logits.dim();
    if targets.is_empty() {
        return Err(DataProblem::NothingToCalibrateOn);
    }
    if rows != targets.len() * views {
        return Err(DataProblem::Rows {
            rows,
            what: "logits",
            targets: targets.len(),
        });
    }
    require_classes(targets, classes)?;
    if logits.iter().all(|logit| logit.is_finite()) {
        return Ok(());
    }
    Err(DataProblem::Logits)
}

/// Bisects for the point between `from` and `to` where a condition stops holding; returns an end if it holds
/// nowhere or everywhere.
fn halve(mut from: f64, mut to: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(from, to);
        if holds(middle) {
            from = middle;
        } else {
            to = middle;
        }
    }
    f64::midpoint(from, to)
}

/// Returns ln T of the neighbours of the best of [`TRIED`] temperatures.
fn around_the_best(loss: &impl Fn(f64) -> Loss, low: f64, high: f64) -> (f64, f64) {
    let step = (high - low) / (TRIED - 1) as f64;
    let at = |i: usize| low + step * i as f64;
    let losses: Vec<f64> = (0..TRIED).map(|i| loss(at(i)).value).collect();
    let best = (0..TRIED)
        .min_by(|&a, &b| losses[a].total_cmp(&losses[b]))
        .unwrap_or(0);
    (at(best.saturating_sub(1)), at((best + 1).min(TRIED - 1)))
}

/// The images that a temperature is fitted on.
struct Images<'a> {
    /// The logits, (N · V, C).
    logits: ArrayView2<'a, f64>,
    views: usize,
    targets: &'a [usize],
    /// The share of each target that all other classes have together, in [0, 1).
    doubt: f64,
}

impl Images<'_> {
    /// Returns the loss at `beta` = 1 / T.
    ///
    /// For an image with logits `z[v]` of view v and targets `t`, and with `p[v] = softmax(beta · z[v])`, the
    /// loss is `-Σ_c t[c] ln(Σ_v p[v, c] / V)`. Its derivative is
    /// `-Σ_c t[c] Σ_v w[v, c] (z[v, c] - Σ_k p[v, k] z[v, k])`, where `w[v, c]` is the share of `p[v, c]` in
    /// its sum over v.
    fn mean_loss(&self, beta: f64) -> Loss {
        let (mut value, mut slope) = (0.0, 0.0);
        let images = self.logits.axis_chunks_iter(Axis(0), self.views);
        for (logits, &target) in images.zip(self.targets) {
            let loss = self.loss(logits, target, beta);
            value += loss.value;
            slope += loss.slope;
        }
        let n = self.targets.len() as f64;
        Loss {
            value: value / n,
            slope: slope / n,
        }
    }

    /// Returns the loss of one image, logits (V, C).
    fn loss(&self, logits: ArrayView2<'_, f64>, target: usize, beta: f64) -> Loss {
        let (views, classes) = logits.dim();
        // Relative to the target's logit, so that large logits do not swallow small differences.
        let mut distances = Vec::with_capacity(views * classes);
        for row in logits.rows() {
            distances.extend(row.iter().map(|z| z - row[target]));
        }
        let mut log_p: Vec<f64> = distances.iter().map(|distance| distance * beta).collect();
        log_p.chunks_exact_mut(classes).for_each(log_softmax_row);
        let mut means = vec![0.0; views];
        for v in 0..views {
            for i in v * classes..(v + 1) * classes {
                means[v] += log_p[i].exp() * distances[i];
            }
        }
        let others = self.doubt / (classes - 1).max(1) as f64;
        let all_views = (self.views as f64).ln();
        let mut loss = Loss {
            value: 0.0,
            slope: 0.0,
        };
        let mut of_views = vec![0.0; views];
        for class in 0..classes {
            let share = if class == target {
                1.0 - self.doubt
            } else {
                others
            };
            for v in 0..views {
                of_views[v] = log_p[v * classes + class];
            }
            let first = of_views[0];
            log_softmax_row(&mut of_views);
            // The log-softmax subtracted the logarithm of the sum over the views.
            loss.value -= share * (first - of_views[0] - all_views);
            let mut rise = 0.0;
            for v in 0..views {
                rise += of_views[v].exp() * (distances[v * classes + class] - means[v]);
            }
            loss.slope -= share * rise;
        }
        loss
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn fit(logits: &Array2<f64>, views: usize, targets: &[usize]) -> f64 {
        Temperature::fit(logits.view(), views, targets)
            .unwrap()
            .value()
    }

    /// Returns `n` images of two classes with logits (8, 0); every `nth` image is of the second class.
    fn images(n: usize, nth: usize) -> (Array2<f64>, Vec<usize>) {
        let logits = Array2::from_shape_fn((n, 2), |(_, c)| if c == 0 { 8.0 } else { 0.0 });
        let targets = (1..=n).map(|image| usize::from(image % nth == 0));
        (logits, targets.collect())
    }

    #[test]
    fn three_of_four_right_have_a_probability_of_three_quarters_at_most_a_standard_error_off() {
        // Without precautions 8 / T = ln 3. With targets smoothed by ε = 1 / (n + 1), the share of right
        // images is s = 3/4 (1 - ε) + 1/4 ε. The chosen T is nearer to 1: there the summed loss is 1/2 above
        // the lowest.
        for n in [40usize, 400] {
            let (logits, targets) = images(n, 4);
            let p = 1.0 / (1.0 + (-8.0 / fit(&logits, 1, &targets)).exp());
            let doubt = 1.0 / (n + 1) as f64;
            let share = 0.75 * (1.0 - doubt) + 0.25 * doubt;
            let loss = |p: f64| -(n as f64) * (share * p.ln() + (1.0 - share) * (1.0 - p).ln());
            assert!((loss(p) - loss(share) - 0.5).abs() < 1e-6, "{n}: {p}");
            // The standard error of a share.
            let error = (0.75 * 0.25 / n as f64).sqrt();
            assert!(
                p > share && (p - share - error).abs() < 0.3 * error,
                "{n}: {p}"
            );
        }
    }

    #[test]
    fn images_that_are_all_right_claim_no_more_than_one_mistake_in_as_many_would_allow() {
        // All images are right, with odds of e: the best-fitting share of mistakes is 1 / (n + 1).
        for n in [20usize, 200] {
            let logits = Array2::from_shape_fn((n, 2), |(_, c)| if c == 0 { 1.0 } else { 0.0 });
            let t = fit(&logits, 1, &vec![0; n]);
            let wrong = 1.0 / (1.0 + (1.0 / t).exp());
            assert!(t < 1.0 && wrong > 1.0 / (n + 1) as f64, "{n}: {t}");
            assert!(wrong < 4.0 / n as f64, "{n}: {wrong}");
        }
        // A head that is already that confident keeps T = 1; so does any head with a single image.
        let sure = 200f64.ln();
        let logits = Array2::from_shape_fn((200, 2), |(_, c)| if c == 0 { sure } else { 0.0 });
        assert!((fit(&logits, 1, &[0; 200]) - 1.0).abs() < 1e-12);
        assert!((fit(&array![[1.0, 0.0]], 1, &[0]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn images_of_which_none_is_right_stay_within_the_range() {
        let logits = Array2::from_shape_fn((50, 2), |(_, c)| c as f64 * 5.0);
        let t = fit(&logits, 1, &[0; 50]);
        assert!(t > 5.0 && t <= *TEMPERATURES.end(), "{t}");
    }

    #[test]
    fn a_head_that_is_as_right_as_it_is_sure_stays_as_it_is() {
        // Odds of 3 to 1, and three of four images are right.
        let sure = 3f64.ln();
        let logits = Array2::from_shape_fn((400, 2), |(_, c)| if c == 0 { sure } else { 0.0 });
        let targets: Vec<usize> = (0..400).map(|image| usize::from(image % 4 == 3)).collect();
        assert!((fit(&logits, 1, &targets) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn equal_views_are_as_one_and_a_view_without_an_opinion_counts_by_half() {
        let n = 600;
        let (one, targets) = images(n, 4);
        let two = Array2::from_shape_fn((2 * n, 2), |(_, c)| 8.0 - 8.0 * c as f64);
        assert!((fit(&one, 1, &targets) - fit(&two, 2, &targets)).abs() < 1e-9);
        // (p + 1/2) / 2 = 2/3 for p = 5/6: 4 / T = ln 5, up to the uncertainty of few images.
        let half = Array2::from_shape_fn((2 * n, 2), |(row, column)| match (row % 2, column) {
            (0, 0) => 2.0,
            (0, _) => -2.0,
            _ => 0.0,
        });
        let targets: Vec<usize> = (0..n).map(|image| usize::from(image % 3 == 0)).collect();
        let t = Temperature::fit(half.view(), 2, &targets).unwrap();
        let p = t.probabilities(half, 2)[[0, 0]];
        let error = (2.0 / 9.0 / n as f64).sqrt();
        assert!((p - 2.0 / 3.0).abs() < 1.3 * error, "{p}");
    }

    #[test]
    fn the_slope_is_that_of_the_value() {
        let logits = Array2::from_shape_fn((12, 3), |(row, column)| {
            ((row * 7 + column * 5) % 13) as f64 / 3.0
        });
        for views in [1, 3] {
            let targets: Vec<usize> = (0..12 / views).map(|image| image % 3).collect();
            let images = Images {
                logits: logits.view(),
                views,
                targets: &targets,
                doubt: 0.1,
            };
            for beta in [0.3, 1.0, 4.0] {
                let value = |beta| images.mean_loss(beta).value;
                let slope = (value(beta + 1e-6) - value(beta - 1e-6)) / 2e-6;
                assert!((images.mean_loss(beta).slope - slope).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn no_temperature_changes_an_order_or_makes_a_nan() {
        let logits = array![[1e6, -3.0, 2.0], [0.1, 0.2, 0.0]];
        for t in [0.05, 1.0, 20.0] {
            let p = Temperature::new(t)
                .unwrap()
                .probabilities(logits.clone(), 1);
            assert!(p.iter().all(|p| p.is_finite()));
            assert!(p[[0, 0]] > p[[0, 2]] || p[[0, 2]] == 0.0);
            assert!(p[[1, 1]] > p[[1, 0]] && p[[1, 0]] > p[[1, 2]]);
        }
        assert!(fit(&logits, 1, &[2, 2]).is_finite());
    }

    #[test]
    fn what_is_no_temperature_is_refused() {
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Temperature::new(value).is_err());
        }
        assert!(serde_json::from_str::<Temperature>("0").is_err());
        assert_eq!(
            serde_json::from_str::<Temperature>("1").unwrap(),
            Temperature::default()
        );
        let refused = |logits: Array2<f64>, targets: &[usize]| {
            Temperature::fit(logits.view(), 1, targets).is_err()
        };
        assert!(refused(Array2::zeros((0, 2)), &[]) && refused(array![[1.0, 0.0]], &[2]));
        assert!(refused(array![[f64::NAN, 0.0]], &[0]) && refused(array![[1.0, 0.0]], &[0, 0]));
    }
}
