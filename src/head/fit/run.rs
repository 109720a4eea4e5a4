//! A whole fit: the solver that was asked for, and what to think of what it found.

use std::time::Instant;

use super::figures::{EpochFigures, ValidationFigures};
use super::solvers::{Job, by_sgd, to_minimum};
use super::warnings::{FitWarning, of_loss, warnings};
use crate::classes::ClassIndex;
use crate::error::{Error, Result};
use crate::head::data::LabelledFeatures;
use crate::head::lbfgs::Optimum;
use crate::head::linear::{LinearHead, Targets};
use crate::head::params::{ClassWeight, FitValidParams, Solver};

/// A fitted head and how it came about.
#[derive(Debug, Clone)]
pub struct Fit {
    /// The head after the last epoch, or after the best one where the fit had patience; L-BFGS's at the minimum.
    pub head: LinearHead,
    /// One entry for each epoch; none of L-BFGS.
    pub history: Vec<EpochFigures>,
    /// The epoch whose head was kept, counted from 1, where the fit had patience.
    pub best_epoch: Option<usize>,
    /// What L-BFGS reached.
    pub optimum: Option<Optimum>,
    /// How the head does on the validation set, where one was given.
    pub validation: Option<ValidationFigures>,
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
    fit_from(&start, params, train, validation, on_epoch)
}

/// Fits a head from the weights of another; `on_epoch` hears of every epoch as it ends.
///
/// SGD draws one of the views of an image for every epoch, and puts the images into a new order, from the seed alone
/// (Fisher–Yates on xoshiro256++, the same on every machine); the last batch of an epoch takes what is left. For an
/// order of one's own, step by step, use [`Sgd`](crate::head::Sgd). L-BFGS minimises
/// `(Σ w[y] · l + l2 / 2 · ‖W‖²) / Σ w[y]`, scikit-learn's `LogisticRegression` with `C = 1 / l2`, every view of an image
/// counting its share; of two classes the penalty is on the difference of their rows, as there.
///
/// # Errors
/// [`Error::Input`] when the training set has fewer than two classes or does not fit the start or the class weights,
/// or when patience has no validation set; [`Error::Mismatch`] when the validation set has other classes or features;
/// [`Error::Diverged`] when the loss or a weight is no longer a finite number; [`Error::NotConverged`] when L-BFGS's
/// gradient is not near zero.
pub fn fit_from(
    start: &LinearHead,
    params: &FitValidParams,
    train: &LabelledFeatures<'_>,
    validation: Option<&LabelledFeatures<'_>>,
    on_epoch: &mut dyn FnMut(&EpochFigures),
) -> Result<Fit> {
    let all: Vec<usize> = (0..train.n_samples()).collect();
    fit_some(start, params, train, &all, validation, on_epoch)
}

/// [`fit_from`] on some images of a set, in ascending order, which are not copied.
pub(crate) fn fit_some(
    start: &LinearHead,
    params: &FitValidParams,
    train: &LabelledFeatures<'_>,
    images: &[usize],
    validation: Option<&LabelledFeatures<'_>>,
    on_epoch: &mut dyn FnMut(&EpochFigures),
) -> Result<Fit> {
    validation.map_or(Ok(()), |validation| same_kind(train, validation))?;
    require_validation(params.values().patience, validation.is_some())?;
    let job = Job {
        validation: validation.map(LabelledFeatures::reborrow),
        ..job(params, train.reborrow(), images)?
    };
    fit_job(start, job, on_epoch)
}

/// [`fit`] on some images of a set, of so many epochs, over which the schedule is spread.
pub(crate) fn fit_stretched(
    epochs: usize,
    params: &FitValidParams,
    train: &LabelledFeatures<'_>,
    images: &[usize],
    validation: Option<&LabelledFeatures<'_>>,
) -> Result<Fit> {
    require_validation(params.values().patience, validation.is_some())?;
    let start = LinearHead::zeros(train.classes().len(), train.features().ncols());
    let job = Job {
        epochs,
        validation: validation.map(LabelledFeatures::reborrow),
        ..job(params, train.reborrow(), images)?
    };
    fit_job(&start, job, &mut |_| {})
}

/// [`fit`] where each image counts as much as its weight, (N), as scikit-learn's `sample_weight`.
///
/// # Errors
/// Also for SGD, whose batches have no such weights, for balanced classes, and for weights below 0, not finite, or all 0.
pub(crate) fn fit_weighted(
    weights: Vec<f64>,
    params: &FitValidParams,
    train: &LabelledFeatures<'_>,
) -> Result<Fit> {
    require_weights(&weights, params, train)?;
    let start = LinearHead::zeros(train.classes().len(), train.features().ncols());
    let all: Vec<usize> = (0..train.n_samples()).collect();
    let job = Job {
        image_weights: weights,
        ..job(params, train.reborrow(), &all)?
    };
    fit_job(&start, job, &mut |_| {})
}

