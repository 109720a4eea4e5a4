//! The gradient once more, straight from its formula: what a minimum is checked by.

use ndarray::{Array1, ArrayView2};

use super::Problem;
use crate::head::labelled::LabelledFeatures;

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
        let shape = (self.n_rows(), set.features().ncols());
        let (w, b) = point.split_at(shape.0 * shape.1);
        let w = ArrayView2::from_shape(shape, w).expect("W is R · D numbers");
        let (mut of_weight, mut of_bias) = (&w * self.l2, Array1::<f64>::zeros(b.len()));
        for (i, row) in set.features().rows().into_iter().enumerate() {
            let image = i / set.views();
            let mut z = row.mapv(f64::from);
            if let Some(standard) = &self.standard {
                standard.apply_wide(&mut z);
            }
            let logits = w.rows().into_iter().zip(b).map(|(w, b)| z.dot(&w) + b);
            let slopes = self.slopes(set.targets()[image], logits.collect());
            let m = self.image_weights[image] / set.views() as f64;
            for (c, slope) in slopes.into_iter().enumerate() {
                of_weight.row_mut(c).scaled_add(m * slope, &z);
                of_bias[c] += m * slope;
            }
        }
        let all = of_weight.iter().chain(&of_bias);
        all.map(|g| g / self.total).collect()
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
