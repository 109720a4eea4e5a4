//! L-BFGS that asks its caller for values and gradients, so that many minimisers can share one evaluation.

use std::collections::VecDeque;
use std::mem;

use super::line_search::{LineSearch, Trial};
use super::vectors::{add_scaled, dot, is_finite, largest, subtract};

/// Stored pairs of steps and gradient changes, as many as in `SciPy`.
const MEMORY: usize = 10;

/// A minimiser: it asks for the value and gradient at [`point`](Self::point) and receives them through
/// [`tell`](Self::tell).
///
/// Nocedal & Wright, *Numerical Optimization*, algorithms 7.4 and 7.5, memory 10, with steps that meet the
/// strong Wolfe conditions (1e-4, 0.9); all in f64. It has converged when no gradient entry is larger than
/// the tolerance.
#[derive(Debug, Clone)]
pub(crate) struct Lbfgs {
    tolerance: f64,
    iterations: usize,
    /// The point to evaluate next; once finished, the result.
    point: Vec<f64>,
    /// The last accepted point, with its gradient in `gradient`; both are empty before the first answer.
    base: Vec<f64>,
    gradient: Vec<f64>,
    direction: Vec<f64>,
    line: LineSearch,
    pairs: VecDeque<Pair>,
}

/// A step, the change of the gradient along it, and one over their dot product.
#[derive(Debug, Clone)]
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    scale: f64,
}

/// The state of a minimiser after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It needs the value and gradient at the new [`Lbfgs::point`].
    Continue,
    /// No gradient entry at [`Lbfgs::point`] is larger than the tolerance.
    Converged,
    /// No step decreases the value; [`Lbfgs::point`] is the best point known.
    Failed,
}

impl Lbfgs {
    /// Starts at a point; `tolerance` limits the largest absolute gradient entry.
    pub(crate) fn new(start: Vec<f64>, tolerance: f64) -> Self {
        Self {
            tolerance,
            iterations: 0,
            base: Vec::new(),
            gradient: Vec::new(),
            direction: vec![0.0; start.len()],
            point: start,
            line: LineSearch::default(),
            pairs: VecDeque::with_capacity(MEMORY),
        }
    }

    /// Returns the point to evaluate next; once finished, the result.
    pub(crate) fn point(&self) -> &[f64] {
        &self.point
    }

    /// Returns the result.
    pub(crate) fn into_point(self) -> Vec<f64> {
        self.point
    }

    /// Returns the number of accepted steps; evaluations within a line search do not count.
    pub(crate) fn iterations(&self) -> usize {
        self.iterations
    }

    /// Returns the value at the last accepted point, or 0 before there is one.
    pub(crate) fn value(&self) -> f64 {
        self.line.start_value()
    }

    /// Returns to the last accepted point and asks for its value and gradient again, because they were not
    /// exact. The stored pairs are kept.
    pub(crate) fn ask_again(&mut self) {
        if !self.base.is_empty() {
            self.point = mem::take(&mut self.base);
        }
    }

    /// Receives the function's value and gradient at [`point`](Self::point).
    pub(crate) fn tell(&mut self, value: f64, gradient: &[f64]) -> Step {
        let slope = dot(gradient, &self.direction);
        if self.base.is_empty() {
            if !(value.is_finite() && is_finite(gradient)) {
                return Step::Failed;
            }
        } else {
            match self.line.receive(value, slope) {
                Trial::Accepted => self.remember(gradient),
                Trial::Again => {
                    self.place();
                    return Step::Continue;
                }
                Trial::Failed => return self.restart(),
            }
        }
        self.base.clone_from(&self.point);
        self.gradient.clear();
        self.gradient.extend_from_slice(gradient);
        if largest(gradient) <= self.tolerance {
            return Step::Converged;
        }
        self.set_out(value);
        Step::Continue
    }

    /// Stores the pair of an accepted step, unless it has no curvature, which would spoil the direction.
    fn remember(&mut self, gradient: &[f64]) {
        self.iterations += 1;
        let mut pair = match self.pairs.len() {
            MEMORY => self.pairs.pop_front().expect("it is full"),
            _ => Pair {
                step: vec![0.0; self.point.len()],
                change: vec![0.0; self.point.len()],
                scale: 0.0,
            },
        };
        subtract(&self.point, &self.base, &mut pair.step);
        subtract(gradient, &self.gradient, &mut pair.change);
        let curvature = dot(&pair.step, &pair.change);
        if curvature > f64::EPSILON * dot(&pair.change, &pair.change) {
            pair.scale = 1.0 / curvature;
            self.pairs.push_back(pair);
        }
    }

    /// Chooses the direction from the base point, and the first step along it.
    fn set_out(&mut self, value: f64) {
        let mut direction = mem::take(&mut self.direction);
        direction.clone_from(&self.gradient);
        self.turn(&mut direction);
        let slope = -dot(&direction, &self.gradient);
        // The curvature is not known yet, so the first step has at most length 1, as in `SciPy`.
        let first = if self.pairs.is_empty() {
            (1.0 / dot(&direction, &direction).sqrt()).min(1.0)
        } else {
            1.0
        };
        for d in &mut direction {
            *d = -*d;
        }
        self.direction = direction;
        self.line = LineSearch::new(value, slope, first);
        self.place();
    }

