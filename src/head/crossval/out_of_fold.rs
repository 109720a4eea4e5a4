//! Out-of-fold logits: those of each sample by the head trained without its fold.

use ndarray::{Array2, Axis};

use super::folds::Folds;
use crate::error::Result;
use crate::head::data::LabelledFeatures;
use crate::head::fit::{Job, run};
use crate::head::linear::LinearHead;
use crate::head::parallel::{for_each_in_parallel, in_parallel, processors};
use crate::head::params::{FitValidParams, Solver};
use crate::progress::Progress;

/// Images whose logits a thread computes at a time.
const PART: usize = 1024;

/// Returns the logits of every row by a head fitted without the row's fold: (N · V, D) → (N · V, C).
///
/// The heads are fitted as [`fit`](fn@crate::head::fit) would on the whole set: with the same parameters, and
/// with the same `validation` set, which patience watches. A head never sees its own fold. Folds are fitted
/// in parallel without copying the features, except where SGD standardises them: then one fold at a time,
/// with one copy. The number of threads does not change the result.
///
/// # Errors
/// As [`fit`](fn@crate::head::fit), for the first fold that fails;
/// [`Error::Interrupted`](crate::Error::Interrupted) if `progress` asks to stop.
///
/// # Panics
/// When `folds` are not those of the set's samples.
pub fn out_of_fold(
    params: &FitValidParams,
    set: &LabelledFeatures<'_>,
    validation: Option<&LabelledFeatures<'_>>,
    folds: &Folds,
    progress: &dyn Progress,
) -> Result<Array2<f64>> {
    assert_eq!(
        folds.of_row().len(),
        set.n_samples(),
        "`folds` must match the samples of `set`"
    );
    let of_fold = |fold: usize| -> Result<LinearHead> {
        let job = Job {
            images: folds.split(fold).train,
            progress,
            ..Job::new(params, set, validation)
        };
        Ok(run(job, &mut |_| {})?.head)
    };
    let values = params.values();
    let copies = values.standardize && values.solver == Solver::Sgd;
    let at_once = if copies { 1 } else { processors() };
    let mut heads = Vec::with_capacity(folds.k());
    for first in (0..folds.k()).step_by(at_once) {
        let some = at_once.min(folds.k() - first);
        for head in in_parallel(some, |number| of_fold(first + number)) {
            heads.push(head?);
        }
    }
    Ok(logits(set, &heads, folds))
}

/// Returns the logits of each row by the head of its image's fold, (N · V, C).
fn logits(set: &LabelledFeatures<'_>, heads: &[LinearHead], folds: &Folds) -> Array2<f64> {
    let mut all = Array2::zeros((set.features().nrows(), set.classes().len()));
    let parts = all.axis_chunks_iter_mut(Axis(0), set.views() * PART);
    for_each_in_parallel(&mut parts.collect::<Vec<_>>(), |number, part| {
        let images = part.axis_chunks_iter_mut(Axis(0), set.views());
        for (image, mut rows) in (number * PART..).zip(images) {
            let head = &heads[folds.of_row()[image]];
            let logits = head.logits(set.image(image).features());
            rows.assign(&logits.expect("the head was fitted to these features"));
        }
    });
    all
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;
    use ndarray::s;

    use super::*;
    use crate::classes::ClassIndex;
    use crate::head::data::Groups;
    use crate::head::{FitParams, Schedule, fit};
    use crate::progress::Silent;

    /// Checks each row of `out_of_fold` against a head that `fit` trained on a copy of the other folds'
    /// images.
    fn predicted_by_heads_of_the_others(params: FitParams, tolerance: f64) {
        let features = Array2::from_shape_fn((24, 3), |(row, column)| {
            ((row * 5 + column * 7) % 11) as f32 / 11.0
        });
        let targets: Vec<usize> = (0..12).map(|image| image % 2).collect();
        let classes = ClassIndex::from_names(["a", "b"]);
        let labelled = |features, targets| -> LabelledFeatures<'_> {
            LabelledFeatures::with_views(features, 2, targets, &classes).unwrap()
        };
        let set = labelled(features.view(), &targets);
        let watched = features.slice(s![..8, ..]).mapv(|x| 1.0 - x * x);
        let watched = labelled(watched.view(), &targets[..4]);
        let digests: Vec<_> = (0..12u8).map(|image| [image; 32]).collect();
        let folds = Folds::new(&targets, &Groups::of_equal(&digests), 3, 0).unwrap();
        let params = params.check().unwrap();
        let logits = out_of_fold(&params, &set, Some(&watched), &folds, &Silent).unwrap();
        for fold in 0..3 {
            let split = folds.split(fold);
            let rows = |images: &[usize]| -> Vec<usize> {
                let views = |image: &usize| [2 * image, 2 * image + 1];
                images.iter().flat_map(views).collect()
            };
            let train = features.select(Axis(0), &rows(&split.train));
            let train_targets: Vec<usize> = split.train.iter().map(|&i| targets[i]).collect();
            let train =
                LabelledFeatures::with_views(train.view(), 2, &train_targets, &classes).unwrap();
            let head = fit(&params, &train, Some(&watched), &mut |_| {})
                .unwrap()
                .head;
            for row in rows(&split.validation) {
                let alone = features.select(Axis(0), &[row]);
                let expected = head.logits(alone.view()).unwrap();
                let far = (&expected.row(0) - &logits.row(row)).mapv(f64::abs);
                assert!(far.iter().all(|far| *far <= tolerance), "{params:?}: {far}");
            }
        }
    }

    #[test]
    fn every_row_is_predicted_by_the_head_that_never_saw_it() {
        let sgd = || FitParams::new().lr(0.5).epochs(30).batch_size(4);
        predicted_by_heads_of_the_others(sgd(), 0.0);
        predicted_by_heads_of_the_others(sgd().dropout(0.2).schedule(Schedule::Cosine), 0.0);
        predicted_by_heads_of_the_others(sgd().standardize(true), 1e-6);
        // Patience watches the same images in every fold, and stops early here.
        predicted_by_heads_of_the_others(sgd().patience(Some(2)), 0.0);
        let lbfgs = || FitParams::new().solver(Solver::Lbfgs).tol(1e-10);
        predicted_by_heads_of_the_others(lbfgs(), 1e-6);
        predicted_by_heads_of_the_others(lbfgs().standardize(true), 1e-6);
    }

    #[test]
    fn patience_without_a_set_to_watch_is_refused_and_not_dropped() {
        let features = Array2::from_shape_fn((6, 1), |(row, _)| row as f32);
        let classes = ClassIndex::from_names(["a", "b"]);
        let targets = [0, 1, 0, 1, 0, 1];
        let set = LabelledFeatures::new(features.view(), &targets, &classes).unwrap();
        let digests: Vec<_> = (0..6u8).map(|image| [image; 32]).collect();
        let folds = Folds::new(&targets, &Groups::of_equal(&digests), 2, 0).unwrap();
        let params = FitParams::new().patience(Some(1)).check().unwrap();
        assert!(out_of_fold(&params, &set, None, &folds, &Silent).is_err());
    }
}
