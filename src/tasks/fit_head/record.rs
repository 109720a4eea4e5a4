//! The head's record of its training images: their digests and out-of-fold predictions.

use serde::Serialize;

use super::cross_validation::{Images, LeftOut};
use super::division::Division;
use super::options::CrossValidation;
use crate::error::Result;
use crate::features::Digest;
use crate::head::{Evaluation, FitValidParams, OUT_OF_FOLD_BYTES, Temperature, TrainingRecord};
use crate::progress::Progress;

/// The metrics of out-of-fold predictions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OutOfFoldFigures {
    /// The number of training images, each predicted once.
    pub n: usize,
    /// The number of folds, each predicted by a head fitted without it.
    pub folds: usize,
    /// The share of images whose most probable class is the true one, in [0, 1].
    pub accuracy: f64,
    /// The mean of -ln p of the true class, at the head's temperature.
    pub log_loss: f64,
}

/// Creates the record of a division's images, without predictions.
pub(super) fn record(division: &Division) -> TrainingRecord {
    TrainingRecord::new(&bytes(&division.train.digests), &bytes(division.held_out()))
}

/// Adds out-of-fold predictions to the record, or returns a warning if they are too large to store.
pub(super) fn predictions(
    record: &TrainingRecord,
    asked: CrossValidation,
    params: &FitValidParams,
    temperature: Temperature,
    images: &Images<'_, '_>,
    progress: &dyn Progress,
) -> Result<Result<(TrainingRecord, OutOfFoldFigures), String>> {
    let set = images.set;
    let needed = record.training().len() * set.views() * set.classes().len() * size_of::<f32>();
    if needed > OUT_OF_FOLD_BYTES {
        return Ok(Err(too_large(needed)));
    }
    let LeftOut { folds, logits } = images.out_of_fold(asked, params, progress)?;
    let record = record.clone();
    let record = record.with_out_of_fold(&bytes(images.digests), folds, logits.view());
    let p = temperature.probabilities(logits.clone(), set.views());
    let evaluation = Evaluation::new(set.classes(), set.targets(), p.view())?;
    let figures = OutOfFoldFigures {
        n: set.n_samples(),
        folds: asked.folds,
        accuracy: evaluation.accuracy,
        log_loss: evaluation.log_loss,
    };
    Ok(Ok((record, figures)))
}

fn too_large(needed: usize) -> String {
    let mib = |bytes: usize| bytes.div_ceil(1 << 20);
    format!(
        "out-of-fold predictions are not stored: they take {} MiB, and a head stores at most {} MiB; \
        evaluate the head on images that it was not trained on",
        mib(needed),
        mib(OUT_OF_FOLD_BYTES)
    )
}

fn bytes(digests: &[Digest]) -> Vec<[u8; 32]> {
    digests.iter().map(|digest| digest.0).collect()
}
