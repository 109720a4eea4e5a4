//! Fits a temperature, and evaluates it on images that it was not fitted on.

use ndarray::{Array2, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use super::temperature::Temperature;
use crate::classes::ClassIndex;
use crate::error::Result;
use crate::head::evaluate::Evaluation;

/// Calibration metrics of probabilities; lower is better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct CalibrationMetrics {
    /// Mean of -ln p of the right class.
    pub log_loss: f64,
    /// Expected calibration error, in [0, 1].
    pub ece: f64,
}

/// A temperature, with metrics of images that neither the heads nor the temperature were fitted on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CalibrationFit {
    /// The temperature; 1 if no other was better on images that it was not fitted on.
    pub temperature: Temperature,
    /// Metrics without a temperature.
    pub before: CalibrationMetrics,
    /// Metrics with a temperature fitted, for each fold, on the images of the other folds; equal to `before`
    /// if the temperature is 1.
    pub after: CalibrationMetrics,
    /// -ln p of the right class of each image, with the probabilities of `after`, (N).
    pub losses: Vec<f64>,
}

impl CalibrationFit {
    /// Fits a temperature on the logits (N · V, C) of images that the head was not trained on.
    ///
    /// `fold` (N) divides the images into parts: the effect on each part is measured with a temperature
    /// fitted on the others, so that a random improvement does not count.
    ///
    /// # Errors
    /// As [`Temperature::fit`].
    pub(crate) fn of(
        classes: &ClassIndex,
        logits: ArrayView2<'_, f64>,
        targets: &[usize],
        fold: &[usize],
    ) -> Result<Self> {
        let views = logits.nrows() / targets.len().max(1);
        let before = Temperature::default().probabilities(logits.to_owned(), views);
        let (before, losses) = CalibrationMetrics::of(classes, targets, &before)?;
        let nested = nested(logits, views, targets, fold)?;
        let (after, losses_after) = CalibrationMetrics::of(classes, targets, &nested)?;
        let temperature = Temperature::fit(logits, views, targets)?;
        let better = after.log_loss < before.log_loss && temperature != Temperature::default();
        Ok(if better {
            Self {
                temperature,
                before,
                after,
                losses: losses_after,
            }
        } else {
            Self {
                temperature: Temperature::default(),
                before,
                after: before,
                losses,
            }
        })
    }
}

impl CalibrationMetrics {
    /// Computes the metrics of the probabilities (N, C) of images, and the loss of each image, (N).
    ///
    /// # Errors
    /// As [`Evaluation::new`].
    pub(crate) fn of(
        classes: &ClassIndex,
        targets: &[usize],
        probabilities: &Array2<f64>,
    ) -> Result<(Self, Vec<f64>)> {
        let evaluation = Evaluation::new(classes, targets, probabilities.view())?;
        let rows = probabilities.rows().into_iter().zip(targets);
        // Clipped at ε, like the evaluation's log loss.
        let loss = |(row, &target): (ndarray::ArrayView1<f64>, &usize)| -> f64 {
            -row[target].max(f64::EPSILON).ln()
        };
        let metrics = Self {
            log_loss: evaluation.log_loss,
            ece: evaluation.ece,
        };
        Ok((metrics, rows.map(loss).collect()))
    }
}

