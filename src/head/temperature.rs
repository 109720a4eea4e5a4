//! Temperature scaling: one number that makes probabilities as sure as they are right.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::softmax::{log_softmax_row, softmax};
use crate::error::{Error, Result};

/// Beyond these a fit does not go: images that are all told apart would have any T down to 0, and logits that say
/// nothing any T at all.
pub const TEMPERATURES: std::ops::RangeInclusive<f64> = 0.05..=20.0;

/// Halvings of the range of ln T, of width 6: what is left is below 1e-13.
const HALVINGS: usize = 46;
/// Temperatures that are tried first where the loss may have several minima.
const TRIED: usize = 25;

/// T, finite and above 0: probabilities are softmax(logits / T). Above 1 they become less sure, below 1 more.
///
/// The order of an image's classes stays as it is; that of means over several views may not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Temperature(f64);

/// A fitted temperature, and what it does to the images that it was fitted on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TemperatureFit {
    /// T, within [`TEMPERATURES`].
    pub temperature: Temperature,
    /// Whether a T beyond [`TEMPERATURES`] would have been better still.
    pub at_bound: bool,
    /// The mean of -ln p of the right class at T = 1.
    pub log_loss_before: f64,
    /// The same at T.
    pub log_loss_after: f64,
}

/// The mean loss at one temperature, and which way is down.
struct Loss {
    /// The mean of -ln p of the right class.
    value: f64,
    /// Its derivative by 1 / T.
    slope: f64,
}

impl Temperature {
    /// A temperature that is finite and above 0.
    ///
    /// # Errors
    /// [`Error::Input`] for any other number.
    pub fn new(value: f64) -> Result<Self> {
        if value.is_finite() && value > 0.0 {
            return Ok(Self(value));
        }
        Err(Error::Input {
            problem: format!("the temperature is {value}, but must be finite and above 0"),
            hint: "fit it again with `frostline fit-head --calibrate`".to_owned(),
        })
    }

    /// T.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }

    /// The probabilities of each image, (N · V, C) → (N, C): the mean over its V views of softmax(logits / T).
    ///
    /// # Panics
    /// When the rows are not a multiple of `views`.
    #[must_use]
    pub fn probabilities(self, logits: Array2<f64>, views: usize) -> Array2<f64> {
        let views = views.max(1);
        let (rows, classes) = logits.dim();
        assert_eq!(rows % views, 0, "every image has all its views");
        let of_views = softmax(logits / self.0);
        if views == 1 {
            return of_views;
        }
        let mut means = Array2::zeros((rows / views, classes));
        for (mut mean, views) in means
            .rows_mut()
            .into_iter()
            .zip(of_views.axis_chunks_iter(Axis(0), views))
        {
            mean.assign(&views.mean_axis(Axis(0)).expect("an image has a view"));
        }
        means
    }

    /// The T that makes the mean of -ln p of the right class smallest (Guo et al. 2017, *On Calibration of Modern Neural
    /// Networks*), for logits (N · V, C) of images that the head was not trained on, and their classes, (N).
    ///
    /// For one view the loss is convex in 1 / T, and its derivative is halved down to 0. The mean of several views'
    /// probabilities may have more than one minimum: then the halving begins at the best of some temperatures.
    ///
    /// # Errors
    /// [`Error::Input`] when there is no image, when logits and targets do not fit, or when a logit is not finite.
    pub fn fit(
        logits: ArrayView2<'_, f64>,
        views: usize,
        targets: &[usize],
    ) -> Result<TemperatureFit> {
        let views = views.max(1);
        check(logits, views, targets)?;
        let loss = |ln_t: f64| mean_loss(logits, views, targets, (-ln_t).exp());
        let (low, high) = (TEMPERATURES.start().ln(), TEMPERATURES.end().ln());
        let (from, to) = if views == 1 {
            (low, high)
        } else {
            around_the_best(&loss, low, high)
        };
        let (ln_t, at_bound) = lowest(&loss, from, to, (low, high));
        Ok(TemperatureFit {
            temperature: Self(ln_t.exp()),
            at_bound,
            log_loss_before: loss(0.0).value,
            log_loss_after: loss(ln_t).value,
        })
    }
}

impl Default for Temperature {
    /// T = 1, which changes nothing.
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

fn check(logits: ArrayView2<'_, f64>, views: usize, targets: &[usize]) -> Result<()> {
    let (rows, classes) = logits.dim();
    let problem = if targets.is_empty() {
        "there is no image to calibrate on".to_owned()
    } else if rows != targets.len() * views {
        format!(
            "there are {rows} rows of logits, but {} targets",
            targets.len()
        )
    } else if let Some(target) = targets.iter().find(|&&target| target >= classes) {
        format!("there is a target {target}, but only {classes} classes, counted from 0")
    } else if !logits.iter().all(|logit| logit.is_finite()) {
        "some of the logits to calibrate on are not finite".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Input {
        problem,
        hint: "give the finite logits of every image, and its class".to_owned(),
    })
}

/// Where between `from` and `to` the slope changes its sign, and whether that is an end of the whole range.
fn lowest(
    loss: &impl Fn(f64) -> Loss,
    mut from: f64,
    mut to: f64,
    (low, high): (f64, f64),
) -> (f64, bool) {
    // A positive slope by 1 / T: the loss falls as T grows.
    let falls = |ln_t: f64| loss(ln_t).slope > 0.0;
    if from <= low && !falls(low) {
        return (low, true);
    }
    if to >= high && falls(high) {
        return (high, true);
    }
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(from, to);
        if falls(middle) {
            from = middle;
        } else {
            to = middle;
        }
    }
    (f64::midpoint(from, to), false)
}

