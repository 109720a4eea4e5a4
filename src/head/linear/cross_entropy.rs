//! The loss: cross-entropy with class weights and label smoothing.

/// The loss `torch.nn.CrossEntropyLoss(weight=w, label_smoothing=ε)`.
///
/// The loss of an image of class y is `-Σ t[y][c] · log p[c]` over the classes c, with the targets
/// `t[y][c] = (1 - ε) · w[y] · [c = y] + ε / C · w[c]`, where w are the class weights and ε is the label
/// smoothing. The C × C targets are not stored, only the vectors that they are computed from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CrossEntropy {
    class_weights: Vec<f64>,
    smoothed: bool,
    /// The part of each class's target that is the same for all images, ε / C · w, (C).
    spread: Vec<f64>,
    /// The part added to the target of an image's own class, (1 - ε) · w, (C).
    own: Vec<f64>,
    /// The sum of t over c for each y, (C).
    sums: Vec<f64>,
}

impl CrossEntropy {
    /// Creates the loss from class weights (C), above 0, and a label smoothing in [0, 1).
    pub(crate) fn new(class_weights: Vec<f64>, smoothing: f64) -> Self {
        let c = class_weights.len();
        let times = |factor: f64| class_weights.iter().map(move |weight| factor * weight);
        let spread: Vec<f64> = times(smoothing / c as f64).collect();
        let own: Vec<f64> = times(1.0 - smoothing).collect();
        let of_all: f64 = spread.iter().sum();
        let sums = own.iter().map(|own| own + of_all).collect();
        Self {
            class_weights,
            smoothed: smoothing > 0.0,
            spread,
            own,
            sums,
        }
    }

    /// Returns C.
    pub(crate) fn n_classes(&self) -> usize {
        self.sums.len()
    }

    /// Returns w of a class.
    pub(crate) fn class_weight(&self, class: usize) -> f64 {
        self.class_weights[class]
    }

    /// Returns t of class c for an image of class y.
    pub(crate) fn of(&self, y: usize, c: usize) -> f64 {
        if y == c {
            self.own[y] + self.spread[c]
        } else {
            self.spread[c]
        }
    }

    /// Returns the sum of t over all classes for an image of class y.
    pub(crate) fn sum(&self, y: usize) -> f64 {
        self.sums[y]
    }

    /// Returns the loss of an image of class y and replaces its logits (C) with the derivatives of the loss
    /// with respect to them.
    pub(crate) fn residuals(&self, y: usize, logits: &mut [f64]) -> f64 {
        // Subtract the maximum first, as in `softmax`.
        let mut largest = f64::NEG_INFINITY;
        for logit in &*logits {
            largest = largest.max(*logit);
        }
        let mut wanted = 0.0;
        let mut odds = 0.0;
        for c in 0..logits.len() {
            let below = logits[c] - largest;
            if self.smoothed {
                wanted += self.of(y, c) * below;
            } else if c == y {
                wanted = self.class_weights[y] * below;
            }
            logits[c] = below.exp();
            odds += logits[c];
        }
        for c in 0..logits.len() {
            logits[c] = self.derivative(y, c, logits[c] / odds);
        }
        self.sums[y] * odds.ln() - wanted
    }

    /// Returns the derivative of the loss of an image of class y with respect to the logit of class c, whose
    /// probability is p.
    #[inline]
    fn derivative(&self, y: usize, c: usize, p: f64) -> f64 {
        if self.smoothed {
            self.sums[y] * p - self.of(y, c)
        } else {
            self.class_weights[y] * (p - f64::from(u8::from(c == y)))
        }
    }

    /// [`residuals`](Self::residuals) for two classes, given the second logit minus the first.
    pub(crate) fn residual(&self, y: usize, logit: &mut f64) -> f64 {
        let (target, sum) = (self.of(y, 1), self.sums[y]);
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
        // Weights 1 and 3, ε = 0.2: an image of class 0 has the targets 0.8 + 0.1 and 0.1 · 3.
        let targets = CrossEntropy::new(vec![1.0, 3.0], 0.2);
        let cells = [(0, 0, 0.9), (0, 1, 0.3), (1, 0, 0.1), (1, 1, 2.7)];
        for (y, c, expected) in cells {
            assert!((targets.of(y, c) - expected).abs() < 1e-15, "{y} {c}");
        }
        assert!((targets.sum(0) - 1.2).abs() < 1e-15 && (targets.sum(1) - 2.8).abs() < 1e-15);
        // Logits 0 and ln 3: p = 1/4 and 3/4.
        let mut logits = [0.0, 3f64.ln()];
        let loss = targets.residuals(0, &mut logits);
        assert!((loss - (0.9 * 4f64.ln() + 0.3 * (4.0f64 / 3.0).ln())).abs() < 1e-15);
        assert!((logits[0] - (1.2 / 4.0 - 0.9)).abs() < 1e-15);
        assert!((logits[1] - (1.2 * 0.75 - 0.3)).abs() < 1e-15);
    }

    /// A matrix of all targets would take 80 GB.
    #[test]
    fn many_classes_take_little() {
        let targets = CrossEntropy::new(vec![1.0; 100_000], 0.1);
        assert!((targets.sum(7) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn one_logit_is_as_two() {
        let targets = CrossEntropy::new(vec![1.0, 3.0], 0.2);
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