/// A fit without validation on some images of a set, each of which counts the same.
fn job<'a>(
    params: &'a FitValidParams,
    train: LabelledFeatures<'a>,
    images: &'a [usize],
) -> Result<Job<'a>> {
    let values = params.values();
    let counts = train.class_counts_of(images);
    train.at_least_two_classes(&counts)?;
    let mut image_weights = vec![0.0; train.n_samples()];
    for &image in images {
        image_weights[image] = 1.0;
    }
    Ok(Job {
        params,
        validation: None,
        class_weights: values.class_weight.weights(train.classes(), &counts)?,
        image_weights,
        train,
        images,
        epochs: values.epochs,
    })
}

fn fit_job(
    start: &LinearHead,
    job: Job<'_>,
    on_epoch: &mut dyn FnMut(&EpochFigures),
) -> Result<Fit> {
    let started = Instant::now();
    require_shape(start, &job.train)?;
    let (params, train) = (job.params, job.train);
    let counts = train.class_counts_of(job.images);
    let validated = job.validation.map(|set| set.class_counts());
    let fit = match params.values().solver {
        Solver::Sgd => by_sgd(start, job, on_epoch)?,
        Solver::Lbfgs | Solver::Linfa => to_minimum(start, job)?,
    };
    let validated = validated.as_deref();
    Ok(finished(
        fit,
        params,
        train.classes(),
        &counts,
        validated,
        started,
    ))
}

fn require_weights(
    weights: &[f64],
    params: &FitValidParams,
    train: &LabelledFeatures<'_>,
) -> Result<()> {
    let values = params.values();
    let (problem, hint) = if values.solver != Solver::Lbfgs {
        let problem = format!(
            "the solver `{}` has no sample weights",
            values.solver.name()
        );
        (problem, "use the solver `lbfgs`, or leave the weights out")
    } else if values.class_weight == ClassWeight::Balanced {
        let problem = "balanced classes and sample weights cannot be combined".to_owned();
        (problem, "multiply the balance into the sample weights")
    } else if weights.len() != train.n_samples() {
        let problem = format!(
            "{} sample weights for {} samples",
            weights.len(),
            train.n_samples()
        );
        (problem, "give every sample one weight")
    } else if !weights.iter().all(|w| w.is_finite() && *w >= 0.0)
        || weights.iter().sum::<f64>() <= 0.0
    {
        let problem = "the sample weights must be finite, 0 or more, and not all 0".to_owned();
        (problem, "check the weights of the data set")
    } else {
        return Ok(());
    };
    Err(Error::Input {
        problem,
        hint: hint.to_owned(),
    })
}

/// Adds what to think of a fit on so many images of each class, and of the validation set.
pub(crate) fn finished(
    mut fit: Fit,
    params: &FitValidParams,
    classes: &ClassIndex,
    counts: &[usize],
    validated: Option<&[usize]>,
    started: Instant,
) -> Fit {
    let values = params.values();
    let judged = guessing(params, classes, counts).and_then(|guessing| {
        let kept = fit
            .best_epoch
            .map_or(fit.history.last(), |e| fit.history.get(e - 1));
        let kept = kept.map(|figures| figures.train_loss);
        of_loss(
            &fit.history,
            kept.or(fit.optimum.map(|o| o.loss))?,
            guessing,
        )
    });
    // Where patience ended it, more epochs would not have helped; nor would they where it leads away.
    let goes_on = fit.history.len() == values.epochs && judged.is_none();
    let history = if goes_on { fit.history.as_slice() } else { &[] };
    let counts: Vec<_> = classes.iter().zip(counts.iter().copied()).collect();
    fit.warnings = judged.into_iter().collect();
    fit.warnings
        .extend(warnings(&counts, validated, &values.class_weight, history));
    fit.seconds = started.elapsed().as_secs_f64();
    fit
}

/// The training loss of a head that gives every class the same probability: ln C, unless classes are weighted and smoothed.
fn guessing(params: &FitValidParams, classes: &ClassIndex, counts: &[usize]) -> Option<f64> {
    let values = params.values();
    let weights = values.class_weight.weights(classes, counts).ok()?;
    let targets = Targets::new(weights, values.label_smoothing);
    let sum = |of: &dyn Fn(usize) -> f64| -> f64 {
        let counts = counts.iter().enumerate();
        counts.map(|(class, &n)| n as f64 * of(class)).sum()
    };
    let asked = sum(&|class| targets.sum(class));
    Some((classes.len() as f64).ln() * asked / sum(&|class| targets.class_weight(class)))
}

impl Fit {
    /// A head, and nothing to tell of it yet.
    pub(crate) fn of(head: LinearHead) -> Self {
        Self {
            head,
            history: Vec::new(),
            best_epoch: None,
            optimum: None,
            validation: None,
            seconds: 0.0,
            warnings: Vec::new(),
        }
    }
}

pub(crate) fn require_validation(patience: Option<usize>, is_there: bool) -> Result<()> {
    if patience.is_none() || is_there {
        return Ok(());
    }
    Err(Error::Input {
        problem: "`--patience` needs a validation set, whose loss it watches".to_owned(),
        hint: "give --validation FEATURES or --validation-split 0.2".to_owned(),
    })
}

