//! A whole fit: epochs of shuffled batches, the figures of each, and what to think of them.

use std::borrow::Cow;
use std::time::Instant;

use rand_xoshiro::rand_core::Rng;

use super::dropout::{below, order_generator, shuffle};
use super::figures::{EpochFigures, ValidationFigures};
use super::labelled::LabelledFeatures;
use super::linear::LinearHead;
use super::params::FitValidParams;
use super::sgd::{BatchLoss, Sgd};
use super::values::ClassWeight;
use super::warnings::{FitWarning, warnings};
use crate::error::{Error, Result};

/// A fitted head and how it came about.
#[derive(Debug, Clone)]
pub struct Fit {
    /// The head after the last epoch.
    pub head: LinearHead,
    /// One entry for each epoch.
    pub history: Vec<EpochFigures>,
    /// Wall-clock time of the fit.
    pub seconds: f64,
    /// What to be careful about; empty when there is nothing.
    pub warnings: Vec<FitWarning>,
}

/// Fits a head from zero weights; [`fit_from`] with [`LinearHead::zeros`].
///
/// The loss is convex, so the start decides how fast the optimum comes near and not which one it is; zero treats all
/// classes alike and needs no seed.
///
/// # Errors
/// As [`fit_from`].
pub fn fit(
    params: &FitValidParams,
    train: &LabelledFeatures<'_>,
    validation: Option<&LabelledFeatures<'_>>,
    on_epoch: &mut dyn FnMut(&EpochFigures),
) -> Result<Fit> {
    let start = LinearHead::zeros(train.classes().len(), train.features().ncols());
    fit_from(start, params, train, validation, on_epoch)
}

/// Fits a head from the weights of another; `on_epoch` hears of every epoch as it ends.
///
/// Of an image with several views, one is drawn for every epoch. The images are put into a new order for every epoch, from the seed alone (Fisher–Yates on xoshiro256++, the same on
/// every machine); the last batch of an epoch takes what is left. For an order of one's own, step by step, use [`Sgd`].
///
/// # Errors
/// [`Error::Input`] when the training set has fewer than two classes or does not fit the start; [`Error::Mismatch`]
/// when the validation set has other classes or features; [`Error::Diverged`] when the loss or a weight is no longer
/// a finite number.
pub fn fit_from(
    start: LinearHead,
    params: &FitValidParams,
    train: &LabelledFeatures<'_>,
    validation: Option<&LabelledFeatures<'_>>,
    on_epoch: &mut dyn FnMut(&EpochFigures),
) -> Result<Fit> {
    let started = Instant::now();
    train.at_least_two_classes()?;
    validation.map_or(Ok(()), |validation| same_kind(train, validation))?;
    let values = params.values();
    let weights = class_weights(values.class_weight, &train.class_counts());
    let mut sgd = Sgd::new(params, start).with_class_weights(weights)?;
    let mut generator = order_generator(values.seed);
    let mut rows: Vec<usize> = (0..train.n_samples()).collect();
    let mut history = Vec::with_capacity(values.epochs.min(1024));
    for epoch in 1..=values.epochs {
        shuffle(&mut rows, &mut generator);
        let drawn = draw_views(&rows, train.views(), &mut generator);
        let train_loss = run_epoch(&mut sgd, train, drawn.chunks(values.batch_size), epoch)?;
        let figures = EpochFigures {
            epoch,
            train_loss,
            validation: validate(&sgd, validation, epoch)?,
        };
        on_epoch(&figures);
        history.push(figures);
    }
    let warnings = warnings(train, validation, values.class_weight, &history);
    Ok(Fit {
        head: sgd.into_head(),
        history,
        seconds: started.elapsed().as_secs_f64(),
        warnings,
    })
}

/// One row of each image, whose V rows stand together.
fn draw_views<'a>(images: &'a [usize], views: usize, generator: &mut impl Rng) -> Cow<'a, [usize]> {
    if views == 1 {
        return Cow::Borrowed(images);
    }
    let row = |image: &usize| image * views + below(views, generator);
    Cow::Owned(images.iter().map(row).collect())
}

fn run_epoch<'a>(
    sgd: &mut Sgd,
    train: &LabelledFeatures<'_>,
    batches: impl Iterator<Item = &'a [usize]>,
    epoch: usize,
) -> Result<f64> {
    let mut total = BatchLoss::default();
    for rows in batches {
        let loss = sgd.step(train, rows)?;
        if !loss.mean().is_finite() {
            return Err(Error::Diverged {
                epoch,
                loss: loss.mean(),
            });
        }
        total.add(loss);
    }
    // The last step's weights have not been through a loss yet.
    if sgd.head().is_finite() {
        Ok(total.mean())
    } else {
        Err(Error::Diverged {
            epoch,
            loss: f64::NAN,
        })
    }
}

fn validate(
    sgd: &Sgd,
    set: Option<&LabelledFeatures<'_>>,
    epoch: usize,
) -> Result<Option<ValidationFigures>> {
    let Some(set) = set else { return Ok(None) };
    let figures = ValidationFigures::of(sgd.head(), set)?;
    if figures.loss.is_finite() {
        Ok(Some(figures))
    } else {
        Err(Error::Diverged {
            epoch,
            loss: figures.loss,
        })
    }
}

/// The weight of each class in the loss, (C); a class without a sample has weight 1, which nothing uses.
fn class_weights(choice: ClassWeight, counts: &[usize]) -> Vec<f64> {
    let samples: usize = counts.iter().sum();
    let present = counts.iter().filter(|&&n| n > 0).count();
    let balanced = |&n: &usize| samples as f64 / (present * n) as f64;
    match choice {
        ClassWeight::None => vec![1.0; counts.len()],
        ClassWeight::Balanced => counts
            .iter()
            .map(|n| if *n > 0 { balanced(n) } else { 1.0 })
            .collect(),
    }
}

