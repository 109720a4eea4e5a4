//! One softmax regression: its parameters, its loss and its gradient, in f64.

use ndarray::{Array1, Array2, ArrayView2};

use super::vectors::{add_scaled, dot};
use crate::head::data::{LabelledFeatures, Standard};
use crate::head::linear::{CrossEntropy, LinearHead};
use crate::head::params::FitValues;

/// A softmax regression on some images of a set.
///
/// Its loss is `(Σ m[i] · l[i] + l2 / 2 · ‖W‖²) / Σ m[i] · w[y[i]]` over the images, where `l` is the
/// [`CrossEntropy`], `m` the weight of the image (0 excludes it) and `w` the weight of its class. This is
/// scikit-learn's `LogisticRegression` with `C = 1 / l2`, divided, as there, by the sum of the weights, so
/// that a tolerance means the same. The bias has no penalty. Each of the V views of an image counts `m / V`.
///
/// The parameters are R · (D + 1) values: W (R, D), row-major, then the bias (R). R is C, except that it is 1
/// for two classes: as in scikit-learn, these have one penalised vector `w`, with
/// `p(second class) = 1 / (1 + exp(-(w · x + b)))`.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(super) loss: CrossEntropy,
    /// m, (N).
    pub(super) image_weights: Vec<f64>,
    pub(crate) l2: f64,
    pub(crate) standard: Option<Standard>,
    /// The sum of the weights, `Σ m[i] · w[y[i]]`.
    pub(super) total: f64,
}

/// The loss of a problem at a point.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// The loss.
    pub(crate) value: f64,
    /// Its gradient, in the order of the parameters.
    pub(crate) gradient: Vec<f64>,
}

impl Problem {
    /// Creates the problem for the parameters of a fit.
    ///
    /// Without `standardize`, the features may still be centred, which changes the number of steps but not
    /// the minimum.
    pub(crate) fn of(
        set: &LabelledFeatures<'_>,
        values: &FitValues,
        class_weights: Vec<f64>,
        image_weights: Vec<f64>,
    ) -> Self {
        let loss = CrossEntropy::new(class_weights, values.label_smoothing);
        let standard = if values.standardize {
            Some(Standard::of(set, &image_weights))
        } else {
            Standard::centred(set, &image_weights)
        };
        Self::new(set, loss, image_weights, values.l2, standard)
    }

    /// Creates a problem on all images with a weight above 0; with a [`Standard`], W and l2 apply to
    /// standardised features.
    pub(super) fn new(
        set: &LabelledFeatures<'_>,
        loss: CrossEntropy,
        image_weights: Vec<f64>,
        l2: f64,
        standard: Option<Standard>,
    ) -> Self {
        let weights = image_weights.iter().zip(set.targets());
        let total = weights.map(|(m, &y)| m * loss.class_weight(y)).sum();
        Self {
            loss,
            image_weights,
            l2,
            standard,
            total,
        }
    }

    /// Returns R: 1 for two classes, otherwise C.
    pub(crate) fn n_rows(&self) -> usize {
        match self.loss.n_classes() {
            2 => 1,
            c => c,
        }
    }

    /// Writes the layer of the parameters at a point, for raw features, to `weight` and `bias`.
    pub(super) fn effective(&self, point: &[f64], weight: &mut [f64], bias: &mut [f64]) {
        let (w, b) = point.split_at(weight.len());
        weight.copy_from_slice(w);
        bias.copy_from_slice(b);
        if let Some(standard) = &self.standard {
            standard.fold(weight, bias);
        }
    }

    /// Returns the value and gradient, given the sums over the images.
    pub(super) fn answer(
        &self,
        point: &[f64],
        loss: f64,
        weight: ArrayView2<f64>,
        bias: &[f64],
    ) -> Answer {
        let w = &point[..weight.len()];
        let mut gradient: Vec<f64> = weight.iter().chain(bias).copied().collect();
        if let Some(standard) = &self.standard {
            let (weight, bias) = gradient.split_at_mut(w.len());
            standard.pull_back(weight, bias);
        }
        add_scaled(&mut gradient[..w.len()], self.l2, w);
        for g in &mut gradient {
            *g /= self.total;
        }
        Answer {
            value: (loss + 0.5 * self.l2 * dot(w, w)) / self.total,
            gradient,
        }
    }

