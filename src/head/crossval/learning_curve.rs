//! The learning curve: the accuracy of heads trained on growing parts of the images.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::candidate::mean_and_std;
use super::folds::Folds;
use crate::error::Result;
use crate::head::data::{Groups, LabelledFeatures, Split, seeded_hash};
use crate::head::fit::{Job, ValidationSums, run};
use crate::head::parallel::in_parallel;
use crate::head::params::{FitParams, FitValidParams, FitValues};
use crate::progress::Progress;

/// The number of parts, and of points on the curve.
const STEPS: usize = 10;

/// A point on the learning curve: a share of the images, and the accuracy of heads trained on it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LearningPoint {
    /// Number of training images, averaged over the folds.
    pub n: usize,
    /// Their share of the images outside the fold, in (0, 1].
    pub share: f64,
    /// Mean accuracy on the held-out folds, in [0, 1].
    pub mean: f64,
    /// `mean` minus one standard deviation over the folds, at least 0.
    pub low: f64,
    /// `mean` plus one standard deviation, at most 1.
    pub high: f64,
}

/// Returns the held-out accuracy of heads trained on 10, 20 … 100 % of the images outside each fold.
///
/// Each part takes, from every class, the groups with the smallest seeded hashes, at least one, so that
/// larger parts contain the smaller ones. SGD takes as many steps on a small part as on all images: it runs
/// more epochs, with the schedule stretched over them, so that only the images differ and not the training.
/// Patience grows with the epochs and watches the `validation` set, as in the fit on all images.
///
/// # Errors
/// As [`fit`](fn@crate::head::fit); [`Error::Interrupted`](crate::Error::Interrupted) if `progress` asks to
/// stop.
///
/// # Panics
/// When `groups` or `folds` are not those of the set's samples.
pub fn learning_curve(
    params: &FitValidParams,
    set: &LabelledFeatures<'_>,
    validation: Option<&LabelledFeatures<'_>>,
    groups: &Groups,
    folds: &Folds,
    progress: &dyn Progress,
) -> Result<Vec<LearningPoint>> {
    let n = STEPS * folds.k();
    progress.begin("learning-curve fits", n as u64);
    let order = drawing_order(set, groups, params.values().seed);
    let fits = in_parallel(n, |number| {
        let (step, fold) = (number / folds.k(), number % folds.k());
        let rows = part(&order, folds, fold, step);
        let fit = one_fit(params, set, validation, rows, &folds.split(fold), progress);
        progress.advance(1);
        fit
    });
    progress.end();
    let fits = fits.into_iter().collect::<Result<Vec<_>>>()?;
    let points = fits.chunks(folds.k()).enumerate();
    Ok(points.map(|(step, fits)| point(step, fits)).collect())
}

/// Returns the share of a step, counted from 0.
fn share(step: usize) -> f64 {
    (step + 1) as f64 / STEPS as f64
}

/// Returns the rows of each group, by class, in the order in which the groups are drawn.
fn drawing_order(set: &LabelledFeatures<'_>, groups: &Groups, seed: u64) -> Vec<Vec<Vec<usize>>> {
    let mut classes = vec![Vec::new(); set.classes().len()];
    let mut members = groups.members();
    members.sort_by_key(|(key, _)| seeded_hash(seed, key));
    for (_, rows) in members {
        classes[set.targets()[rows[0]]].push(rows);
    }
    classes
}

/// Returns the rows outside a fold that a step trains on.
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

/// Returns the number of training images, and the accuracy on the fold.
fn one_fit(
    params: &FitValidParams,
    set: &LabelledFeatures<'_>,
    validation: Option<&LabelledFeatures<'_>>,
    images: Vec<usize>,
    split: &Split,
    progress: &dyn Progress,
) -> Result<(usize, f64)> {
    let n = images.len();
    let epochs = epochs(params.values(), split.train.len(), n);
    let params = patient(params, epochs)?;
    let job = Job {
        images,
        epochs,
        progress,
        ..Job::new(&params, set, validation)
    };
    let head = run(job, &mut |_| {})?.head;
    let mut sums = ValidationSums::default();
    for &image in &split.validation {
        sums.add(&head, &set.image(image))?;
    }
    Ok((n, sums.figures().accuracy))
}

/// Returns the parameters with the patience scaled in proportion to the epochs.
fn patient(params: &FitValidParams, epochs: usize) -> Result<FitValidParams> {
    let mut values = params.values().clone();
    let longer = |patience: usize| (patience * epochs / values.epochs.max(1)).max(1);
    values.patience = values.patience.map(longer);
    FitParams::from(values).check()
}

/// Returns the number of epochs that takes as many steps on a part of the images as on all.
fn epochs(values: &FitValues, all: usize, part: usize) -> usize {
    let steps = |n: usize| n.div_ceil(values.batch_size).max(1) as u128;
    let wanted = values.epochs as u128 * steps(all);
    let epochs = (wanted + steps(part) / 2) / steps(part);
    usize::try_from(epochs).unwrap_or(usize::MAX)
}

