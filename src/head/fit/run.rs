//! Fits a head in memory with the solver that the parameters name.

use std::time::Instant;

use super::diagnosis::diagnose;
use super::epochs::require_validation;
use super::figures::{EpochFigures, Fit};
#[cfg(feature = "serve")]
use super::solvers::towards_minimum;
use super::solvers::{Job, by_sgd, to_minimum};
use crate::error::{DataProblem, HeadError, Pair, Result};
use crate::head::data::{LabelledFeatures, require_two_classes};
use crate::head::linear::LinearHead;
use crate::head::parallel::start_processors;
use crate::head::params::{ClassWeight, FitValidParams, Solver};
use crate::progress::Progress;

/// Fits a head from zero weights; [`fit_from`] with [`LinearHead::zeros`].
///
/// The loss is convex, so the start changes only the time to reach the optimum; zeros treat all classes alike
/// and need no seed.
///
/// # Errors
/// As [`fit_from`].
pub fn fit(
    params: &FitValidParams,
    train: &LabelledFeatures<'_>,
    validation: Option<&LabelledFeatures<'_>>,
    on_epoch: &mut dyn FnMut(&EpochFigures),
) -> Result<Fit> {
    run(Job::new(params, train, validation), on_epoch)
}

/// Fits a head, starting from the weights of another head; calls `on_epoch` after every epoch.
///
/// In every epoch, SGD shuffles the images and draws one view of each, determined by the seed alone
/// (Fisher–Yates on xoshiro256++, the same on every machine); the last batch of an epoch may be smaller. To
/// choose the order yourself, step by step, use [`Sgd`](crate::head::Sgd). L-BFGS minimises
/// `(Σ w[y] · l + l2 / 2 · ‖W‖²) / Σ w[y]`, as scikit-learn's `LogisticRegression` with `C = 1 / l2`; each of
/// the V views of an image counts `1 / V`. For two classes, the penalty is on the difference of their rows,
/// as in scikit-learn.
///
/// # Errors
/// [`DataProblem`] when the training set has fewer than two classes or does not match the class weights, and
/// when the validation set has other classes or features; [`HeadError::OtherStart`] when the training set
/// does not match the start; [`HeadError::PatienceAlone`] when patience is set without a validation set;
/// [`HeadError::Diverged`] when the loss or a weight is no longer finite; [`HeadError::NotConverged`] when
/// the gradient at the end of L-BFGS is not near zero.
pub fn fit_from(
    start: &LinearHead,
    params: &FitValidParams,
    train: &LabelledFeatures<'_>,
    validation: Option<&LabelledFeatures<'_>>,
    on_epoch: &mut dyn FnMut(&EpochFigures),
) -> Result<Fit> {
    let job = Job {
        start: start.clone(),
        ..Job::new(params, train, validation)
    };
    run(job, on_epoch)
}

/// Fits a head from zero weights on samples with weights, as scikit-learn's `sample_weight`; `progress` may
/// ask to stop.
///
/// In SGD, the weight of a sample is a factor of its loss and of its part in the normaliser of its batch, as
/// in `(w * cross_entropy(…, reduction="none")).sum() / w.sum()`; a batch whose weights sum to 0 takes no
/// step.
///
/// # Errors
/// As [`fit_from`]; [`DataProblem`] for weights that are not one for each sample, below 0, not finite, or all
/// 0, and for weights with balanced classes or with linfa-logistic;
/// [`Error::Interrupted`](crate::Error::Interrupted) before the step at which `progress` asked to stop.
#[doc(hidden)]
pub fn fit_weighted(
    params: &FitValidParams,
    train: &LabelledFeatures<'_>,
    sample_weights: Option<Vec<f64>>,
    progress: &dyn Progress,
) -> Result<Fit> {
    let job = Job {
        sample_weights,
        progress,
        ..Job::new(params, train, None)
    };
    run(job, &mut |_| {})
}

