//! The gradient once more, straight from its formula: what a minimum is checked by.

use std::ops::Range;

use ndarray::Array1;
use pulp::Arch;

use super::Problem;
use crate::head::labelled::LabelledFeatures;
use crate::head::parallel::{in_parallel, processors};
use crate::head::vectors::{add_scaled, dot};

/// Rows that are worth a thread.
const WORTH_A_THREAD: usize = 64;

impl Problem {
    /// The gradient at a point, shaped as the parameters.
    ///
    /// It shares no product, no softmax and no scaling with [`Evaluator`](super::Evaluator): the features are standardised
    /// in full, two classes are two logits.
    pub(in crate::head) fn plain_gradient(
        &self,
        set: &LabelledFeatures<'_>,
        point: &[f64],
    ) -> Vec<f64> {
        let n = set.features().nrows();
        let parts = n.div_ceil(WORTH_A_THREAD).min(processors());
        let part = |i: usize| {
            let mut gradient = vec![0.0; point.len()];
            let rows = i * n / parts..(i + 1) * n / parts;
            let add = || self.add_rows(set, point, rows, &mut gradient);
            Arch::new().dispatch(add);
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

    /// Adds the sum over some rows.
    #[inline(always)]
    fn add_rows(
        &self,
        set: &LabelledFeatures<'_>,
        point: &[f64],
        rows: Range<usize>,
        gradient: &mut [f64],
    ) {
        let d = set.features().ncols();
        let (w, b) = point.split_at(self.n_rows() * d);
        let (of_weight, of_bias) = gradient.split_at_mut(w.len());
        let mut z = Array1::zeros(d);
        for i in rows {
            let image = i / set.views();
            z.zip_mut_with(&set.features().row(i), |z, x| *z = f64::from(*x));
            if let Some(standard) = &self.standard {
                standard.apply_wide(&mut z);
            }
            let z = z.as_slice().expect("a new array is in one piece");
            let mut logits = b.to_vec();
            for (c, logit) in logits.iter_mut().enumerate() {
                *logit += dot(z, &w[c * d..(c + 1) * d]);
            }
            let slopes = self.slopes(set.targets()[image], logits);
            let m = self.image_weights[image] / set.views() as f64;
            for (c, slope) in slopes.into_iter().enumerate() {
                add_scaled(&mut of_weight[c * d..(c + 1) * d], m * slope, z);
                of_bias[c] += m * slope;
            }
        }
    }

    /// The derivatives of the loss of an image of class y by its logits, (R).
    fn slopes(&self, y: usize, logits: Vec<f64>) -> Vec<f64> {
        let (logits, left_out) = match logits[..] {
            [logit] => (vec![0.0, logit], 1),
            _ => (logits, 0),
        };
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let odds: Vec<f64> = logits.iter().map(|l| (l - largest).exp()).collect();
        let sum: f64 = odds.iter().sum();
        let targets = self.targets.row(y);
        let slopes = odds
            .iter()
            .zip(targets)
            .map(|(odds, target)| targets.sum() * odds / sum - target);
        slopes.skip(left_out).collect()
    }
}
