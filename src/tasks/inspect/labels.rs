//! Labels of the inspected store that cross-validation contradicts.

use linfa::ParamGuard;
use ndarray::ArrayView2;

use super::alike::Alike;
use super::pictures::Pictures;
use super::report::{InspectOptions, LabelReport, SuspectImage};
use crate::classes::ClassIndex;
use crate::error::{DataProblem, Error, HeadError, Result, TaskError};
use crate::features::{Digest, FeatureStore};
use crate::head::{FitParams, Folds, LabelErrors, LabelledFeatures, out_of_fold, softmax};
use crate::progress::Silent;

/// Checks every label with a head that was trained without the image and its near-duplicates.
pub(super) fn check(
    pictures: &Pictures,
    store: &FeatureStore,
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
    let features = store.features(&digests)?;
    let set = LabelledFeatures::new(features.view(), &targets, &classes)?;
    let folds = Folds::new(&targets, &alike.own_groups, options.folds, options.seed)?;
    let params = FitParams::new().seed(options.seed).check()?;
    let probabilities = softmax(out_of_fold(&params, &set, None, &folds, &Silent)?);
    Ok(report(
        pictures,
        &classes,
        probabilities.view(),
        &targets,
        options.folds,
    ))
}

/// Returns whether an error only says that these labels cannot be checked: some are missing, there are too
/// few images, or no head can be trained on such features. Anything else, such as damaged features, is a
/// fault.
pub(super) fn cannot_be_checked(error: &Error) -> bool {
    use DataProblem as P;
    matches!(
        error,
        Error::Task(TaskError::NoLabels { .. })
            | Error::Head(
                HeadError::Diverged { .. }
                    | HeadError::Data(
                        P::OneClass { .. } | P::Folds { .. } | P::OneClassOutside { .. }
                    )
            )
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_labels_that_cannot_be_checked_are_no_fault() {
        let few = DataProblem::Folds {
            folds: 5,
            images: 4,
        };
        assert!(cannot_be_checked(&HeadError::Data(few).into()));
        let damaged = DataProblem::NotFinite { row: Some(3) };
        assert!(!cannot_be_checked(&HeadError::Data(damaged).into()));
        assert!(!cannot_be_checked(&HeadError::ModelNotFinite.into()));
        assert!(!cannot_be_checked(&TaskError::NothingToHoldOut.into()));
    }
}