/// The neighbours of the best of [`TRIED`] temperatures.
fn around_the_best(loss: &impl Fn(f64) -> Loss, low: f64, high: f64) -> (f64, f64) {
    let step = (high - low) / (TRIED - 1) as f64;
    let at = |i: usize| low + step * i as f64;
    let losses: Vec<f64> = (0..TRIED).map(|i| loss(at(i)).value).collect();
    let best = (0..TRIED)
        .min_by(|&a, &b| losses[a].total_cmp(&losses[b]))
        .unwrap_or(0);
    (at(best.saturating_sub(1)), at((best + 1).min(TRIED - 1)))
}

/// The loss at `beta` = 1 / T.
///
/// Of an image with logits `z[v]` of view v, class y and `p[v] = softmax(beta · z[v])` it is `-ln(Σ_v p[v, y] / V)`, with
/// the derivative `-Σ_v w[v] (z[v, y] - Σ_c p[v, c] z[v, c])`, `w[v]` the share of `p[v, y]` in their sum.
fn mean_loss(logits: ArrayView2<'_, f64>, views: usize, targets: &[usize], beta: f64) -> Loss {
    let (mut value, mut slope) = (0.0, 0.0);
    let (mut log_p, mut rises) = (Array1::zeros(views), vec![0.0; views]);
    let images = logits.axis_chunks_iter(Axis(0), views);
    for (rows, &target) in images.zip(targets) {
        for (view, row) in rows.rows().into_iter().enumerate() {
            (log_p[view], rises[view]) = log_p_and_rise(row, target, beta);
        }
        let first = log_p[0];
        log_softmax_row(log_p.view_mut());
        // What the logarithm of the sum took from each.
        value += (views as f64).ln() - (first - log_p[0]);
        slope -= log_p
            .iter()
            .zip(&rises)
            .map(|(w, rise)| w.exp() * rise)
            .sum::<f64>();
    }
    let n = targets.len() as f64;
    Loss {
        value: value / n,
        slope: slope / n,
    }
}

/// ln p of the target's class, and its derivative by beta.
fn log_p_and_rise(logits: ArrayView1<'_, f64>, target: usize, beta: f64) -> (f64, f64) {
    let mut log_p = logits.map(|z| z * beta);
    log_softmax_row(log_p.view_mut());
    // Held against the target's logit, so that large logits do not swallow small differences.
    let expected: f64 = log_p
        .iter()
        .zip(logits)
        .map(|(log_p, z)| log_p.exp() * (logits[target] - z))
        .sum();
    (log_p[target], expected)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn fit(logits: &Array2<f64>, views: usize, targets: &[usize]) -> TemperatureFit {
        Temperature::fit(logits.view(), views, targets).unwrap()
    }

    #[test]
    fn three_of_four_right_have_a_probability_of_three_quarters() {
        // Logits (8, 0), of which every fourth image is wrong: 8 / T = ln 3.
        let logits = Array2::from_shape_fn((8, 2), |(_, c)| if c == 0 { 8.0 } else { 0.0 });
        let found = fit(&logits, 1, &[0, 0, 0, 1, 0, 0, 1, 0]);
        assert!((found.temperature.value() - 8.0 / 3f64.ln()).abs() < 1e-9);
        let entropy = -(0.75 * 0.75f64.ln() + 0.25 * 0.25f64.ln());
        assert!((found.log_loss_after - entropy).abs() < 1e-12 && !found.at_bound);
        assert!((found.log_loss_before - 2.0).abs() < 1e-3);
        let p = found.temperature.probabilities(logits, 1);
        assert!((p[[0, 0]] - 0.75).abs() < 1e-10);
    }

    #[test]
    fn images_that_are_all_told_apart_or_not_at_all_end_at_a_bound() {
        let logits = array![[3.0, 0.0], [0.0, 2.0]];
        let found = fit(&logits, 1, &[0, 1]);
        assert!((found.temperature.value() - 0.05).abs() < 1e-12 && found.at_bound);
        let found = fit(&logits, 1, &[1, 0]);
        assert!((found.temperature.value() - 20.0).abs() < 1e-9 && found.at_bound);
    }

    #[test]
    fn equal_views_are_as_one_and_a_view_without_an_opinion_counts_by_half() {
        let one = array![[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [4.0, 0.0]];
        let two = Array2::from_shape_fn((8, 2), |(_, c)| 4.0 - 4.0 * c as f64);
        let (one, two) = (fit(&one, 1, &[0, 0, 1, 0]), fit(&two, 2, &[0, 0, 1, 0]));
        assert!((one.temperature.value() - two.temperature.value()).abs() < 1e-9);
        assert!((one.log_loss_after - two.log_loss_after).abs() < 1e-12);
        // (p + 1/2) / 2 = 2/3 for p = 5/6: 4 / T = ln 5.
        let half = Array2::from_shape_fn((6, 2), |place| match place {
            (0 | 2 | 4, 0) => 2.0,
            (0 | 2 | 4, _) => -2.0,
            _ => 0.0,
        });
        let found = fit(&half, 2, &[0, 1, 0]);
        assert!((found.temperature.value() - 4.0 / 5f64.ln()).abs() < 1e-9);
        assert!((found.temperature.probabilities(half, 2)[[0, 0]] - 2.0 / 3.0).abs() < 1e-10);
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
        assert!(fit(&logits, 1, &[2, 2]).log_loss_after.is_finite());
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