fn point(step: usize, fits: &[(usize, f64)]) -> LearningPoint {
    let (images, accuracies): (Vec<usize>, Vec<f64>) = fits.iter().copied().unzip();
    let (mean, std) = mean_and_std(&accuracies);
    LearningPoint {
        n: images.iter().sum::<usize>() / fits.len(),
        share: share(step),
        mean,
        low: (mean - std).max(0.0),
        high: (mean + std).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;
    use ndarray::Array2;

    use super::*;
    use crate::classes::ClassIndex;
    use crate::head::fit::fit;
    use crate::head::params::FitParams;
    use crate::head::params::Schedule;
    use crate::progress::Silent;

    #[test]
    fn parts_grow_and_hold_one_another() {
        // 60 images whose classes one feature separates; 40 of them are of the first class.
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
        // Outside a fold there are 30 and 15 images of the two classes: a tenth, rounded up, is 3 and 2.
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>()[..2], [5, 9]);
        assert_eq!(parts[9], folds.split(1).train);
        for pair in parts.windows(2) {
            assert!(pair[0].iter().all(|row| pair[1].contains(row)));
        }
        let params = FitParams::new().lr(0.5).check().unwrap();
        let curve = learning_curve(&params, &set, None, &groups, &folds, &Silent).unwrap();
        assert_eq!(curve.len(), 10);
        assert_eq!((curve[0].n, curve[9].n), (5, 45));
        assert!((curve[9].mean - 1.0).abs() < 1e-12 && curve[9].high <= 1.0);
        // Patience watches the given validation set; without one it is an error, not ignored.
        let patient = FitParams::new().lr(0.5).patience(Some(2)).check().unwrap();
        let curve = |watched| learning_curve(&patient, &set, watched, &groups, &folds, &Silent);
        assert!(curve(Some(&set)).is_ok() && curve(None).is_err());
    }

    #[test]
    fn a_part_of_the_images_sees_the_same_steps_and_rates() {
        let values = FitValues::default();
        // 25 epochs of 2 steps are 50 epochs of 1 step; 25 epochs of 24 steps are 60 epochs of 10.
        assert_eq!(epochs(&values, 45, 5), 50);
        assert_eq!(epochs(&values, 740, 320), 60);
        assert_eq!(epochs(&values, 740, 740), 25);
        // A batch with each row twice is equivalent to one with each row once: half of the images give the
        // same head in as many steps.
        let row = |row: usize| [(row % 5) as f32 / 5.0, (row % 3) as f32 / 3.0];
        let whole = Array2::from_shape_fn((16, 2), |(r, column)| row(r % 8)[column]);
        let targets: Vec<usize> = (0..16).map(|r| r % 8 / 4).collect();
        let classes = ClassIndex::from_names(["a", "b"]);
        let half = whole.slice(ndarray::s![..8, ..]);
        let whole = LabelledFeatures::new(whole.view(), &targets, &classes).unwrap();
        let half = LabelledFeatures::new(half, &targets[..8], &classes).unwrap();
        let params = |batch: usize| {
            let schedule = Schedule::Step {
                step_size: 2,
                gamma: 0.5,
            };
            let params = FitParams::new().lr(0.3).epochs(7).batch_size(batch);
            params.schedule(schedule).check().unwrap()
        };
        let full = fit(&params(16), &whole, None, &mut |_| {}).unwrap().head;
        // Over 14 epochs instead of 7, the schedule lowers the rate every 4 epochs instead of every 2.
        let stretched = |epochs: usize| {
            let params = params(8);
            let job = Job {
                epochs,
                ..Job::new(&params, &half, None)
            };
            run(job, &mut |_| {}).unwrap().head
        };
        let same = stretched(7);
        let far = |a: &crate::head::LinearHead, b: &crate::head::LinearHead| {
            (&a.weight() - &b.weight())
                .iter()
                .fold(0f32, |m, d| m.max(d.abs()))
        };
        assert!(far(&full, &same) < 1e-6);
        let twice = FitParams::from(params(8).values().clone()).epochs(14);
        let twice = twice.schedule(Schedule::Step {
            step_size: 4,
            gamma: 0.5,
        });
        let twice = fit(&twice.check().unwrap(), &half, None, &mut |_| {}).unwrap();
        assert_eq!(stretched(14), twice.head);
    }

    #[test]
    fn the_whole_is_the_full_fit() {
        let targets: Vec<usize> = (0..40).map(|row| row % 2).collect();
        let features = Array2::from_shape_fn((40, 2), |(row, column)| {
            ((row * 7 + column * 5 + row % 2 * 3) % 13) as f32 / 13.0
        });
        let classes = ClassIndex::from_names(["a", "b"]);
        let set = LabelledFeatures::new(features.view(), &targets, &classes).unwrap();
        let digests: Vec<_> = (0..40u8).map(|row| [row; 32]).collect();
        let groups = Groups::of_equal(&digests);
        let folds = Folds::new(&targets, &groups, 4, 0).unwrap();
        let schedule = Schedule::Step {
            step_size: 2,
            gamma: 0.5,
        };
        let params = FitParams::new().lr(0.5).epochs(9).schedule(schedule);
        let params = params.check().unwrap();
        let curve = learning_curve(&params, &set, None, &groups, &folds, &Silent).unwrap();
        let accuracies = (0..4).map(|fold| {
            let split = folds.split(fold);
            let rows = |rows: &[usize]| {
                let targets: Vec<usize> = rows.iter().map(|&row| targets[row]).collect();
                (features.select(ndarray::Axis(0), rows), targets)
            };
            let (train, held_out) = (rows(&split.train), rows(&split.validation));
            let train = LabelledFeatures::new(train.0.view(), &train.1, &classes).unwrap();
            let held_out = LabelledFeatures::new(held_out.0.view(), &held_out.1, &classes).unwrap();
            let fit = fit(&params, &train, Some(&held_out), &mut |_| {}).unwrap();
            fit.validation.unwrap().accuracy
        });
        assert!((curve[9].mean - accuracies.sum::<f64>() / 4.0).abs() < 1e-12);
    }

    #[test]
    fn the_band_is_a_standard_deviation() {
        // Accuracies 0.8 and 0.6: mean 0.7, standard deviation 0.1.
        let point = point(4, &[(10, 0.8), (12, 0.6)]);
        assert_eq!(point.n, 11);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(point.share, 0.5) && close(point.mean, 0.7));
        assert!(close(point.low, 0.6) && close(point.high, 0.8));
    }
}
