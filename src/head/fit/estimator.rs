//! The head as a linfa estimator: `params.fit(&dataset)`, `head.predict(&records)`.

use linfa::DatasetBase;
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, ArrayBase, Data, Ix1, Ix2};

use super::run::run;
use super::solvers::Job;
use crate::classes::ClassIndex;
use crate::error::{DataProblem, Error, Result};
use crate::head::data::LabelledFeatures;
use crate::head::linear::{LinearHead, argmax};
use crate::head::params::FitValidParams;

impl<D, T> Fit<ArrayBase<D, Ix2>, ArrayBase<T, Ix1>, Error> for FitValidParams
where
    D: Data<Elem = f32>,
    T: Data<Elem = usize>,
{
    type Object = LinearHead;

    /// Fits a head on records (N, D) and targets (N), with classes numbered from 0 to the largest target.
    ///
    /// ```
    /// use frostline::head::FitParams;
    /// use linfa::Dataset;
    /// use linfa::traits::{Fit, Predict};
    /// use ndarray::array;
    ///
    /// let records = array![[1.0f32, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]];
    /// let dataset = Dataset::new(records, array![0usize, 0, 1, 1]);
    /// let head = FitParams::new().lr(0.1).fit(&dataset)?;
    /// assert_eq!(head.predict(&array![[0.8, 0.3], [0.2, 0.7]]), array![0, 1]);
    /// # Ok::<(), frostline::error::Error>(())
    /// ```
    ///
    /// Weights of the dataset are scikit-learn's `sample_weight`; linfa-logistic does not support them.
    ///
    /// # Errors
    /// As [`fit`](fn@crate::head::fit); [`DataProblem`] for weights that the solver does not support or that
    /// are out of range, and for a target of N or more, because the class numbers then have gaps.
    fn fit(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, ArrayBase<T, Ix1>>,
    ) -> Result<LinearHead> {
        let targets = dataset.targets().to_vec();
        let classes = numbered_classes(&targets)?;
        let set = LabelledFeatures::new(dataset.records().view(), &targets, &classes)?;
        let weights = dataset.weights();
        let job = Job {
            sample_weights: weights.map(|w| w.iter().copied().map(f64::from).collect()),
            ..Job::new(self, &set, None)
        };
        Ok(run(job, &mut |_| {})?.head)
    }
}

/// Returns the classes `0`, `1`, …, because a linfa dataset has no class names.
fn numbered_classes(targets: &[usize]) -> Result<ClassIndex> {
    let largest = targets.iter().copied().max().unwrap_or(0);
    if largest >= targets.len().max(1) {
        let samples = targets.len();
        return Err(DataProblem::Gaps { largest, samples }.into());
    }
    ClassIndex::from_ordered((0..=largest).map(|class| class.to_string()))
}

impl<D: Data<Elem = f32>> PredictInplace<ArrayBase<D, Ix2>, Array1<usize>> for LinearHead {
    /// Predicts the most likely class of every sample; in a tie, the first one.
    ///
    /// # Panics
    /// When the features do not have D columns, or `y` does not have length N: linfa's trait cannot return
    /// errors. [`LinearHead::predict_proba`] can.
    fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<usize>) {
        assert_eq!(
            x.ncols(),
            self.n_features(),
            "the head was fitted on a different number of features"
        );
        assert_eq!(
            x.nrows(),
            y.len(),
            "there must be one target for every sample"
        );
        let logits = self.rows_to_logits(x.view());
        y.iter_mut()
            .zip(logits.rows())
            .for_each(|(y, row)| *y = argmax(row));
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<usize> {
        Array1::zeros(x.nrows())
    }
}

#[cfg(test)]
mod tests {
    use linfa::Dataset;
    use linfa::traits::Predict;
    use ndarray::array;

    use super::*;
    use crate::head::{ClassWeight, FitParams, Solver};

    #[test]
    fn problems_come_out_as_our_own_errors() {
        let dataset = Dataset::new(array![[0.0f32], [1.0]], array![0usize, usize::MAX]);
        let error = FitParams::new().fit(&dataset).unwrap_err();
        assert!(error.to_string().ends_with("is too large for 2 samples"));
        let dataset = Dataset::new(array![[0.0f32], [1.0]], array![1usize, 1]);
        let error = FitParams::new().fit(&dataset).unwrap_err();
        assert!(error.to_string().ends_with("found only `1`"));
        let error = FitParams::new().epochs(0).fit(&dataset).unwrap_err();
        assert!(matches!(error, Error::Parameter { name: "epochs", .. }));
    }

