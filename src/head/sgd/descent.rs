//! From the gradient of a batch to new weights, in registers: the gradient is never in memory.

use pulp::Simd;

use super::motion::Rule;
use crate::head::linear::Use;

/// Moves a weight by its gradient through its velocity, (C, d) both.
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

/// The new weight and velocity: [`Rule::apply`] on vectors.
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
    use crate::head::params::FitValues;

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
        let mut gradient: Vec<f32> = (0..c * d).map(of).collect();
        rule.apply(&mut wanted, &mut gradient, &mut speed, 1.0);
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
        // Small multiples of 1/64: exact in every order.
        assert_eq!((weight, velocity), (wanted, speed));
    }
}