/// Checks and runs a job.
///
/// # Errors
/// As [`fit_from`]; also [`DataProblem`] for sample weights with linfa-logistic or with balanced classes, and
/// for sample weights that are below 0, not finite, or all 0;
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub(crate) fn run(job: Job<'_>, on_epoch: &mut dyn FnMut(&EpochFigures)) -> Result<Fit> {
    let started = Instant::now();
    let (params, train) = (job.params, job.train);
    check(&job)?;
    start_processors()?;
    let counts = train.class_counts_of(&job.images);
    require_two_classes(train.classes(), &counts)?;
    let class_weight = &params.values().class_weight;
    let class_weights = class_weight.weights(train.classes(), &counts)?;
    let validated = job.validation.map(|set| set.class_counts());
    let fit = match params.values().solver {
        Solver::Sgd => by_sgd(job, class_weights, on_epoch)?,
        Solver::Lbfgs | Solver::Linfa => to_minimum(&job, class_weights)?,
    };
    Ok(Fit {
        warnings: diagnose(&fit, params, train.classes(), &counts, validated.as_deref()),
        seconds: started.elapsed().as_secs_f64(),
        ..fit
    })
}

/// Takes at most `steps` steps of L-BFGS, and returns the head there, however far the minimum is.
///
/// # Errors
/// As [`run`], except [`HeadError::NotConverged`].
#[cfg(feature = "serve")]
pub(crate) fn approach(job: &Job<'_>, steps: usize) -> Result<LinearHead> {
    check(job)?;
    start_processors()?;
    let counts = job.train.class_counts_of(&job.images);
    require_two_classes(job.train.classes(), &counts)?;
    let class_weight = &job.params.values().class_weight;
    let class_weights = class_weight.weights(job.train.classes(), &counts)?;
    towards_minimum(job, class_weights, steps)
}

fn check(job: &Job<'_>) -> Result<()> {
    if let Some(validation) = &job.validation {
        same_kind(&job.train, validation)?;
    }
    require_validation(job.params.values().patience, job.validation.is_some())?;
    if let Some(weights) = &job.sample_weights {
        require_weights(weights, job.params, &job.train)?;
    }
    require_shape(&job.start, &job.train)
}

fn require_weights(
    weights: &[f64],
    params: &FitValidParams,
    train: &LabelledFeatures<'_>,
) -> Result<(), DataProblem> {
    let values = params.values();
    if values.solver == Solver::Linfa {
        let solver = values.solver.name();
        return Err(DataProblem::WeightsUnused { solver });
    }
    if values.class_weight == ClassWeight::Balanced {
        return Err(DataProblem::WeightsAndBalance);
    }
    if weights.len() != train.n_samples() {
        return Err(DataProblem::SampleWeights {
            weights: weights.len(),
            samples: train.n_samples(),
        });
    }
    let in_range = weights.iter().all(|w| w.is_finite() && *w >= 0.0);
    if in_range && weights.iter().sum::<f64>() > 0.0 {
        return Ok(());
    }
    Err(DataProblem::WeightsOutOfRange)
}

fn require_shape(start: &LinearHead, train: &LabelledFeatures<'_>) -> Result<()> {
    let head = [start.n_classes(), start.n_features()];
    let set = [train.classes().len(), train.features().ncols()];
    if head == set {
        return Ok(());
    }
    Err(HeadError::OtherStart { head, set }.into())
}

