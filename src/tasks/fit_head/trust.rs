//! What lets a head be trusted: a temperature from images that it was not trained on, and a rejection of what is like
//! none of them.

use ndarray::{ArrayView2, s};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::features::Digest;
use crate::head::{
    FitValidParams, Folds, Groups, LabelledFeatures, NEAR_DUPLICATE, Rejection, Temperature,
    TemperatureFit, UnitRows, out_of_fold,
};

/// How a temperature is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calibrate {
    /// Heads that are fitted, each without the images that it then says something of; 2 or more.
    pub folds: usize,
}

impl Default for Calibrate {
    fn default() -> Self {
        Self { folds: 5 }
    }
}

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
    pub(super) calibrate: Option<Calibrate>,
    pub(super) reject: Option<f64>,
}

impl Asked {
    /// Checks the numbers before anything is read.
    pub(super) fn check(self) -> Result<Self> {
        let folds = self.calibrate.map(|calibrate| calibrate.folds);
        let (name, value, wanted) = match (folds, self.reject) {
            (Some(folds @ 0..2), _) => ("--folds", folds.to_string(), "at least 2"),
            (_, Some(rate)) if !(rate > 0.0 && rate < 1.0) => {
                ("--reject", rate.to_string(), "above 0 and below 1")
            }
            _ => return Ok(self),
        };
        Err(Error::Parameter {
            name,
            value,
            wanted,
        })
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

/// Fits what is asked for on the training images, whose digests are those of `digests`.
pub(super) fn trust(
    asked: Asked,
    params: &FitValidParams,
    set: &LabelledFeatures<'_>,
    digests: &[Digest],
) -> Result<Trust> {
    let mut trust = Trust::default();
    if asked.calibrate.is_none() && asked.reject.is_none() {
        return Ok(trust);
    }
    // The first view of each image is its centre.
    let centres = set.features().slice_move(s![..; set.views(), ..]);
    let groups = groups(centres, digests);
    if let Some(Calibrate { folds }) = asked.calibrate {
        let fit = calibrate(params, set, &groups, folds)?;
        trust.temperature = fit.temperature;
        trust.calibration = Some(Calibration {
            temperature: fit.temperature.value(),
            at_bound: fit.at_bound,
            folds,
            log_loss_before: fit.log_loss_before,
            log_loss_after: fit.log_loss_after,
        });
    }
    if let Some(rate) = asked.reject {
        let centres = LabelledFeatures::new(centres, set.targets(), set.classes())?;
        let fit = Rejection::fit(&centres, &groups, rate, params.values().seed)?;
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

/// Equal and nearly equal images belong together.
fn groups(centres: ArrayView2<'_, f32>, digests: &[Digest]) -> Groups {
    let near = UnitRows::of(centres).pairs(NEAR_DUPLICATE);
    let digests: Vec<[u8; 32]> = digests.iter().map(|digest| digest.0).collect();
    Groups::new(&digests, &near)
}

fn calibrate(
    params: &FitValidParams,
    set: &LabelledFeatures<'_>,
    groups: &Groups,
    folds: usize,
) -> Result<TemperatureFit> {
    let folds = Folds::new(set.targets(), groups, folds, params.values().seed)?;
    let logits = out_of_fold(params, set, &folds)?;
    Temperature::fit(logits.view(), set.views(), set.targets())
}
