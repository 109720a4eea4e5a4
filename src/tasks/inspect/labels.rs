//! Labels of the inspected store that cross-validation contradicts.

use linfa::ParamGuard;
use ndarray::ArrayView2;

use super::alike::Alike;
use super::pictures::Pictures;
use super::report::{InspectOptions, LabelReport, SuspectImage};
use crate::classes::ClassIndex;
use crate::error::{Result, TaskError};
use crate::features::Digest;
use crate::head::{FitParams, Folds, LabelErrors, LabelledFeatures, out_of_fold, softmax};

/// Checks every label with a head that was trained without the image and its near-duplicates.
pub(super) fn judge(
    pictures: &Pictures,
    alike: &Alike,
    options: &InspectOptions,
) -> Result<LabelReport> {
    let images = pictures.n_own();
    let names = pictures
        .own_classes()
        .map_err(|unlabelled| TaskError::NoLabels { unlabelled, images })?;
    let classes = ClassIndex::from_names(names.iter().copied());
    let index = |name: &&str| classes.class_to_idx(name).expect("it is one of them");
    let targets: Vec<usize> = names.iter().map(index).collect();
    let digest = |image| pictures.digests()[pictures.distinct(image)];
    let digests: Vec<Digest> = (0..pictures.n_own()).map(digest).collect();
    let features = pictures.store.features(&digests)?;
    let set = LabelledFeatures::new(features.view(), &targets, &classes)?;
    let folds = Folds::new(&targets, &alike.own_groups, options.folds, options.seed)?;
    let params = FitParams::new().seed(options.seed).check()?;
    let probabilities = softmax(out_of_fold(&params, &set, None, &folds)?);
    Ok(report(
        pictures,
        &classes,
        probabilities.view(),
        &targets,
        options.folds,
    ))
}

fn report(
    pictures: &Pictures,
    classes: &ClassIndex,
    probabilities: ArrayView2<f64>,
    targets: &[usize],
    folds: usize,
) -> LabelReport {
    let errors = LabelErrors::of(probabilities, targets);
    let suspects = errors
        .suspects
        .iter()
        .zip(1..)
        .map(|(suspect, rank)| SuspectImage {
            rank,
            image: pictures.image(suspect.row).clone(),
            suggested: classes
                .name(suspect.suggested)
                .unwrap_or_default()
                .to_owned(),
            given_probability: suspect.given_probability,
            suggested_probability: suspect.suggested_probability,
            confident: suspect.confident,
        });
    LabelReport {
        folds,
        accuracy: 1.0 - errors.suspects.len() as f64 / targets.len() as f64,
        estimated_errors: errors.estimated_errors,
        suspects: suspects.collect(),
    }
}
