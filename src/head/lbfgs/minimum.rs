//! Softmax regression to its minimum: L-BFGS on one [`Problem`], and the proof that it got there.

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::minimiser::{Lbfgs, Step};
use super::problem::{Answer, Evaluator, Problem};
use crate::error::{Error, Result};
use crate::head::data::LabelledFeatures;
use crate::head::linear::{LinearHead, largest};

/// When a search for a minimum ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stop {
    /// No entry of the gradient is larger.
    pub(crate) tolerance: f64,
    /// So many steps were taken.
    pub(crate) iterations: usize,
}

/// The minimum that a solver reached.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Optimum {
    /// Steps taken, where the solver tells.
    pub iterations: Option<usize>,
    /// The largest absolute entry of the gradient, recomputed by another way than the solver's.
    pub gradient: f64,
    /// The loss, penalty included, over the sum of the samples' weights.
    pub loss: f64,
}

/// The head of the least loss, from another one.
///
/// # Errors
/// [`Error::NotConverged`] when the steps ran out, no step led on, or the gradient turns out to be another.
pub(crate) fn minimise(
    set: &LabelledFeatures<'_>,
    problem: &Problem,
    start: &LinearHead,
    stop: Stop,
) -> Result<(LinearHead, Optimum)> {
    let mut lbfgs = Lbfgs::new(problem.point(start), stop.tolerance);
    let mut evaluator = Evaluator::new(set);
    let mut loss = f64::NAN;
    while lbfgs.iterations() < stop.iterations {
        let Answer { value, gradient } = &evaluator.evaluate(&[(problem, lbfgs.point())])[0];
        loss = *value;
        if lbfgs.tell(*value, gradient) != Step::Continue {
            break;
        }
    }
    let reached = Reached {
        point: lbfgs.point(),
        loss,
        iterations: Some(lbfgs.iterations()),
    };
    checked(set, problem, &reached, stop.tolerance)
}

/// Where a solver ended.
pub(crate) struct Reached<'a> {
    /// The parameters, as [`Problem`] orders them.
    pub(crate) point: &'a [f64],
    /// The loss there.
    pub(crate) loss: f64,
    /// Steps taken, where the solver tells.
    pub(crate) iterations: Option<usize>,
}

/// The head at the point that a solver reached, if the gradient there is near zero by another computation.
///
/// # Errors
/// [`Error::NotConverged`] where it is not.
pub(crate) fn checked(
    set: &LabelledFeatures<'_>,
    problem: &Problem,
    reached: &Reached<'_>,
    tolerance: f64,
) -> Result<(LinearHead, Optimum)> {
    let optimum = Optimum {
        iterations: reached.iterations,
        gradient: largest(&problem.plain_gradient(set, reached.point)),
        loss: reached.loss,
    };
    // As much again for the rounding of sums in another order.
    if optimum.gradient <= 2.0 * tolerance {
        return Ok((problem.head(reached.point), optimum));
    }
    Err(Error::NotConverged {
        gradient: optimum.gradient,
        tolerance,
        iterations: optimum.iterations,
    })
}

impl Problem {
    /// The parameters that [`head`](Self::head) makes a head of.
    pub(crate) fn point(&self, head: &LinearHead) -> Vec<f64> {
        let standardised = self
            .standard
            .as_ref()
            .map(|standard| standard.unfold_head(head));
        let head = standardised.as_ref().unwrap_or(head);
        let (weight, bias) = head.slices();
        let wide = |x: &f32| f64::from(*x);
        if self.n_rows() == bias.len() {
            return weight.iter().chain(bias).map(wide).collect();
        }
        let d = head.n_features();
        let row = |c: usize| {
            weight[c * d..(c + 1) * d]
                .iter()
                .chain(&bias[c..=c])
                .map(wide)
        };
        row(1)
            .zip(row(0))
            .map(|(second, first)| second - first)
            .collect()
    }