fn same_kind(train: &LabelledFeatures<'_>, validation: &LabelledFeatures<'_>) -> Result<()> {
    let (ours, theirs) = (train.features().ncols(), validation.features().ncols());
    let differences = if ours != theirs {
        format!("{ours} numbers per image against {theirs}")
    } else if train.classes() != validation.classes() {
        "they do not have the same classes in the same order".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Mismatch {
        left: "the training set".to_owned(),
        right: "the validation set".to_owned(),
        differences,
        hint: "extract both with the same backbone, from folders with the same classes".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;
    use ndarray::{Array2, array};

    use super::*;
    use crate::classes::ClassIndex;
    use crate::head::FitParams;

    fn fit_on(params: FitParams, features: &Array2<f32>, targets: &[usize]) -> Result<Fit> {
        let classes = ClassIndex::from_names(["a", "b"]);
        let set = LabelledFeatures::new(features.view(), targets, &classes)?;
        fit(&params.check()?, &set, None, &mut |_| {})
    }

    #[test]
    fn classes_that_look_the_same_end_at_one_half() {
        let features = Array2::from_shape_fn((64, 8), |(_, column)| column as f32);
        let targets: Vec<usize> = (0..64).map(|row| row % 2).collect();
        let params = FitParams::new().batch_size(64);
        let p = fit_on(params, &features, &targets)
            .unwrap()
            .head
            .predict_proba(features.view());
        assert!(p.unwrap().iter().all(|p| (p - 0.5).abs() < 1e-6));
    }

    #[test]
    fn classes_that_differ_are_told_apart_and_validated() {
        let features =
            Array2::from_shape_fn((60, 2), |(row, _)| if row % 2 == 0 { 1.0 } else { -1.0 });
        let targets: Vec<usize> = (0..60).map(|row| row % 2).collect();
        let classes = ClassIndex::from_names(["a", "b"]);
        let set = LabelledFeatures::new(features.view(), &targets, &classes).unwrap();
        let mut epochs = Vec::new();
        let params = FitParams::new().lr(0.1).epochs(3).check().unwrap();
        let fit = fit(&params, &set, Some(&set), &mut |figures| {
            epochs.push(*figures);
        })
        .unwrap();
        assert_eq!(epochs, fit.history);
        assert_eq!(
            epochs
                .iter()
                .map(|figures| figures.epoch)
                .collect::<Vec<_>>(),
            [1, 2, 3]
        );
        assert!(epochs[0].train_loss < 2f64.ln() && epochs[2].train_loss < epochs[0].train_loss);
        let last = epochs[2].validation.unwrap();
        assert!((last.accuracy - 1.0).abs() < 1e-12 && last.loss < epochs[2].train_loss);
    }

    #[test]
    fn the_seed_alone_decides() {
        let features = Array2::from_shape_fn((50, 3), |(row, column)| {
            ((row * 7 + column * 3) % 11) as f32
        });
        let targets: Vec<usize> = (0..50).map(|row| row % 2).collect();
        let run = |seed| {
            let params = FitParams::new().dropout(0.3).epochs(2).seed(seed);
            fit_on(params, &features, &targets).unwrap().head
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn a_loss_without_bounds_is_named_with_its_epoch() {
        let features = array![[3e38f32, 3e38], [-3e38, 3e38], [3e38, -3e38]];
        let error = fit_on(FitParams::new().lr(1e30), &features, &[0, 1, 0]).unwrap_err();
        assert!(matches!(error, Error::Diverged { epoch: 1, .. }), "{error}");
    }

    #[test]
    fn a_validation_loss_without_bounds_is_one_too() {
        // 1e30 features make the weights about 1e27: finite, but their product with 3e38 is not.
        let classes = ClassIndex::from_names(["a", "b"]);
        let (features, huge) = (array![[1e30f32], [-1e30]], array![[3e38f32], [3e38]]);
        let train = LabelledFeatures::new(features.view(), &[0, 1], &classes).unwrap();
        let validation = LabelledFeatures::new(huge.view(), &[0, 1], &classes).unwrap();
        let params = FitParams::new().epochs(1).check().unwrap();
        let error = fit(&params, &train, Some(&validation), &mut |_| {}).unwrap_err();
        assert!(matches!(error, Error::Diverged { epoch: 1, .. }), "{error}");
    }

    #[test]
    fn balanced_weights_are_those_of_scikit_learn() {
        // compute_class_weight("balanced", y=[0] * 6 + [2] * 2): 8 / (2 * 6) and 8 / (2 * 2).
        let weights = class_weights(ClassWeight::Balanced, &[6, 0, 2]);
        assert!((weights[0] - 2.0 / 3.0).abs() < 1e-15 && (weights[2] - 2.0).abs() < 1e-15);
        assert!(class_weights(ClassWeight::None, &[6, 0, 2]) == [1.0; 3]);
    }

    #[test]
    fn a_validation_set_of_another_kind_is_refused() {
        let (classes, others) = (
            ClassIndex::from_names(["a", "b"]),
            ClassIndex::from_names(["a", "c"]),
        );
        let (features, wider) = (array![[0.0], [1.0]], array![[0.0, 1.0]]);
        let train = LabelledFeatures::new(features.view(), &[0, 1], &classes).unwrap();
        let wider = LabelledFeatures::new(wider.view(), &[0], &classes).unwrap();
        let others = LabelledFeatures::new(features.view(), &[0, 1], &others).unwrap();
        let params = FitParams::new().check().unwrap();
        for set in [wider, others] {
            let error = fit(&params, &train, Some(&set), &mut |_| {}).unwrap_err();
            assert!(matches!(error, Error::Mismatch { .. }));
        }
    }
}