    #[test]
    fn weights_of_the_data_set_are_scikit_learns_sample_weight() {
        // From scikit-learn's LogisticRegression(C=2, tol=1e-12).fit(X, y, sample_weight=w).
        let records = array![
            [0.0f32, 1.0],
            [1.0, 0.5],
            [2.0, -1.0],
            [0.5, 0.25],
            [1.5, 2.0],
            [-1.0, 0.75]
        ];
        let weights = array![1.0f32, 2.0, 0.5, 3.0, 1.0, 0.25];
        let params = FitParams::new().solver(Solver::Lbfgs).l2(0.5).tol(1e-10);
        let fitted = |targets: [usize; 6]| {
            let dataset = Dataset::new(records.clone(), Array1::from(targets.to_vec()));
            params.fit(&dataset.with_weights(weights.clone())).unwrap()
        };
        let close = |ours: f32, theirs: f64| (f64::from(ours) - theirs).abs() < 1e-6;
        let two = fitted([0, 1, 1, 0, 1, 0]);
        let (weight, bias) = (two.weight(), two.bias());
        assert!(close(weight[[1, 0]] - weight[[0, 0]], 1.756_219_30));
        assert!(close(weight[[1, 1]] - weight[[0, 1]], 0.412_782_61));
        assert!(close(bias[1] - bias[0], -1.761_673_51));
        let three = fitted([0, 1, 2, 0, 1, 2]);
        let expected = [
            [-0.937_628_19, -0.160_575_65],
            [0.888_710_28, 0.901_998_23],
            [0.048_917_92, -0.741_422_58],
        ];
        let pairs = three.weight().into_iter().zip(expected.iter().flatten());
        assert!(
            pairs
                .into_iter()
                .all(|(ours, theirs)| close(*ours, *theirs)),
            "{three:?}"
        );
        assert!(close(three.bias()[0], 1.476_376_29) && close(three.bias()[2], -0.720_130_33));
    }

    #[test]
    fn weights_of_one_are_no_weights_to_the_last_bit() {
        let records = ndarray::Array2::from_shape_fn((50, 30), |(row, column)| {
            ((row * 7 + column * 3) % 11) as f32 / 11.0
        });
        let targets: Array1<usize> = (0..50).map(|row| row % 3).collect();
        let params = FitParams::new().lr(0.1).label_smoothing(0.1).epochs(4);
        let plain = Dataset::new(records, targets);
        let weighted = plain.clone().with_weights(Array1::ones(50));
        assert_eq!(params.fit(&plain).unwrap(), params.fit(&weighted).unwrap());
    }

    #[test]
    fn weights_that_are_not_used_or_not_usable_are_refused() {
        let refused = |params: FitParams, weights: [f32; 2]| {
            let dataset = Dataset::new(array![[0.0f32], [1.0]], array![0usize, 1]);
            let dataset = dataset.with_weights(Array1::from(weights.to_vec()));
            params.fit(&dataset).unwrap_err().to_string()
        };
        #[cfg(feature = "linfa-logistic")]
        assert_eq!(
            refused(FitParams::new().solver(Solver::Linfa), [1.0, 2.0]),
            "the solver `linfa` does not support sample weights"
        );
        let lbfgs = || FitParams::new().solver(Solver::Lbfgs);
        let balanced = refused(lbfgs().class_weight(ClassWeight::Balanced), [1.0, 2.0]);
        assert!(balanced.contains("cannot be combined"), "{balanced}");
        for weights in [[0.0, 0.0], [1.0, -1.0], [f32::NAN, 1.0]] {
            for params in [FitParams::new(), lbfgs()] {
                let error = refused(params, weights);
                let wanted = "must be finite, at least 0, and not all 0";
                assert!(error.contains(wanted), "{error}");
            }
        }
    }

    #[test]
    fn predict_takes_the_first_of_equals() {
        let weight = array![[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]];
        let head = LinearHead::new(weight, array![0.5, 0.0]).unwrap();
        // Row 0 has logits -1.5 and 4, so class 1; row 1 has logits 0.5 and 2 * 0.25 = 0.5, so class 0.
        let predicted = head.predict(&array![[1.0, 2.0, 3.0], [0.0, 0.25, 0.0]]);
        assert_eq!(predicted, array![1, 0]);
    }
}
