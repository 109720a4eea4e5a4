//! The tensors of a head file that say what it was trained on.

use ndarray::Array2;
use safetensors::Dtype;

use super::image_set::ImageSet;
use super::tensors::{Tensors, f32, i32};
use super::training_record::{OutOfFold, TrainingRecord};
use crate::error::FileProblem;

pub(super) const TRAINING: &str = "training_digests";
pub(super) const HELD_OUT: &str = "held_out_digests";
pub(super) const LOGITS: &str = "out_of_fold_logits";
pub(super) const FOLDS: &str = "out_of_fold_folds";

/// Reads the record of the training images of a head of C classes; it is empty if the head stores none.
pub(super) fn read(tensors: &Tensors<'_>, classes: usize) -> Result<TrainingRecord, FileProblem> {
    let training = images(tensors, TRAINING)?;
    let out_of_fold = if tensors.has(LOGITS) {
        Some(out_of_fold(tensors, &training, classes)?)
    } else {
        None
    };
    let held_out = images(tensors, HELD_OUT)?;
    Ok(TrainingRecord::from_parts(training, held_out, out_of_fold))
}

fn images(tensors: &Tensors<'_>, name: &str) -> Result<ImageSet, FileProblem> {
    if !tensors.has(name) {
        return Ok(ImageSet::default());
    }
    let digests = tensors.of(name, Dtype::U8, 2)?;
    let rows = digests.numbers(|[byte]: [u8; 1]| byte);
    ImageSet::from_rows(digests.shape[1], rows).map_err(|problem| damaged(name, &problem))
}

fn out_of_fold(
    tensors: &Tensors<'_>,
    training: &ImageSet,
    classes: usize,
) -> Result<OutOfFold, FileProblem> {
    let logits = tensors.of(LOGITS, Dtype::F32, 3)?;
    let folds = tensors.of(FOLDS, Dtype::I32, 1)?;
    let [images, views, columns] = [0, 1, 2].map(|axis| logits.shape[axis]);
    if (images, columns) != (training.len(), classes) || folds.shape != [images] {
        let problem = format!(
            "is {:?} with folds {:?} for {} training images and {classes} classes",
            logits.shape,
            folds.shape,
            training.len()
        );
        return Err(damaged(LOGITS, &problem));
    }
    let folds: Option<Vec<usize>> = folds
        .numbers(i32)
        .into_iter()
        .map(|fold| usize::try_from(fold).ok().filter(|&fold| fold < images))
        .collect();
    let folds = folds.ok_or_else(|| damaged(FOLDS, "has a fold that cannot be"))?;
    let logits =
        Array2::from_shape_vec((images.saturating_mul(views), columns), logits.numbers(f32))
            .map_err(|error| damaged(LOGITS, &error.to_string()))?;
    OutOfFold::from_parts(views, logits, folds).map_err(|problem| damaged(LOGITS, &problem))
}

fn damaged(name: &str, problem: &str) -> FileProblem {
    FileProblem::Damaged(format!("its tensor `{name}` {problem}"))
}