fn require_shape(start: &LinearHead, train: &LabelledFeatures<'_>) -> Result<()> {
    let ours = (start.n_classes(), start.n_features());
    let theirs = (train.classes().len(), train.features().ncols());
    if ours == theirs {
        return Ok(());
    }
    Err(Error::Input {
        problem: format!(
            "cannot go on from a head of {} classes and {} features with {} and {}",
            ours.0, ours.1, theirs.0, theirs.1
        ),
        hint: "take the head's own classes and features".to_owned(),
    })
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
    fn a_loss_above_guessing_is_a_warning() {
        // Features of 1e6: steps of 0.001 · 1e6 overshoot for ever, since one label contradicts its features.
        let features = Array2::from_shape_fn((40, 2), |(row, column)| {
            1e6 * (1.0 + ((row * 7 + column * 3) % 11) as f32 / 11.0)
        });
        let targets: Vec<usize> = (0..40).map(|row| row * row % 3 % 2).collect();
        let fit = fit_on(FitParams::new(), &features, &targets).unwrap();
        assert!(
            matches!(fit.warnings[0], FitWarning::WorseThanGuessing { loss, guessing }
                if loss > guessing && (guessing - 2f64.ln()).abs() < 1e-12),
            "{:?}",
            fit.warnings
        );
        let standard = FitParams::new().standardize(true);
        let fit = fit_on(standard, &features, &targets).unwrap();
        let losses = fit.warnings.iter().filter(|w| {
            matches!(
                w,
                FitWarning::WorseThanGuessing { .. } | FitWarning::Overshot { .. }
            )
        });
        assert_eq!(losses.count(), 0, "{:?}", fit.warnings);
    }

    #[test]
    fn a_head_that_is_certain_of_everything_is_a_warning() {
        let features =
            Array2::from_shape_fn((64, 1), |(row, _)| if row % 2 == 0 { 1.0 } else { -1.0 });
        let targets: Vec<usize> = (0..64).map(|row| row % 2).collect();
        let fit = fit_on(FitParams::new().lr(100.0), &features, &targets).unwrap();
        assert!(
            fit.warnings
                .iter()
                .any(|w| matches!(w, FitWarning::Certain { .. })),
            "{:?}",
            fit.warnings
        );
        let fit = fit_on(FitParams::new().lr(0.1), &features, &targets).unwrap();
        assert!(fit.warnings.is_empty(), "{:?}", fit.warnings);
    }

    #[test]
    fn guessing_is_the_loss_of_zero_weights() {
        // One epoch of one step: its loss is that of the start.
        let features = array![[1.0f32], [2.0], [3.0]];
        let classes = ClassIndex::from_names(["a", "b"]);
        let set = LabelledFeatures::new(features.view(), &[0, 0, 1], &classes).unwrap();
        let weights = ClassWeight::Given([("a".to_owned(), 1.0), ("b".to_owned(), 5.0)].into());
        for weight in [ClassWeight::None, ClassWeight::Balanced, weights] {
            let params = FitParams::new()
                .epochs(1)
                .class_weight(weight)
                .label_smoothing(0.2);
            let params = params.check().unwrap();
            let first = fit(&params, &set, None, &mut |_| {}).unwrap().history[0].train_loss;
            let guessing = guessing(&params, &classes, &[2, 1]).unwrap();
            assert!((first - guessing).abs() < 1e-6, "{first} {guessing}");
        }
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

    #[test]
    fn standardised_features_give_a_head_on_the_features_as_they_are() {
        // A feature of 1000 ± 1 is hopeless for plain steps of 0.1, and easy once it is ± 1.
        let features = Array2::from_shape_fn(
            (20, 1),
            |(row, _)| if row % 2 == 0 { 999.0 } else { 1001.0 },
        );
        let targets: Vec<usize> = (0..20).map(|row| row % 2).collect();
        for solver in [Solver::Sgd, Solver::Lbfgs] {
            let params = FitParams::new().lr(0.1).standardize(true).solver(solver);
            let head = fit_on(params, &features, &targets).unwrap().head;
            let p = head.predict_proba(features.view()).unwrap();
            assert!(p[[0, 0]] > 0.85 && p[[1, 1]] > 0.85, "{solver:?}: {p}");
        }
    }

    #[test]
    fn lbfgs_tells_what_it_reached_and_has_no_epochs() {
        let features = array![[0.0f32, 1.0], [1.0, 0.5], [2.0, -1.0], [0.5, 0.5]];
        let classes = ClassIndex::from_names(["a", "b"]);
        let set = LabelledFeatures::new(features.view(), &[0, 1, 1, 0], &classes).unwrap();
        let params = FitParams::new().solver(Solver::Lbfgs).tol(1e-9);
        let mut epochs = 0;
        let fit = fit(&params.check().unwrap(), &set, Some(&set), &mut |_| {
            epochs += 1;
        })
        .unwrap();
        assert!(epochs == 0 && fit.history.is_empty());
        assert!(fit.optimum.unwrap().gradient < 2e-9);
        assert!((fit.validation.unwrap().accuracy - 1.0).abs() < 1e-12);
    }
}
