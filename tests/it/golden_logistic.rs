//! Checks L-BFGS against weights of scikit-learn's `LogisticRegression`, written by `scripts/reference.py`.

use frostline::ClassIndex;
use frostline::error::{Error, HeadError, Result};
use frostline::head::{ClassWeight, FitParams, LabelledFeatures, LinearHead, Solver, fit};
use linfa::ParamGuard;
use ndarray::Array2;
use serde::Deserialize;

use crate::harness::golden_as;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    classes: usize,
    l2: f64,
    standardize: bool,
    balanced: bool,
    labels: Vec<usize>,
    features_times_32768: Vec<Vec<f32>>,
    row_exponents: Vec<i32>,
    weight: Vec<Vec<f64>>,
    bias: Vec<f64>,
}

impl Case {
    fn features(&self) -> Array2<f32> {
        let shape = (self.labels.len(), self.features_times_32768[0].len());
        Array2::from_shape_fn(shape, |(i, j)| {
            self.features_times_32768[i][j] / 32768.0 * 2f32.powi(self.row_exponents[i])
        })
    }

    fn fit(&self) -> LinearHead {
        self.fit_by(Solver::Lbfgs, 1e-9).unwrap()
    }

    fn fit_by(&self, solver: Solver, tol: f64) -> Result<LinearHead> {
        let features = self.features();
        let classes = ClassIndex::from_names((0..self.classes).map(|c| format!("class {c}")));
        let set = LabelledFeatures::new(features.view(), &self.labels, &classes).unwrap();
        let params = FitParams::new()
            .solver(solver)
            .l2(self.l2)
            .tol(tol)
            .standardize(self.standardize)
            .class_weight(if self.balanced {
                ClassWeight::Balanced
            } else {
                ClassWeight::None
            });
        fit(&params.check()?, &set, None, &mut |_| {}).map(|fit| fit.head)
    }
}

/// Returns weight and bias in scikit-learn's form: for two classes, the difference of their rows.
fn coefficients(head: &LinearHead) -> Vec<Vec<f64>> {
    let row = |c: usize| -> Vec<f64> {
        let (weight, bias) = (head.weight(), head.bias()[c]);
        let numbers = weight.row(c).into_iter().copied().chain([bias]);
        numbers.map(f64::from).collect()
    };
    match head.n_classes() {
        2 => vec![row(1).iter().zip(row(0)).map(|(b, a)| b - a).collect()],
        c => (0..c).map(row).collect(),
    }
}

#[test]
fn weights_are_scikit_learns() {
    let file: File = golden_as("logistic");
    assert_eq!(file.cases.len(), 6);
    for case in &file.cases {
        let ours = coefficients(&case.fit());
        assert_eq!(ours.len(), case.weight.len(), "{}", case.name);
        for (ours, (weight, bias)) in ours.iter().zip(case.weight.iter().zip(&case.bias)) {
            let theirs = weight.iter().chain([bias]);
            for (ours, theirs) in ours.iter().zip(theirs) {
                // A few units in the last place of the head's f32, plus what a gradient of 1e-9 leaves.
                let tolerance = 1e-6 * (1.0 + theirs.abs());
                let difference = (ours - theirs).abs();
                assert!(difference < tolerance, "{}: {ours} {theirs}", case.name);
            }
        }
    }
}

#[test]
fn linfa_logistic_finds_scikit_learns_weights_or_is_refused() {
    let file: File = golden_as("logistic");
    for case in file.cases.iter().filter(|case| !case.balanced) {
        let even = case.row_exponents.iter().all(|&exponent| exponent == 0);
        match case.fit_by(Solver::Linfa, 1e-6) {
            Ok(head) => {
                let ours = coefficients(&head).concat();
                let rows = case.weight.iter().zip(&case.bias);
                let theirs = rows.flat_map(|(weight, bias)| weight.iter().chain([bias]));
                for (ours, theirs) in ours.iter().zip(theirs) {
                    let difference = (ours - theirs).abs();
                    assert!(
                        difference < 1e-3 * (1.0 + theirs.abs()),
                        "{}: {ours} {theirs}",
                        case.name
                    );
                }
            }
            Err(Error::Head(HeadError::NotConverged { .. })) if !even => {}
            Err(error) => panic!("{}: {error}", case.name),
        }
    }
}
