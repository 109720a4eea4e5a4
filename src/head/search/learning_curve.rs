//! Would more pictures help: the accuracy of heads that were trained on growing parts of the images.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::head::cross_validation::{Folds, Groups};
use crate::head::figures::ValidationSums;
use crate::head::fit::fit_some;
use crate::head::labelled::LabelledFeatures;
use crate::head::linear::LinearHead;
use crate::head::parallel::in_parallel;
use crate::head::params::{FitParams, FitValidParams};
use crate::head::split::{Split, seeded_hash};

/// Parts of the images that are trained on.
const STEPS: usize = 10;

/// A part of the images, and how heads did that were trained on it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LearningPoint {
    /// Images trained on, in the mean over the folds.
    pub n: usize,
    /// Their share of the images outside of the fold, in (0, 1].
    pub share: f64,
    /// Mean accuracy on the folds left out, in [0, 1].
    pub mean: f64,
    /// One standard deviation of the folds below, 0 or more.
    pub low: f64,
    /// One standard deviation above, at most 1.
    pub high: f64,
}

/// The accuracy on each fold of heads trained on 10, 20 … 100 % of the images outside of it.
///
/// Of every class the groups whose hash with the seed is smallest are taken, at least one, so that a larger part holds
/// the smaller ones. SGD makes as many steps on a small part as on all, in more epochs: the images differ, not the
/// training; patience grows with the epochs and watches the `validation` set, as in the fit on all.
///
/// # Errors
/// As [`fit`](fn@crate::head::fit).
///
/// # Panics
/// When `groups` or `folds` are not those of the set's samples.
pub fn learning_curve(
    params: &FitValidParams,
    set: &LabelledFeatures<'_>,
    validation: Option<&LabelledFeatures<'_>>,
    groups: &Groups,
    folds: &Folds,
) -> Result<Vec<LearningPoint>> {
    let order = drawing_order(set, groups, params.values().seed);
    let fits = in_parallel(STEPS * folds.k(), |number| {
        let (step, fold) = (number / folds.k(), number % folds.k());
        let rows = part(&order, folds, fold, step);
        one_fit(params, set, validation, &rows, &folds.split(fold))
    });
    let fits = fits.into_iter().collect::<Result<Vec<_>>>()?;
    let points = fits.chunks(folds.k()).enumerate();
    Ok(points.map(|(step, fits)| point(step, fits)).collect())
}

/// The share of a step, counted from 0.
fn share(step: usize) -> f64 {
    (step + 1) as f64 / STEPS as f64
}

/// The groups of each class in the order in which they are drawn, as the rows of each.
fn drawing_order(set: &LabelledFeatures<'_>, groups: &Groups, seed: u64) -> Vec<Vec<Vec<usize>>> {
    let mut classes = vec![Vec::new(); set.classes().len()];
    let mut members = groups.members();
    members.sort_by_key(|(key, _)| seeded_hash(seed, key));
    for (_, rows) in members {
        classes[set.targets()[rows[0]]].push(rows);
    }
    classes
}

/// The rows outside of a fold that a step trains on.
fn part(order: &[Vec<Vec<usize>>], folds: &Folds, fold: usize, step: usize) -> Vec<usize> {
    let mut rows = Vec::new();
    for class in order {
        let outside = |rows: &&Vec<usize>| folds.of_row()[rows[0]] != fold;
        let groups: Vec<_> = class.iter().filter(outside).collect();
        let wanted = (groups.len() as f64 * share(step)).ceil() as usize;
        rows.extend(groups.into_iter().take(wanted).flatten());
    }
    rows.sort_unstable();
    rows
}

/// The number of images trained on, and the accuracy on the fold.
fn one_fit(
    params: &FitValidParams,
    set: &LabelledFeatures<'_>,
    validation: Option<&LabelledFeatures<'_>>,
    rows: &[usize],
    split: &Split,
) -> Result<(usize, f64)> {
    let mut values = params.values().clone();
    let longer = |epochs: usize| epochs * split.train.len() / rows.len().max(1);
    values.patience = values.patience.map(longer);
    values.epochs = longer(values.epochs);
    let params = FitParams::from(values).check()?;
    let start = LinearHead::zeros(set.classes().len(), set.features().ncols());
    let head = fit_some(&start, &params, set, rows, validation, &mut |_| {})?.head;
    let mut sums = ValidationSums::default();
    for &image in &split.validation {
        sums.add(&head, &set.image(image))?;
    }
    Ok((rows.len(), sums.figures().accuracy))
}

fn point(step: usize, fits: &[(usize, f64)]) -> LearningPoint {
    let k = fits.len() as f64;
    let mean = fits.iter().map(|(_, accuracy)| accuracy).sum::<f64>() / k;
    let variance = fits
        .iter()
        .map(|(_, accuracy)| (accuracy - mean).powi(2))
        .sum::<f64>()
        / k;
    LearningPoint {
        n: fits.iter().map(|(n, _)| n).sum::<usize>() / fits.len(),
        share: share(step),
        mean,
        low: (mean - variance.sqrt()).max(0.0),
        high: (mean + variance.sqrt()).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::classes::ClassIndex;

    #[test]
    fn parts_grow_and_hold_one_another() {
        // 60 images that are told apart by one feature, 40 of them of the first class.
        let targets: Vec<usize> = (0..60).map(|row| usize::from(row >= 40)).collect();
        let features = Array2::from_shape_fn((60, 2), |(row, column)| {
            if column == 0 {
                targets[row] as f32
            } else {
                (row % 7) as f32 / 7.0
            }
        });
        let classes = ClassIndex::from_names(["a", "b"]);
        let set = LabelledFeatures::new(features.view(), &targets, &classes).unwrap();
        let digests: Vec<_> = (0..60u8).map(|row| [row; 32]).collect();
        let groups = Groups::of_equal(&digests);
        let folds = Folds::new(&targets, &groups, 4, 0).unwrap();
        let order = drawing_order(&set, &groups, 0);
        let parts: Vec<_> = (0..STEPS)
            .map(|step| part(&order, &folds, 1, step))
            .collect();
        // Outside of a fold are 30 and 15 images: 3 and 2 of them are a tenth.
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>()[..2], [5, 9]);
        assert_eq!(parts[9], folds.split(1).train);
        for pair in parts.windows(2) {
            assert!(pair[0].iter().all(|row| pair[1].contains(row)));
        }
        let params = FitParams::new().lr(0.5).check().unwrap();
        let curve = learning_curve(&params, &set, None, &groups, &folds).unwrap();
        assert_eq!(curve.len(), 10);
        assert_eq!((curve[0].n, curve[9].n), (5, 45));
        assert!((curve[9].mean - 1.0).abs() < 1e-12 && curve[9].high <= 1.0);
        // Patience watches the set that is given, and is not dropped.
        let patient = FitParams::new().lr(0.5).patience(Some(2)).check().unwrap();
        let curve = |watched| learning_curve(&patient, &set, watched, &groups, &folds);
        assert!(curve(Some(&set)).is_ok() && curve(None).is_err());
    }

    #[test]
    fn the_band_is_a_standard_deviation() {
        // Accuracies 0.8 and 0.6: mean 0.7, deviation 0.1.
        let point = point(4, &[(10, 0.8), (12, 0.6)]);
        assert_eq!(point.n, 11);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(point.share, 0.5) && close(point.mean, 0.7));
        assert!(close(point.low, 0.6) && close(point.high, 0.8));
    }
}
