//! Runs L-BFGS on one or many [`Problem`]s, and checks that it converged.

use std::slice;

use serde::{Deserialize, Serialize};

use super::evaluator::{Evaluator, Precision};
use super::minimiser::{Lbfgs, Step};
use super::problem::{Answer, Problem};
use super::vectors::largest;
use crate::error::{HeadError, Result};
use crate::head::data::LabelledFeatures;
use crate::head::linear::LinearHead;
use crate::progress::{Progress, go_on};

/// Relative decreases of a loss that products in f32 may hide: they are exact to about 1e-8.
const HIDDEN: f64 = 1e-7;

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
/// Where products in f32 are faster, they lead near the minimum; from there on all is computed in f64. Calls
/// `on_end` whenever a problem is finished.
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
    let run = |problem| Run {
        problem,
        minimiser: Lbfgs::new(Problem::point(problem, start), stop.tolerance),
        loss: f64::NAN,
        outcome: Step::Continue,
    };
    let mut runs: Vec<Run> = problems.iter().map(run).collect();
    let mut evaluator = Evaluator::new(set, stop.progress);
    let mut on_end = on_end;
    for &precision in Precision::in_order(problems) {
        for run in &mut runs {
            run.minimiser.ask_again();
        }
        descend(&mut runs, &mut evaluator, precision, stop, on_end)?;
        // After products in f32, those in f64 take few steps.
        on_end = &|| {};
    }
    let reached = |run: Run| Reached {
        iterations: Some(run.minimiser.iterations()),
        point: run.minimiser.into_point(),
        loss: run.loss,
        converged: run.outcome == Step::Converged,
    };
    Ok(runs.into_iter().map(reached).collect())
}

/// A problem on the way to its minimum.
struct Run<'a> {
    problem: &'a Problem,
    minimiser: Lbfgs,
    /// The last answer.
    loss: f64,
    outcome: Step,
}

impl Run<'_> {
    /// Passes on an answer; returns whether another one in the same precision is of use.
    fn receive(&mut self, answer: &Answer, precision: Precision, iterations: usize) -> bool {
        let before = self.minimiser.value();
        self.outcome = self.minimiser.tell(answer.value, &answer.gradient);
        self.loss = answer.value;
        let accepted = self.minimiser.value();
        let is_hidden = precision == Precision::Single
            && accepted < before
            && before - accepted < HIDDEN * accepted.abs();
        self.outcome == Step::Continue && self.minimiser.iterations() < iterations && !is_hidden
    }
}

/// Evaluates all problems together until each has ended; calls `on_end` for each.
fn descend(
    runs: &mut [Run<'_>],
    evaluator: &mut Evaluator<'_>,
    precision: Precision,
    stop: Stop<'_>,
    on_end: &dyn Fn(),
) -> Result<()> {
    let mut active: Vec<&mut Run> = runs.iter_mut().collect();
    while !active.is_empty() {
        let asked = active.iter();
        let asked = asked.map(|run| (run.problem, run.minimiser.point()));
        let answers = evaluator.evaluate(&asked.collect::<Vec<_>>(), precision);
        go_on(stop.progress)?;
        let mut answers = answers.iter();
        active.retain_mut(|run| {
            let answer = answers.next().expect("one answer per problem");
            let goes_on = run.receive(answer, precision, stop.iterations);
            if !goes_on {
                on_end();
            }
            goes_on
        });
    }
    Ok(())
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
    use ndarray::{Array2, array};

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

    #[test]
    fn the_minimum_is_exact_although_products_start_in_f32() {
        // 60 classes, so that products are in f32 first, which cannot make the gradient as small as 1e-11.
        let names = (0..60).map(|class| class.to_string());
        let classes = ClassIndex::from_names(names);
        let targets: Vec<usize> = (0..300).map(|i| i * 7 % 60).collect();
        let of = |(i, j): (usize, usize)| ((i * 37 + j * 101 + i * j) % 29) as f32 / 7.0 - 2.0;
        let features = Array2::from_shape_fn((300, 20), of);
        let set = LabelledFeatures::new(features.view(), &targets, &classes).unwrap();
        let loss = CrossEntropy::new(vec![1.0; 60], 0.0);
        let problem = Problem::new(&set, loss, vec![1.0; 300], 1.0, None);
        let start = LinearHead::zeros(60, 20);
        let (_, optimum) = minimise(&set, &problem, &start, stop(1e-11, 1000)).unwrap();
        assert!(optimum.gradient <= 1e-11);
    }
}
