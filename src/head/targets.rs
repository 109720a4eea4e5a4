//! What the probabilities of each class are held against: class weights and label smoothing.

use ndarray::{Array2, ArrayView1};

/// The targets of each class, (C, C): row y has what an image of class y asks of every class.
///
/// `t[y][c] = (1 - ε) · w[y] · [c = y] + ε / C · w[c]` with class weights w and label smoothing ε, and the loss is
/// `-Σ t[c] · log p[c]`: `torch.nn.CrossEntropyLoss(weight=w, label_smoothing=ε)`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Targets {
    class_weights: Vec<f64>,
    smoothed: bool,
    rows: Array2<f64>,
    /// The sum of each row.
    sums: Vec<f64>,
}

impl Targets {
    /// Of class weights (C), above 0, and a smoothing in [0, 1).
    pub(super) fn new(class_weights: Vec<f64>, smoothing: f64) -> Self {
        let c = class_weights.len();
        let rows = Array2::from_shape_fn((c, c), |(y, k)| {
            let own = if y == k {
                (1.0 - smoothing) * class_weights[y]
            } else {
                0.0
            };
            own + smoothing / c as f64 * class_weights[k]
        });
        Self {
            class_weights,
            smoothed: smoothing > 0.0,
            sums: rows.rows().into_iter().map(|row| row.sum()).collect(),
            rows,
        }
    }

    /// C.
    pub(super) fn n_classes(&self) -> usize {
        self.sums.len()
    }

    /// w of a class.
    pub(super) fn class_weight(&self, class: usize) -> f64 {
        self.class_weights[class]
    }

    /// t of a class, (C).
    pub(super) fn row(&self, y: usize) -> ArrayView1<'_, f64> {
        self.rows.row(y)
    }

    /// The loss of an image of class y by its logits (C), which become the loss's derivatives by them.
    pub(super) fn residuals(&self, y: usize, logits: &mut [f64]) -> f64 {
        // As in `softmax`: the maximum goes first.
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut wanted = 0.0;
        let mut odds = 0.0;
        for (c, logit) in logits.iter_mut().enumerate() {
            let below = *logit - largest;
            if self.smoothed {
                wanted += self.rows[[y, c]] * below;
            } else if c == y {
                wanted = self.class_weights[y] * below;
            }
            *logit = below.exp();
            odds += *logit;
        }
        for (c, odd) in logits.iter_mut().enumerate() {
            *odd = self.derivative(y, c, *odd / odds);
        }
        self.sums[y] * odds.ln() - wanted
    }

    /// The derivative of the loss of an image of class y by the logit of class c, whose probability is p.
    fn derivative(&self, y: usize, c: usize, p: f64) -> f64 {
        if self.smoothed {
            self.sums[y] * p - self.rows[[y, c]]
        } else {
            self.class_weights[y] * (p - f64::from(u8::from(c == y)))
        }
    }

    /// The same for two classes by the difference of their logits, second minus first.
    pub(super) fn residual(&self, y: usize, logit: &mut f64) -> f64 {
        let (target, sum) = (self.rows[[y, 1]], self.sums[y]);
        let z = *logit;
        let small = (-z.abs()).exp();
        let larger = 1.0 / (1.0 + small);
        let p = if z >= 0.0 { larger } else { small * larger };
        *logit = sum * p - target;
        sum * (z.max(0.0) + small.ln_1p()) - target * z
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_is_torchs() {
        // Weights 1 and 3, ε = 0.2: class 0 asks 0.8 + 0.1 of itself and 0.1 · 3 of the other.
        let targets = Targets::new(vec![1.0, 3.0], 0.2);
        let expected = [0.9, 0.3, 0.1, 2.7];
        assert!(
            targets
                .rows
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-15)
        );
        // Logits 0 and ln 3: p = 1/4 and 3/4.
        let mut logits = [0.0, 3f64.ln()];
        let loss = targets.residuals(0, &mut logits);
        assert!((loss - (0.9 * 4f64.ln() + 0.3 * (4.0f64 / 3.0).ln())).abs() < 1e-15);
        assert!((logits[0] - (1.2 / 4.0 - 0.9)).abs() < 1e-15);
        assert!((logits[1] - (1.2 * 0.75 - 0.3)).abs() < 1e-15);
    }

    #[test]
    fn one_logit_is_as_two() {
        let targets = Targets::new(vec![1.0, 3.0], 0.2);
        for z in [-800.0, -2.0, 0.0, 1e-9, 5.0, 800.0] {
            for y in [0, 1] {
                let (mut one, mut two) = (z, [-z / 2.0, z / 2.0]);
                let (a, b) = (
                    targets.residual(y, &mut one),
                    targets.residuals(y, &mut two),
                );
                assert!((a - b).abs() <= 1e-14 * (1.0 + b.abs()), "{z}: {a} {b}");
                assert!((one - two[1]).abs() < 1e-14, "{z}");
            }
        }
    }
}