    /// Multiplies the gradient by the estimated inverse Hessian (the two loops of algorithm 7.4).
    fn turn(&self, q: &mut [f64]) {
        let mut alphas = [0.0; MEMORY];
        for (pair, alpha) in self.pairs.iter().zip(&mut alphas).rev() {
            *alpha = pair.scale * dot(&pair.step, q);
            add_scaled(q, -*alpha, &pair.change);
        }
        if let Some(last) = self.pairs.back() {
            let gamma = 1.0 / (last.scale * dot(&last.change, &last.change));
            for q in q.iter_mut() {
                *q *= gamma;
            }
        }
        for (pair, alpha) in self.pairs.iter().zip(&alphas) {
            let beta = pair.scale * dot(&pair.change, q);
            add_scaled(q, alpha - beta, &pair.step);
        }
    }

    /// Drops the pairs and searches along the gradient; fails if there were no pairs to drop.
    fn restart(&mut self) -> Step {
        self.point.clone_from(&self.base);
        if self.pairs.is_empty() {
            return Step::Failed;
        }
        self.pairs.clear();
        self.set_out(self.line.start_value());
        Step::Continue
    }

    /// Moves the point to the step that the line search asks for.
    fn place(&mut self) {
        self.point.clone_from(&self.base);
        add_scaled(&mut self.point, self.line.step(), &self.direction);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minimise(
        start: &[f64],
        tolerance: f64,
        f: impl Fn(&[f64]) -> (f64, Vec<f64>),
    ) -> (Lbfgs, Step, usize) {
        let mut lbfgs = Lbfgs::new(start.to_vec(), tolerance);
        for asked in 1..=500 {
            let (value, gradient) = f(lbfgs.point());
            let step = lbfgs.tell(value, &gradient);
            if step != Step::Continue {
                return (lbfgs, step, asked);
            }
        }
        panic!("not finished at {:?}", lbfgs.point());
    }

    #[test]
    fn rosenbrock_ends_at_one_one() {
        let rosenbrock = |x: &[f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            let gradient = vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b];
            (a * a + 100.0 * b * b, gradient)
        };
        // The usual starting point, from which `SciPy` needs about 35 iterations.
        let (lbfgs, step, _) = minimise(&[-1.2, 1.0], 1e-10, rosenbrock);
        assert_eq!(step, Step::Converged);
        assert!(lbfgs.point().iter().all(|x| (x - 1.0).abs() < 1e-9));
        assert!(lbfgs.iterations() < 60, "{}", lbfgs.iterations());
    }

    #[test]
    fn a_quadratic_of_paper() {
        // x² + 10 y² + x y - 3 x: 2x + y = 3 and 20 y + x = 0, so y = -x / 20, x = 60 / 39.
        let quadratic = |x: &[f64]| {
            let (x, y) = (x[0], x[1]);
            let value = x * x + 10.0 * y * y + x * y - 3.0 * x;
            (value, vec![2.0 * x + y - 3.0, 20.0 * y + x])
        };
        let (lbfgs, step, _) = minimise(&[5.0, 5.0], 1e-12, quadratic);
        assert_eq!(step, Step::Converged);
        assert!((lbfgs.point()[0] - 60.0 / 39.0).abs() < 1e-12);
        assert!((lbfgs.point()[1] + 3.0 / 39.0).abs() < 1e-12);
    }

    #[test]
    fn a_start_at_the_minimum_is_the_end() {
        let (lbfgs, step, asked) = minimise(&[0.0], 1e-9, |x| (x[0] * x[0], vec![2.0 * x[0]]));
        assert_eq!((step, asked, lbfgs.iterations()), (Step::Converged, 1, 0));
    }

    #[test]
    fn digits_that_the_value_has_lost_do_not_stop_it() {
        // Near the minimum, the value no longer changes next to 1e6, but the gradient still does.
        let bowl = |x: &[f64]| {
            let sum: f64 = x.iter().map(|x| x.cosh()).sum();
            (1e6 + sum, x.iter().map(|x| x.sinh()).collect())
        };
        let (lbfgs, step, _) = minimise(&[1.0, -2.0, 0.5], 1e-9, bowl);
        assert_eq!(step, Step::Converged);
        assert!(lbfgs.point().iter().all(|x| x.abs() < 1e-9));
    }

    #[test]
    fn a_function_without_numbers_or_minimum_fails() {
        let mut lbfgs = Lbfgs::new(vec![1.0], 1e-9);
        assert_eq!(lbfgs.tell(f64::NAN, &[1.0]), Step::Failed);
        // With a gradient of the wrong sign, no step decreases the value.
        let (lbfgs, step, _) = minimise(&[1.0], 1e-9, |x| (x[0] * x[0], vec![-2.0 * x[0]]));
        assert_eq!((step, lbfgs.point()), (Step::Failed, &[1.0][..]));
    }

    #[test]
    fn a_step_into_infinity_is_taken_back() {
        // -ln x is undefined left of 0; 4 x - ln x has its minimum at 1/4.
        let barrier = |x: &[f64]| {
            let value = if x[0] > 0.0 {
                4.0 * x[0] - x[0].ln()
            } else {
                f64::NAN
            };
            (value, vec![4.0 - 1.0 / x[0]])
        };
        let (lbfgs, step, _) = minimise(&[1.0], 1e-10, barrier);
        assert_eq!(step, Step::Converged);
        assert!((lbfgs.point()[0] - 0.25).abs() < 1e-10);
    }
}
