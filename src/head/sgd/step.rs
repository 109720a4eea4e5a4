//! The step of SGD, which computes new values from a gradient.

use pulp::Simd;

use crate::head::linear::Use;
use crate::head::params::FitValues;

/// The step's constants: `θ ← θ - lr · (of_gradient · g + of_velocity · v)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) lr: f32,
    momentum: f32,
    weight_decay: f32,
    of_gradient: f32,
    of_velocity: f32,
}

impl Rule {
    pub(super) fn new(values: &FitValues) -> Self {
        let momentum = values.momentum;
        let (of_gradient, of_velocity) = if values.nesterov {
            (1.0, momentum)
        } else {
            (0.0, 1.0)
        };
        Self {
            lr: values.lr,
            momentum,
            weight_decay: values.weight_decay,
            of_gradient,
            of_velocity,
        }
    }

    /// Updates the values and their velocity with a gradient.
    pub(super) fn apply(&self, values: &mut [f32], gradient: &[f32], velocity: &mut [f32]) {
        let n = values.len();
        let (gradient, velocity) = (&gradient[..n], &mut velocity[..n]);
        for i in 0..n {
            let g = gradient[i] + self.weight_decay * values[i];
            velocity[i] = self.momentum * velocity[i] + g;
            values[i] -= self.lr * (self.of_gradient * g + self.of_velocity * velocity[i]);
        }
    }
}

/// The bias in training, (C); every thread has an identical copy.
#[derive(Debug, Clone)]
pub(super) struct Bias {
    pub(super) values: Vec<f32>,
    velocity: Vec<f32>,
}

impl Bias {
    pub(super) fn new(values: Vec<f32>) -> Self {
        Self {
            velocity: vec![0.0; values.len()],
            values,
        }
    }

    /// Takes one step, given the derivatives of a batch's loss with respect to its logits, (B, C).
    pub(super) fn descend(&mut self, residuals: &[f32], rule: &Rule) {
        let mut gradient = vec![0.0; self.values.len()];
        for row in residuals.chunks_exact(gradient.len()) {
            for c in 0..row.len() {
                gradient[c] += row[c];
            }
        }
        rule.apply(&mut self.values, &gradient, &mut self.velocity);
    }
}

/// Updates a weight and its velocity, both (C, d), with a gradient.
pub(super) struct Descent<'a> {
    pub(super) rule: Rule,
    pub(super) weight: &'a mut [f32],
    pub(super) velocity: &'a mut [f32],
    /// d.
    pub(super) columns: usize,
}

impl Use<f32> for Descent<'_> {
    #[inline(always)]
    fn vector<S: Simd>(&mut self, simd: S, class: usize, at: usize, sum: S::f32s) {
        let row = class * self.columns..(class + 1) * self.columns;
        let weight = &mut S::as_mut_simd_f32s(&mut self.weight[row.clone()]).0[at];
        let velocity = &mut S::as_mut_simd_f32s(&mut self.velocity[row]).0[at];
        (*weight, *velocity) = moved(simd, self.rule, *weight, *velocity, sum);
    }

    #[inline(always)]
    fn rest<S: Simd>(&mut self, simd: S, class: usize, start: usize, sum: S::f32s) {
        let row = class * self.columns + start..(class + 1) * self.columns;
        let (weight, velocity) = (&mut self.weight[row.clone()], &mut self.velocity[row]);
        let (w, v) = (
            simd.partial_load_f32s(weight),
            simd.partial_load_f32s(velocity),
        );
        let (w, v) = moved(simd, self.rule, w, v, sum);
        simd.partial_store_f32s(weight, w);
        simd.partial_store_f32s(velocity, v);
    }
}

/// Returns the new weight and velocity: [`Rule::apply`] on vectors.
#[inline(always)]
fn moved<S: Simd>(
    simd: S,
    rule: Rule,
    w: S::f32s,
    v: S::f32s,
    gradient: S::f32s,
) -> (S::f32s, S::f32s) {
    let of = |x: f32| simd.splat_f32s(x);
    let g = simd.mul_add_e_f32s(of(rule.weight_decay), w, gradient);
    let v = simd.mul_add_e_f32s(of(rule.momentum), v, g);
    let step = simd.mul_f32s(of(rule.of_velocity), v);
    let step = simd.mul_add_e_f32s(of(rule.of_gradient), g, step);
    (simd.mul_add_e_f32s(of(-rule.lr), step, w), v)
}

#[cfg(test)]
mod tests {
    use pulp::Arch;

    use super::*;
    use crate::head::linear::Batch;

    #[test]
    fn vectors_move_as_one_number_does() {
        let values = FitValues {
            lr: 0.5,
            momentum: 0.25,
            nesterov: true,
            weight_decay: 0.5,
            ..FitValues::default()
        };
        let rule = Rule::new(&values);
        let (c, d) = (3, 75);
        let number = |i: usize, j: usize| ((i * 7 + j * 3) % 11) as f32 - 5.0;
        let x: Vec<f32> = (0..2 * d).map(|k| number(k / d, k % d)).collect();
        let residuals: Vec<f32> = (0..2 * c).map(|k| number(k % c, k / c) / 8.0).collect();
        let mut weight: Vec<f32> = (0..c * d).map(|k| number(k, 1) / 4.0).collect();
        let mut velocity: Vec<f32> = (0..c * d).map(|k| number(k, 2) / 4.0).collect();
        let (mut wanted, mut speed) = (weight.clone(), velocity.clone());
        let of = |k: usize| residuals[k / d] * x[k % d] + residuals[c + k / d] * x[d + k % d];
        let gradient: Vec<f32> = (0..c * d).map(of).collect();
        rule.apply(&mut wanted, &gradient, &mut speed);
        let rows: Vec<&[f32]> = x.chunks(d).collect();
        let batch = Batch {
            rows: &rows,
            residuals: &residuals,
            ahead: &[],
            classes: c,
        };
        let mut descent = Descent {
            rule,
            weight: &mut weight,
            velocity: &mut velocity,
            columns: d,
        };
        batch.gradient(Arch::new(), &mut descent);
        // All values are small multiples of 1/64, so sums are exact in every order.
        assert_eq!((weight, velocity), (wanted, speed));
    }

    /// Takes two steps from 1 with the gradients 2 and -1, lr 0.1.
    fn two_steps(momentum: f32, nesterov: bool, weight_decay: f32) -> f32 {
        let values = FitValues {
            lr: 0.1,
            momentum,
            nesterov,
            weight_decay,
            ..FitValues::default()
        };
        let (rule, mut velocity, mut value) = (Rule::new(&values), [0.0], [1.0]);
        for gradient in [2.0, -1.0] {
            rule.apply(&mut value, &[gradient], &mut velocity);
        }
        value[0]
    }

    #[test]
    fn steps_are_those_of_paper() {
        let close = |a: f32, b: f32| assert!((a - b).abs() < 1e-6, "{a} {b}");
        // 1 - 0.2 + 0.1.
        close(two_steps(0.0, false, 0.0), 0.9);
        // v = 2, then 0.5 * 2 - 1 = 0: 1 - 0.2 - 0.
        close(two_steps(0.5, false, 0.0), 0.8);
        // 1 - 0.1 (2 + 1) = 0.7, then 0.7 - 0.1 (-1 + 0) = 0.8.
        close(two_steps(0.5, true, 0.0), 0.8);
        // g = 2 + 0.5 = 2.5: 0.75; g = -1 + 0.375 = -0.625: 0.8125.
        close(two_steps(0.0, false, 0.5), 0.8125);
    }
}
