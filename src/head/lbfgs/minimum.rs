//! Runs L-BFGS on one or many [`Problem`]s, and checks that it converged.

use std::slice;

use serde::{Deserialize, Serialize};

use super::evaluator::Evaluator;
use super::minimiser::{Lbfgs, Step};
use super::problem::Problem;
use super::vectors::largest;
use crate::error::{HeadError, Result};
use crate::head::data::LabelledFeatures;
use crate::head::linear::LinearHead;
use crate::progress::{Progress, go_on};

/// When a solver stops.
#[derive(Clone, Copy)]
pub(crate) struct Stop<'a> {
    /// The solver has converged when no gradient entry is larger.
    pub(crate) tolerance: f64,
    /// The maximum number of steps.
    pub(crate) iterations: usize,
    /// May ask the solver to stop early.
    pub(crate) progress: &'a dyn Progress,
}

/// The minimum that a solver reached.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Optimum {
    /// Steps taken, if the solver reports them.
    pub iterations: Option<usize>,
    /// The largest absolute gradient entry, recomputed independently of the solver.
    pub gradient: f64,
    /// The loss, including the penalty, divided by the sum of the sample weights.
    pub loss: f64,
}

/// The point where a solver stopped.
pub(crate) struct Reached {
    /// The parameters, in the order of [`Problem`].
    pub(crate) point: Vec<f64>,
    /// The loss at this point.
    pub(crate) loss: f64,
    /// Steps taken, if the solver reports them.
    pub(crate) iterations: Option<usize>,
    /// Whether the solver reported convergence.
    pub(crate) converged: bool,
}

/// Fits the head with the lowest loss, starting from another head.
///
/// # Errors
/// [`HeadError::NotConverged`] when the recomputed gradient is not near zero, for example because the steps
/// ran out or no step decreased the loss; [`Error::Interrupted`](crate::Error::Interrupted).
pub(crate) fn minimise(
    set: &LabelledFeatures<'_>,
    problem: &Problem,
    start: &LinearHead,
    stop: Stop<'_>,
) -> Result<(LinearHead, Optimum)> {
    let reached = minimise_all(set, slice::from_ref(problem), start, stop, &|| {})?;
    checked(set, problem, &reached[0], stop)
}

/// Runs L-BFGS on several problems at once, all from the same head; unfinished problems share each product.
///
/// Calls `on_end` whenever a problem is finished.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub(crate) fn minimise_all(
    set: &LabelledFeatures<'_>,
    problems: &[Problem],
    start: &LinearHead,
    stop: Stop<'_>,
    on_end: &dyn Fn(),
) -> Result<Vec<Reached>> {
    let minimiser = |problem: &Problem| Lbfgs::new(problem.point(start), stop.tolerance);
    let mut minimisers: Vec<Lbfgs> = problems.iter().map(minimiser).collect();
    let mut ends = vec![(f64::NAN, Step::Continue); problems.len()];
    let mut active: Vec<usize> = (0..problems.len()).collect();
    let mut evaluator = Evaluator::new(set, stop.progress);
    while !active.is_empty() {
        let asked = active
            .iter()
            .map(|&i| (&problems[i], minimisers[i].point()));
        let answers = evaluator.evaluate(&asked.collect::<Vec<_>>());
        go_on(stop.progress)?;
        let mut answers = answers.iter();
        active.retain(|&i| {
            let answer = answers.next().expect("one answer per problem");
            let outcome = minimisers[i].tell(answer.value, &answer.gradient);
            ends[i] = (answer.value, outcome);
            let goes_on = outcome == Step::Continue && minimisers[i].iterations() < stop.iterations;
            if !goes_on {
                on_end();
            }
            goes_on
        });
    }
    let reached = |(minimiser, (loss, outcome)): (Lbfgs, (f64, Step))| Reached {
        iterations: Some(minimiser.iterations()),
        point: minimiser.into_point(),
        loss,
        converged: outcome == Step::Converged,
    };
    Ok(minimisers.into_iter().zip(ends).map(reached).collect())
}

/// Returns the head at the point that a solver reached, if an independently computed gradient there is near
/// zero.
///
/// # Errors
/// [`HeadError::NotConverged`] when it is not; [`Error::Interrupted`](crate::Error::Interrupted).
pub(crate) fn checked(
    set: &LabelledFeatures<'_>,
    problem: &Problem,
    reached: &Reached,
    stop: Stop<'_>,
) -> Result<(LinearHead, Optimum)> {
    let gradient = problem.plain_gradient(set, &reached.point, stop.progress);
    go_on(stop.progress)?;
    let optimum = Optimum {
        iterations: reached.iterations,
        gradient: largest(&gradient),
        loss: reached.loss,
    };
    let tolerance = stop.tolerance;
    // Twice the tolerance, because summing in another order rounds differently.
    if optimum.gradient <= 2.0 * tolerance {
        return Ok((problem.head(&reached.point), optimum));
    }
    Err(HeadError::NotConverged {
        gradient: optimum.gradient,
        tolerance,
        iterations: optimum.iterations,
    }
    .into())
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::classes::ClassIndex;
    use crate::error::Error;
    use crate::head::linear::CrossEntropy;
    use crate::progress::Silent;

    fn stop(tolerance: f64, iterations: usize) -> Stop<'static> {
        Stop {
            tolerance,
            iterations,
            progress: &Silent,
        }
    }

    #[test]
    fn the_minimum_of_paper() {
        // x = ±1, l2 = 0.25: w solves -2 / (1 + e^w) + w / 4 = 0, so w = 2.4196...; the bias is 0 by
        // symmetry.
        let classes = ClassIndex::from_names(["a", "b"]);
        let features = array![[-1.0f32], [1.0]];
        let set = LabelledFeatures::new(features.view(), &[0, 1], &classes).unwrap();
        let targets = CrossEntropy::new(vec![1.0, 1.0], 0.0);
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
        let targets = CrossEntropy::new(vec![1.0; 3], 0.0);
        let problem = Problem::new(&set, targets, vec![1.0; 3], 0.01, None);
        let start = LinearHead::zeros(3, 2);
        let error = minimise(&set, &problem, &start, stop(1e-10, 2)).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Head(HeadError::NotConverged {
                    iterations: Some(2),
                    ..
                })
            ),
            "{error}"
        );
        // Starting from its own minimum, the solver takes at most one step.
        let (head, _) = minimise(&set, &problem, &start, stop(1e-10, 200)).unwrap();
        let (again, optimum) = minimise(&set, &problem, &head, stop(1e-6, 200)).unwrap();
        assert!(optimum.iterations <= Some(1));
        let change = &head.weight() - &again.weight();
        assert!(change.iter().all(|d| d.abs() < 1e-5));
    }
}