/// Returns the probabilities of every image with the temperature fitted on the other folds, (N, C).
fn nested(
    logits: ArrayView2<'_, f64>,
    views: usize,
    targets: &[usize],
    fold: &[usize],
) -> Result<Array2<f64>> {
    let mut probabilities = Array2::zeros((targets.len(), logits.ncols()));
    let rows = |images: &[usize]| -> Vec<usize> {
        let rows = images
            .iter()
            .flat_map(|image| image * views..(image + 1) * views);
        rows.collect()
    };
    for left_out in 0..=fold.iter().copied().max().unwrap_or(0) {
        let (own, others): (Vec<usize>, Vec<usize>) =
            (0..targets.len()).partition(|&image| fold[image] == left_out);
        if own.is_empty() {
            continue;
        }
        let temperature = if others.is_empty() {
            Temperature::default()
        } else {
            let targets: Vec<usize> = others.iter().map(|&image| targets[image]).collect();
            Temperature::fit(
                logits.select(Axis(0), &rows(&others)).view(),
                views,
                &targets,
            )?
        };
        let p = temperature.probabilities(logits.select(Axis(0), &rows(&own)), views);
        for (image, p) in own.into_iter().zip(p.rows()) {
            probabilities.slice_mut(s![image, ..]).assign(&p);
        }
    }
    Ok(probabilities)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(logits: &Array2<f64>, targets: &[usize]) -> CalibrationFit {
        let classes = ClassIndex::from_names(["a", "b"]);
        let fold: Vec<usize> = (0..targets.len()).map(|image| image % 5).collect();
        CalibrationFit::of(&classes, logits.view(), targets, &fold).unwrap()
    }

    /// Returns logits (margin, 0) for each margin.
    fn logits(margins: &[f64]) -> Array2<f64> {
        Array2::from_shape_fn((margins.len(), 2), |(row, c)| [margins[row], 0.0][c])
    }

    #[test]
    fn what_is_announced_was_measured_on_other_images() {
        // The logits claim odds of e^8, but three of four images are right. Fitted on the other folds, the
        // temperature claims odds of about 3, with a loss of about ln 4 - 3/4 ln 3.
        let targets: Vec<usize> = (0..400).map(|image| usize::from(image % 4 == 0)).collect();
        let fit = fitted(&logits(&[8.0; 400]), &targets);
        let entropy = 4f64.ln() - 0.75 * 3f64.ln();
        assert!((fit.before.log_loss - 2.0).abs() < 1e-3);
        assert!((fit.after.log_loss - entropy).abs() < 5e-3 && fit.after.log_loss > entropy);
        assert!((fit.before.ece - 0.25).abs() < 1e-3 && fit.after.ece < 0.05);
        let mean = fit.losses.iter().sum::<f64>() / 400.0;
        assert!((mean - fit.after.log_loss).abs() < 1e-9);
    }

    #[test]
    fn an_improvement_that_other_images_do_not_see_is_none() {
        // Four of five folds are all right with odds of e^1.2, the last is all wrong with odds of e^6: a
        // temperature fitted on the others makes the last one worse by more than it improves them.
        let targets: Vec<usize> = (0..100).map(|image| usize::from(image % 5 == 4)).collect();
        let margins: Vec<f64> = (0..100)
            .map(|image| if image % 5 == 4 { 6.0 } else { 1.2 })
            .collect();
        let fit = fitted(&logits(&margins), &targets);
        assert!(fit.after.log_loss <= fit.before.log_loss);
        if fit.temperature == Temperature::default() {
            assert_eq!(fit.after, fit.before);
        }
    }

    #[test]
    fn on_new_images_no_temperature_does_harm_beyond_noise() {
        // Heads whose log odds are `scale` times the true ones; 12 draws each of 20 and of 80 images,
        // evaluated with the true odds.
        let mut state = 1u64;
        let mut uniform = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
        };
        let p = |odds: f64| 1.0 / (1.0 + (-odds).exp());
        for scale in [0.5, 1.0, 3.0] {
            for n in [20, 80] {
                let mut harm = 0.0;
                for _ in 0..12 {
                    let truth: Vec<f64> = (0..n).map(|_| 8.0 * uniform() - 1.0).collect();
                    let targets: Vec<usize> = truth
                        .iter()
                        .map(|&odds| usize::from(uniform() > p(odds)))
                        .collect();
                    let margins: Vec<f64> = truth.iter().map(|odds| scale * odds).collect();
                    let t = Temperature::fit(logits(&margins).view(), 1, &targets);
                    let t = t.unwrap().value();
                    let loss = |t: f64| -> f64 {
                        let of = |k: i32| {
                            let odds = 8.0 * (f64::from(k) + 0.5) / 200.0 - 1.0;
                            let (p, q) = (p(odds), p(scale * odds / t));
                            -p * q.ln() - (1.0 - p) * (1.0 - q).ln()
                        };
                        (0..200).map(of).sum::<f64>() / 200.0
                    };
                    harm += (loss(t) - loss(1.0)) / 12.0;
                    assert!(loss(t) - loss(1.0) < 3.0 / f64::from(n), "{scale} {n}: {t}");
                }
                assert!(harm < 0.5 / f64::from(n), "{scale} {n}: {harm}");
                assert!(scale < 2.0 || n < 80 || harm < -0.1, "{scale} {n}: {harm}");
            }
        }
    }
}