    /// Replaces the logits (R) of one row of an image of class y with the derivatives of the loss with
    /// respect to them; returns the loss.
    pub(super) fn residuals(
        &self,
        image: usize,
        y: usize,
        views: usize,
        logits: &mut [f64],
    ) -> f64 {
        let weight = self.image_weights[image] / views as f64;
        if weight == 0.0 {
            logits.fill(0.0);
            return 0.0;
        }
        let loss = match &mut *logits {
            [logit] => self.loss.residual(y, logit),
            all => self.loss.residuals(y, all),
        };
        for residual in logits.iter_mut() {
            *residual *= weight;
        }
        weight * loss
    }

    /// Returns the parameters of a head; the inverse of [`head`](Self::head).
    pub(crate) fn point(&self, head: &LinearHead) -> Vec<f64> {
        let standardised = self
            .standard
            .as_ref()
            .map(|standard| standard.unfold_head(head));
        let head = standardised.as_ref().unwrap_or(head);
        let (weight, bias) = head.slices();
        let wide = |x: &f32| f64::from(*x);
        if self.n_rows() == bias.len() {
            return weight.iter().chain(bias).map(wide).collect();
        }
        let d = head.n_features();
        let row = |c: usize| {
            weight[c * d..(c + 1) * d]
                .iter()
                .chain(&bias[c..=c])
                .map(wide)
        };
        row(1)
            .zip(row(0))
            .map(|(second, first)| second - first)
            .collect()
    }

    /// Returns the head of the parameters at a point, (C, D) and (C), on raw features.
    ///
    /// Two classes have one vector w and one bias b; their rows are `∓w / 2` with the biases `∓b / 2`.
    pub(crate) fn head(&self, point: &[f64]) -> LinearHead {
        let r = self.n_rows();
        let d = point.len() / r - 1;
        let (mut weight, mut bias) = (vec![0.0; r * d], vec![0.0; r]);
        self.effective(point, &mut weight, &mut bias);
        let weight = Array2::from_shape_vec((r, d), weight).expect("it is R · D long");
        let bias = Array1::from(bias);
        let (weight, bias) = if r == 1 {
            let halves = Array2::from_shape_vec((2, 1), vec![-0.5, 0.5]).expect("2 = 2 · 1");
            (halves.dot(&weight), halves.column(0).to_owned() * bias[0])
        } else {
            (weight, bias)
        };
        LinearHead::new(weight.mapv(|w| w as f32), bias.mapv(|b| b as f32))
            .expect("both have one row per class")
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::classes::ClassIndex;

    #[test]
    fn a_head_and_its_parameters_are_the_same() {
        let classes = ClassIndex::from_names(["a", "b"]);
        let features = array![[1.0f32, 5.0], [3.0, 1.0]];
        let set = LabelledFeatures::new(features.view(), &[0, 1], &classes).unwrap();
        let standard = Standard::of(&set, &[1.0; 2]);
        let targets = CrossEntropy::new(vec![1.0; 2], 0.0);
        let problem = Problem::new(&set, targets, vec![1.0; 2], 1.0, Some(standard));
        // z = (x - 2) and (y - 3) / 2: w = (2, 4), b = 1 is 2 x + 2 y - 9, half of it for each class.
        let head = problem.head(&[2.0, 4.0, 1.0]);
        assert_eq!(head.weight(), array![[-1.0, -1.0], [1.0, 1.0]]);
        assert_eq!(head.bias(), array![4.5, -4.5]);
        assert_eq!(problem.point(&head), [2.0, 4.0, 1.0]);
    }
}
