//! The sums of losses and gradients over a range of rows.

use std::ops::Range;

use ndarray::Array2;

use super::problem::Problem;
use crate::head::data::LabelledFeatures;

/// Up to so many columns of weights, rows are widened as they are multiplied; above, [`blocks`](super::blocks) of them are.
const NARROW: usize = 3;

/// Problems side by side: their layers, M rows in all, on one set of features.
pub(crate) struct Work<'a, 'set> {
    pub(crate) set: LabelledFeatures<'set>,
    pub(crate) problems: &'a [&'a Problem],
    /// (M, D).
    pub(crate) weight: &'a Array2<f64>,
    /// (M).
    pub(crate) bias: &'a [f64],
}

/// A thread's sums and its room to work in, kept from one evaluation to the next: memory that is new each time costs as
/// much as the product.
#[derive(Debug, Clone, Default)]
pub(crate) struct Share {
    pub(crate) sums: Sums,
    pub(crate) block: Array2<f64>,
    pub(crate) logits: Array2<f64>,
}

/// Sums over rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sums {
    /// One for each problem.
    pub(crate) losses: Vec<f64>,
    /// Gradients by the weight, (M, D).
    pub(crate) weight: Array2<f64>,
    /// Gradients by the bias, (M).
    pub(crate) bias: Vec<f64>,
}

impl Sums {
    /// Adds others of the same shape.
    pub(crate) fn add(&mut self, other: &Self) {
        let add = |(a, b): (&mut f64, &f64)| *a += b;
        self.losses.iter_mut().zip(&other.losses).for_each(add);
        self.bias.iter_mut().zip(&other.bias).for_each(add);
        self.weight += &other.weight;
    }

    fn reset(&mut self, work: &Work<'_, '_>) {
        zeros(&mut self.weight, work.weight.dim());
        self.losses.clear();
        self.losses.resize(work.problems.len(), 0.0);
        self.bias.clear();
        self.bias.resize(work.bias.len(), 0.0);
    }
}

/// Makes a matrix one of zeros, in its old memory where the shape is the old one.
pub(crate) fn zeros(matrix: &mut Array2<f64>, shape: (usize, usize)) {
    if matrix.dim() == shape {
        matrix.fill(0.0);
    } else {
        *matrix = Array2::zeros(shape);
    }
}

impl Work<'_, '_> {
    /// Makes the share's sums those over a range of the rows.
    pub(crate) fn sum(&self, rows: Range<usize>, share: &mut Share) {
        share.sums.reset(self);
        if self.bias.len() <= NARROW {
            self.add_fours(rows, &mut share.sums);
        } else {
            self.add_blocks(rows, share);
        }
    }

    /// The logits of a row without the bias, (M), to the derivatives of the loss by them.
    pub(crate) fn residuals(&self, row: usize, mut logits: &mut [f64], sums: &mut Sums) {
        for (logit, bias) in logits.iter_mut().zip(self.bias) {
            *logit += bias;
        }
        let views = self.set.views();
        let (image, y) = (row / views, self.set.targets()[row / views]);
        let mut bias = sums.bias.as_mut_slice();
        for (problem, total) in self.problems.iter().zip(&mut sums.losses) {
            let (own, rest) = logits.split_at_mut(problem.n_rows());
            let (own_bias, rest_bias) = bias.split_at_mut(problem.n_rows());
            *total += problem.residuals(image, y, views, own);
            own_bias
                .iter_mut()
                .zip(&*own)
                .for_each(|(bias, residual)| *bias += residual);
            (logits, bias) = (rest, rest_bias);
        }
    }
}

impl Problem {
    fn residuals(&self, image: usize, y: usize, views: usize, logits: &mut [f64]) -> f64 {
        let weight = self.image_weights[image] / views as f64;
        if weight == 0.0 {
            logits.fill(0.0);
            return 0.0;
        }
        let loss = match &mut *logits {
            [logit] => self.targets.residual(y, logit),
            all => self.targets.residuals(y, all),
        };
        for residual in logits.iter_mut() {
            *residual *= weight;
        }
        weight * loss
    }
}
