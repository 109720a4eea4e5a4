//! Whether a linear classifier tells new images from training images.

use linfa::ParamGuard;
use ndarray::{Array2, Axis, concatenate};
use serde::Serialize;

use super::tests_of_two::Ranks;
use crate::classes::ClassIndex;
use crate::error::Result;
use crate::head::crossval::{Folds, out_of_fold};
use crate::head::data::{Groups, LabelledFeatures, UnitRows};
use crate::head::{ClassWeight, FitParams, Solver};
use crate::progress::Progress;

/// The folds, and the fewest images on each side: two in each fold.
const FOLDS: usize = 5;
const FEWEST: usize = 2 * FOLDS;

/// How well a linear classifier tells new images from training images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Separation {
    /// 2 · `auc` - 1, in [0, 1]; 0 where `auc` is below 0.5.
    pub size: f64,
    /// The probability of such an `auc` if the new images are like the training images, in [0, 1].
    pub p_value: f64,
    /// The probability that a new image has a higher score than a training image of the same predicted class,
    /// each scored by a classifier that has seen neither: 0.5 if the two are alike, 1 if they never overlap.
    pub auc: f64,
    /// The number of new images that were compared.
    pub n_images: usize,
    /// The number of training images that were compared.
    pub n_training: usize,
}

/// Fits logistic regressions that tell the rows `new` from the rows `training`, and scores each row by the
/// one that was fitted without its fold. `classes` are those that the images are taken for: only images of
/// the same one are compared, so that other shares of the classes are no separation. Returns None for
/// fewer than 10 rows on either side, or if no class is on both.
///
/// # Errors
/// [`DataProblem::Widths`](crate::error::DataProblem::Widths) when the two do not have the same D;
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub(crate) fn separation(
    [new, training]: [&UnitRows; 2],
    classes: [&[usize]; 2],
    progress: &dyn Progress,
) -> Result<Option<Separation>> {
    let (n, m) = (new.len(), training.len());
    if n.min(m) < FEWEST {
        return Ok(None);
    }
    training.same_width(new)?;
    let rows: Array2<f32> = concatenate(Axis(0), &[new.rows(), training.rows()])
        .expect("both have the same number of columns");
    let of = |row: usize| usize::from(row < n);
    let targets: Vec<usize> = (0..n + m).map(of).collect();
    let sides = ClassIndex::from_names(["training", "new"]);
    let set = LabelledFeatures::new(rows.view(), &targets, &sides)?;
    let folds = Folds::new(&targets, &Groups::of_rows(n + m), FOLDS, 0)?;
    let params = FitParams::new().solver(Solver::Lbfgs).tol(1e-4);
    let params = params.class_weight(ClassWeight::Balanced).check()?;
    let logits = out_of_fold(&params, &set, None, &folds, progress)?;
    let scores = logits.rows().into_iter().map(|row| row[1] - row[0]);
    let scores: Vec<f64> = scores.collect();
    let classes = [classes[0], classes[1]].concat();
    let n_classes = classes.iter().max().map_or(0, |last| last + 1);
    let mut strata = vec![[Vec::new(), Vec::new()]; FOLDS * n_classes];
    for (row, score) in scores.into_iter().enumerate() {
        let stratum = folds.of_row()[row] * n_classes + classes[row];
        strata[stratum][1 - targets[row]].push(score);
    }
    let mut ranks = Ranks::default();
    for [new, training] in &strata {
        ranks.add(new, training);
    }
    Ok(ranks.test().map(|(auc, p_value)| Separation {
        size: (2.0 * auc - 1.0).max(0.0),
        p_value,
        auc,
        n_images: n,
        n_training: m,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    /// Returns 40 rows of numbers in [0, 1), the first of which is moved by `by`.
    fn rows(seed: usize, by: f32) -> UnitRows {
        let value = |row: usize, column: usize| {
            let mixed =
                (row * 7919 + column * 104_729 + seed * 1_299_709).wrapping_mul(2_654_435_761);
            let value = (mixed >> 7 & 0xffff) as f32 / 65_536.0;
            if column == 0 { value + by } else { value }
        };
        UnitRows::of(Array2::from_shape_fn((40, 6), |(row, column)| value(row, column)).view())
    }

    #[test]
    fn what_is_moved_is_told_apart_within_each_class() {
        let classes: Vec<usize> = (0..40).map(|row| row % 3).collect();
        let of = |by| {
            let sides = [&rows(1, by), &rows(2, 0.0)];
            separation(sides, [&classes, &classes], &Silent)
                .unwrap()
                .unwrap()
        };
        let (same, moved) = (of(0.0), of(3.0));
        assert!(same.p_value > 0.01, "{same:?}");
        assert!(moved.auc > 0.99 && moved.p_value < 1e-6, "{moved:?}");
        assert_eq!((moved.n_images, moved.n_training), (40, 40));
    }

    #[test]
    fn other_classes_and_few_images_are_not_compared() {
        let sides = [&rows(1, 3.0), &rows(2, 0.0)];
        let found = separation(sides, [&[0; 40], &[1; 40]], &Silent).unwrap();
        assert!(found.is_none());
        let few = UnitRows::of(sides[0].rows().slice(ndarray::s![..9, ..]));
        let found = separation([&few, sides[1]], [&[0; 9], &[0; 40]], &Silent);
        assert!(found.unwrap().is_none());
    }
}
