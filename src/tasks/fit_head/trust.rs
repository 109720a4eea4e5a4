//! What lets a head be trusted: a temperature from images that it was not trained on, and a rejection of what is like
//! none of them.

use ndarray::s;
use serde::Serialize;

use super::cross_validation::{CrossValidation, Images};
use crate::error::{Error, Result};
use crate::head::{Evaluation, FitValidParams, LabelledFeatures, Rejection, Temperature};

/// A fitted temperature and what it changes, measured on images that the heads were not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Calibration {
    /// What logits are divided by.
    pub temperature: f64,
    /// Whether a temperature beyond the range would have been better still.
    pub at_bound: bool,
    /// Heads that were fitted for it.
    pub folds: usize,
    /// The mean of -ln p of the right class, without the temperature.
    pub log_loss_before: f64,
    /// The same with it.
    pub log_loss_after: f64,
    /// The expected calibration error without the temperature, in [0, 1].
    pub ece_before: f64,
    /// The same with it.
    pub ece_after: f64,
}

/// A rejection's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KeptForRejection {
    /// The share of images of known classes that is to be rejected.
    pub rate: f64,
    /// The least cosine with the nearest training image that a known image has.
    pub threshold: f32,
    /// Training images that would be rejected, were they and what is nearly equal to them not in the training set.
    pub rejected: usize,
    /// Training images whose features the head keeps.
    pub kept: usize,
    /// What that adds to the file, in bytes.
    pub bytes: usize,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) calibrate: Option<CrossValidation>,
    pub(super) reject: Option<f64>,
}

impl Asked {
    /// Checks the numbers before anything is read.
    pub(super) fn check(self) -> Result<Self> {
        self.calibrate.map_or(Ok(()), CrossValidation::check)?;
        match self.reject {
            Some(rate) if !(rate > 0.0 && rate < 1.0) => Err(Error::Parameter {
                name: "--reject",
                value: rate.to_string(),
                wanted: "above 0 and below 1",
            }),
            _ => Ok(self),
        }
    }
}

/// What comes of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Trust {
    pub(super) temperature: Temperature,
    pub(super) calibration: Option<Calibration>,
    pub(super) rejection: Option<Rejection>,
    pub(super) kept: Option<KeptForRejection>,
}

/// Fits what is asked for on the training images.
pub(super) fn trust(
    asked: Asked,
    params: &FitValidParams,
    images: &Images<'_, '_>,
) -> Result<Trust> {
    let mut trust = Trust::default();
    if let Some(asked) = asked.calibrate {
        let (temperature, calibration) = calibrate(asked, params, images)?;
        trust.temperature = temperature;
        trust.calibration = Some(calibration);
    }
    if let Some(rate) = asked.reject {
        let set = images.set;
        // The first view of each image is its centre.
        let centres = set.features().slice_move(s![..; set.views(), ..]);
        let centres = LabelledFeatures::new(centres, set.targets(), set.classes())?;
        let fit = Rejection::fit(&centres, images.groups(), rate, params.values().seed)?;
        trust.kept = Some(KeptForRejection {
            rate,
            threshold: fit.rejection.rule().threshold,
            rejected: fit.rejected,
            kept: fit.rejection.classes().len(),
            bytes: fit.rejection.bytes(),
        });
        trust.rejection = Some(fit.rejection);
    }
    Ok(trust)
}

fn calibrate(
    asked: CrossValidation,
    params: &FitValidParams,
    images: &Images<'_, '_>,
) -> Result<(Temperature, Calibration)> {
    let set = images.set;
    let logits = &images.out_of_fold(asked, params)?.logits;
    let fit = Temperature::fit(logits.view(), set.views(), set.targets())?;
    let ece = |temperature: Temperature| -> Result<f64> {
        let p = temperature.probabilities(logits.clone(), set.views());
        Ok(Evaluation::new(set.classes(), set.targets(), p.view())?.ece)
    };
    let calibration = Calibration {
        temperature: fit.temperature.value(),
        at_bound: fit.at_bound,
        folds: asked.folds,
        log_loss_before: fit.log_loss_before,
        log_loss_after: fit.log_loss_after,
        ece_before: ece(Temperature::default())?,
        ece_after: ece(fit.temperature)?,
    };
    Ok((fit.temperature, calibration))
}
