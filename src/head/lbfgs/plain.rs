//! Computes the gradient directly from its formula, to check a minimum.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::problem::Problem;
use super::vectors::{add_scaled, dot};
use crate::head::data::{LabelledFeatures, row_of};
use crate::head::parallel::{in_parallel, processors};
use crate::progress::Progress;

/// Rows that are worth another thread.
const WORTH_A_THREAD: usize = 64;

impl Problem {
    /// Returns the gradient at a point, in the order of the parameters.
    ///
    /// It shares no product, softmax or scaling with [`Evaluator`](super::evaluator::Evaluator): the features
    /// themselves are standardised, and two classes have two logits.
    ///
    /// If `progress` asks to stop, the gradient is unfinished.
    pub(crate) fn plain_gradient(
        &self,
        set: &LabelledFeatures<'_>,
        point: &[f64],
        progress: &dyn Progress,
    ) -> Vec<f64> {
        let n = set.features().nrows();
        let parts = n.div_ceil(WORTH_A_THREAD).min(processors());
        let part = |i: usize| {
            let mut gradient = vec![0.0; point.len()];
            Arch::new().dispatch(Rows {
                problem: self,
                set,
                point,
                range: i * n / parts..(i + 1) * n / parts,
                gradient: &mut gradient,
                progress,
            });
            gradient
        };
        let mut gradient = vec![0.0; point.len()];
        for part in in_parallel(parts, part) {
            add_scaled(&mut gradient, 1.0, &part);
        }
        let d = set.features().ncols();
        let weights = self.n_rows() * d;
        add_scaled(&mut gradient[..weights], self.l2, &point[..weights]);
        gradient.iter().map(|g| g / self.total).collect()
    }

    /// Returns the derivatives of the loss of an image of class y with respect to its logits, (R).
    fn slopes(&self, y: usize, logits: Vec<f64>) -> Vec<f64> {
        let (logits, left_out) = match logits[..] {
            [logit] => (vec![0.0, logit], 1),
            _ => (logits, 0),
        };
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let odds: Vec<f64> = logits.iter().map(|l| (l - largest).exp()).collect();
        let sum: f64 = odds.iter().sum();
        let loss = &self.loss;
        let slopes = odds.iter().enumerate();
        let slopes = slopes.map(|(c, odds)| loss.sum(y) * odds / sum - loss.of(y, c));
        slopes.skip(left_out).collect()
    }
}

/// Adds the sum over some rows to a gradient.
struct Rows<'a, 'set> {
    problem: &'a Problem,
    set: &'a LabelledFeatures<'set>,
    point: &'a [f64],
    range: Range<usize>,
    gradient: &'a mut [f64],
    progress: &'a dyn Progress,
}

impl WithSimd for Rows<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { problem, set, .. } = self;
        let d = set.features().ncols();
        let (weight, bias) = self.point.split_at(problem.n_rows() * d);
        let (of_weight, of_bias) = self.gradient.split_at_mut(weight.len());
        let (mut z, mut copy) = (vec![0.0; d], Vec::new());
        let features = set.features();
        for i in self.range {
            if self.progress.is_stopped() {
                return;
            }
            let image = i / set.views();
            for (z, x) in z.iter_mut().zip(row_of(&features, i, &mut copy)) {
                *z = f64::from(*x);
            }
            if let Some(standard) = &problem.standard {
                standard.apply_wide(&mut z);
            }
            let mut logits = bias.to_vec();
            for (c, logit) in logits.iter_mut().enumerate() {
                *logit += dot(&z, &weight[c * d..(c + 1) * d]);
            }
            let slopes = problem.slopes(set.targets()[image], logits);
            let m = problem.image_weights[image] / set.views() as f64;
            for (c, slope) in slopes.into_iter().enumerate() {
                add_scaled(&mut of_weight[c * d..(c + 1) * d], m * slope, &z);
                of_bias[c] += m * slope;
            }
        }
    }
}