fn same_kind(train: &LabelledFeatures<'_>, validation: &LabelledFeatures<'_>) -> Result<()> {
    let widths = [train.features().ncols(), validation.features().ncols()];
    Pair::Validation.require_equal(widths)?;
    if train.classes() == validation.classes() {
        return Ok(());
    }
    Err(DataProblem::OtherClasses.into())
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;
    use ndarray::{Array2, array};

    use super::*;
    use crate::classes::ClassIndex;
    use crate::error::Error;
    use crate::head::data::Groups;
    use crate::head::parallel::processors;
    use crate::head::{FitParams, FitWarning, Folds, learning_curve, out_of_fold, search};
    use crate::progress::tests::StopsAt;

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
        assert!(
            matches!(error, Error::Head(HeadError::Diverged { epoch: 1, .. })),
            "{error}"
        );
    }

    #[test]
    fn a_loss_above_guessing_is_a_warning() {
        // Features of 1e6: steps of 0.001 · 1e6 overshoot forever, as one label contradicts its features.
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
    fn a_validation_loss_without_bounds_is_one_too() {
        // Features of 1e30 make weights of about 1e27, which are finite, but whose products with 3e38 are
        // not.
        let classes = ClassIndex::from_names(["a", "b"]);
        let (features, huge) = (array![[1e30f32], [-1e30]], array![[3e38f32], [3e38]]);
        let train = LabelledFeatures::new(features.view(), &[0, 1], &classes).unwrap();
        let validation = LabelledFeatures::new(huge.view(), &[0, 1], &classes).unwrap();
        let params = FitParams::new().epochs(1).check().unwrap();
        let error = fit(&params, &train, Some(&validation), &mut |_| {}).unwrap_err();
        assert!(
            matches!(error, Error::Head(HeadError::Diverged { epoch: 1, .. })),
            "{error}"
        );
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
        let pair = Pair::Validation;
        let widths = [1, 2];
        for (set, wanted) in [
            (wider, DataProblem::Widths { pair, widths }),
            (others, DataProblem::OtherClasses),
        ] {
            let error = fit(&params, &train, Some(&set), &mut |_| {}).unwrap_err();
            let Error::Head(HeadError::Data(problem)) = error else {
                panic!("{error}")
            };
            assert_eq!(problem, wanted);
        }
    }

    #[test]
    fn standardised_features_give_a_head_on_the_features_as_they_are() {
        // A feature of 1000 ± 1 is hopeless for plain steps of 0.1, but easy once it is standardised to ± 1.
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
    fn a_fit_that_is_asked_to_stop_takes_no_further_step() {
        // With 2000 features and ten classes, SGD uses two threads where there are two.
        let features = Array2::from_shape_fn((60, 2000), |(row, column)| {
            ((row * 13 + column * 5) % 17) as f32 / 17.0
        });
        let targets: Vec<usize> = (0..60).map(|row| row % 10).collect();
        let classes = ClassIndex::from_names((0..10).map(|class| class.to_string()));
        let set = LabelledFeatures::new(features.view(), &targets, &classes).unwrap();
        let digests: Vec<_> = (0..60u8).map(|row| [row; 32]).collect();
        let groups = Groups::of_equal(&digests);
        let folds = Folds::new(&targets, &groups, 3, 0).unwrap();
        let interrupted = |error: Error| matches!(error, Error::Interrupted { kept: None });
        for solver in [Solver::Sgd, Solver::Lbfgs] {
            let params = FitParams::new()
                .solver(solver)
                .batch_size(8)
                .check()
                .unwrap();
            for nth in [1, 5] {
                let stops = || StopsAt::new(nth);
                let (progress, mut epochs) = (stops(), 0);
                let job = Job {
                    progress: &progress,
                    ..Job::new(&params, &set, None)
                };
                assert!(interrupted(run(job, &mut |_| epochs += 1).unwrap_err()));
                // An epoch has eight steps. Threads of L-BFGS each ask once more.
                assert!(epochs == 0 && progress.asked() <= nth + processors());
                let of_folds = out_of_fold(&params, &set, None, &folds, &stops());
                assert!(interrupted(of_folds.unwrap_err()));
                let curve = learning_curve(&params, &set, None, &groups, &folds, &stops());
                assert!(interrupted(curve.unwrap_err()));
                let search = search(&params, &[], &set, &folds, &stops());
                assert!(interrupted(search.unwrap_err()));
            }
            let job = Job {
                progress: &StopsAt::new(usize::MAX),
                ..Job::new(&params, &set, None)
            };
            let fitted = fit(&params, &set, None, &mut |_| {}).unwrap();
            assert_eq!(run(job, &mut |_| {}).unwrap().head, fitted.head);
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