    /// The head of the parameters at a point, (C, D) and (C), on the features as they are.
    ///
    /// Two classes have one vector w, b: their rows are `∓w / 2`, `∓b / 2`, whose difference it is.
    pub(crate) fn head(&self, point: &[f64]) -> LinearHead {
        let r = self.n_rows();
        let d = point.len() / r - 1;
        let (mut weight, mut bias) = (vec![0.0; r * d], vec![0.0; r]);
        self.effective(point, &mut weight, &mut bias);
        let weight = Array2::from_shape_vec((r, d), weight).expect("it is R · D long");
        let bias = Array1::from(bias);
        let (weight, bias) = if r == 1 {
            let halves = Array2::from_shape_vec((2, 1), vec![-0.5, 0.5]).expect("two are two");
            (halves.dot(&weight), halves.column(0).to_owned() * bias[0])
        } else {
            (weight, bias)
        };
        LinearHead::new(weight.mapv(|w| w as f32), bias.mapv(|b| b as f32))
            .expect("both have a row for each class")
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::classes::ClassIndex;
    use crate::head::data::Standard;
    use crate::head::linear::Targets;

    fn stop(tolerance: f64, iterations: usize) -> Stop {
        Stop {
            tolerance,
            iterations,
        }
    }

    #[test]
    fn the_minimum_of_paper() {
        // x = ±1, l2 = 0.25: w solves -2 / (1 + e^w) + w / 4 = 0, which w = 2.4196... does; the bias is 0 by symmetry.
        let classes = ClassIndex::from_names(["a", "b"]);
        let features = array![[-1.0f32], [1.0]];
        let set = LabelledFeatures::new(features.view(), &[0, 1], &classes).unwrap();
        let targets = Targets::new(vec![1.0, 1.0], 0.0);
        let problem = Problem::new(&set, targets, vec![1.0; 2], 0.25, None);
        let start = LinearHead::zeros(2, 1);
        let (head, optimum) = minimise(&set, &problem, &start, stop(1e-12, 100)).unwrap();
        let w = f64::from(head.weight()[[1, 0]] - head.weight()[[0, 0]]);
        assert!((w / 4.0 - 2.0 / (1.0 + w.exp())).abs() < 1e-6, "{w}");
        assert!(head.bias().iter().all(|b| b.abs() < 1e-7));
        assert!(optimum.gradient <= 1e-12 && optimum.iterations > Some(0));
    }

    #[test]
    fn steps_that_run_out_are_no_minimum() {
        let classes = ClassIndex::from_names(["a", "b", "c"]);
        let features = array![[1.0f32, 0.0], [0.0, 2.0], [3.0, 1.0]];
        let set = LabelledFeatures::new(features.view(), &[0, 1, 2], &classes).unwrap();
        let targets = Targets::new(vec![1.0; 3], 0.0);
        let problem = Problem::new(&set, targets, vec![1.0; 3], 0.01, None);
        let start = LinearHead::zeros(3, 2);
        let error = minimise(&set, &problem, &start, stop(1e-10, 2)).unwrap_err();
        assert!(
            matches!(
                error,
                Error::NotConverged {
                    iterations: Some(2),
                    ..
                }
            ),
            "{error}"
        );
        // From its own minimum it need not go far.
        let (head, _) = minimise(&set, &problem, &start, stop(1e-10, 200)).unwrap();
        let (again, optimum) = minimise(&set, &problem, &head, stop(1e-6, 200)).unwrap();
        assert!(optimum.iterations <= Some(1));
        let change = &head.weight() - &again.weight();
        assert!(change.iter().all(|d| d.abs() < 1e-5));
    }

    #[test]
    fn a_head_and_its_parameters_are_the_same() {
        let classes = ClassIndex::from_names(["a", "b"]);
        let features = array![[1.0f32, 5.0], [3.0, 1.0]];
        let set = LabelledFeatures::new(features.view(), &[0, 1], &classes).unwrap();
        let standard = Standard::of(&set, &[1.0; 2]);
        let targets = Targets::new(vec![1.0; 2], 0.0);
        let problem = Problem::new(&set, targets, vec![1.0; 2], 1.0, Some(standard));
        // z = (x - 2) and (y - 3) / 2: w = (2, 4), b = 1 is 2 x + 2 y - 9, half of it to each side.
        let head = problem.head(&[2.0, 4.0, 1.0]);
        assert_eq!(head.weight(), array![[-1.0, -1.0], [1.0, 1.0]]);
        assert_eq!(head.bias(), array![4.5, -4.5]);
        assert_eq!(problem.point(&head), [2.0, 4.0, 1.0]);
    }
}
