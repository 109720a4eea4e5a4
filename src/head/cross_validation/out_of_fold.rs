//! What a head says of samples that it was not trained on: every sample once, by the head that left its fold out.

use linfa::ParamGuard;
use ndarray::{Array2, Axis};

use super::folds::Folds;
use crate::error::Result;
use crate::head::fit::fit;
use crate::head::labelled::LabelledFeatures;
use crate::head::parallel::in_parallel;
use crate::head::params::{FitParams, FitValidParams};

/// The logits of every row by a head that was fitted without the row's fold: (N · V, D) to (N · V, C).
///
/// The heads are fitted with the same parameters, one for each fold, several at a time; the number of threads does not
/// change the result. Patience is left out: a fold is to judge its head, not to stop it.
///
/// # Errors
/// As [`fit`](fn@crate::head::fit), for the first fold where it fails.
///
/// # Panics
/// When `folds` are not those of the set's samples.
pub fn out_of_fold(
    params: &FitValidParams,
    set: &LabelledFeatures<'_>,
    folds: &Folds,
) -> Result<Array2<f64>> {
    assert_eq!(
        folds.of_row().len(),
        set.n_samples(),
        "a fold for every sample"
    );
    let params = FitParams::from(params.values().clone())
        .patience(None)
        .check()?;
    let of_fold = |fold: usize| -> Result<(Vec<usize>, Array2<f64>)> {
        let split = folds.split(fold);
        let train = set.select(&split.train);
        let head = fit(&params, &train.labelled(set.classes())?, None, &mut |_| {})?.head;
        let rows = set.rows_of(&split.validation);
        let logits = head.logits(set.features().select(Axis(0), &rows).view())?;
        Ok((rows, logits))
    };
    let mut all = Array2::zeros((set.features().nrows(), set.classes().len()));
    for result in in_parallel(folds.k(), of_fold) {
        let (rows, logits) = result?;
        for (row, logits) in rows.into_iter().zip(logits.rows()) {
            all.row_mut(row).assign(&logits);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::ClassIndex;
    use crate::head::LinearHead;
    use crate::head::cross_validation::Groups;

    #[test]
    fn every_row_is_judged_by_the_head_that_never_saw_it() {
        let features = Array2::from_shape_fn((12, 3), |(row, column)| {
            ((row * 5 + column * 7) % 11) as f32 / 11.0
        });
        let targets: Vec<usize> = (0..6).map(|image| image % 2).collect();
        let classes = ClassIndex::from_names(["a", "b"]);
        let set = LabelledFeatures::with_views(features.view(), 2, &targets, &classes).unwrap();
        let digests: Vec<_> = (0..6u8).map(|image| [image; 32]).collect();
        let folds = Folds::new(&targets, &Groups::new(&digests, &[]), 3, 0).unwrap();
        let params = FitParams::new().lr(0.5).epochs(3).check().unwrap();
        let logits = out_of_fold(&params, &set, &folds).unwrap();

        let split = folds.split(1);
        let rows = |images: &[usize]| -> Vec<usize> {
            images
                .iter()
                .flat_map(|image| [2 * image, 2 * image + 1])
                .collect()
        };
        let train = features.select(Axis(0), &rows(&split.train));
        let labels: Vec<usize> = split.train.iter().map(|&image| targets[image]).collect();
        let train = LabelledFeatures::with_views(train.view(), 2, &labels, &classes).unwrap();
        let head: LinearHead = fit(&params, &train, None, &mut |_| {}).unwrap().head;
        for row in rows(&split.validation) {
            let alone = features.select(Axis(0), &[row]);
            assert_eq!(head.logits(alone.view()).unwrap().row(0), logits.row(row));
        }
    }
}
