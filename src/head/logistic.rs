//! Softmax regression to its minimum: L-BFGS on one [`Problem`], and the proof that it got there.

use ndarray::{Array1, Array2};

use super::labelled::LabelledFeatures;
use super::lbfgs::{Lbfgs, Step, largest};
use super::linear::LinearHead;
use super::objective::{Answer, Problem, evaluate};
use crate::error::{Error, Result};

/// When a search for a minimum ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stop {
    /// No entry of the gradient is larger.
    pub(super) tolerance: f64,
    /// So many steps were taken.
    pub(super) iterations: usize,
}

/// A minimum.
#[derive(Debug, Clone)]
pub(super) struct Minimum {
    /// On the features as they are.
    pub(super) head: LinearHead,
    /// The loss there, penalty included.
    pub(super) loss: f64,
    /// The largest absolute entry of its gradient, computed anew.
    pub(super) gradient: f64,
    /// The steps that led there.
    pub(super) iterations: usize,
}

/// Minimises from zero.
///
/// # Errors
/// [`Error::NotConverged`] when the steps ran out, no step led on, or the gradient turns out to be another.
pub(super) fn minimise(
    set: &LabelledFeatures<'_>,
    problem: &Problem,
    stop: Stop,
) -> Result<Minimum> {
    let start = vec![0.0; problem.n_parameters(set.features().ncols())];
    let mut lbfgs = Lbfgs::new(start, stop.tolerance);
    let mut loss = f64::NAN;
    while lbfgs.iterations() < stop.iterations {
        let Answer { value, gradient } = &evaluate(set, &[(problem, lbfgs.point())])[0];
        loss = *value;
        if lbfgs.tell(*value, gradient) != Step::Continue {
            break;
        }
    }
    let gradient = largest(&problem.plain_gradient(set, lbfgs.point()));
    // As much again for the rounding of sums in another order.
    if gradient <= 2.0 * stop.tolerance {
        return Ok(Minimum {
            head: problem.head(lbfgs.point()),
            loss,
            gradient,
            iterations: lbfgs.iterations(),
        });
    }
    Err(Error::NotConverged {
        gradient,
        tolerance: stop.tolerance,
        iterations: lbfgs.iterations(),
    })
}

impl Problem {
    /// The head of the parameters at a point, (C, D) and (C), on the features as they are.
    ///
    /// Two classes have one vector w, b: their rows are `∓w / 2`, `∓b / 2`, whose difference it is.
    pub(super) fn head(&self, point: &[f64]) -> LinearHead {
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
