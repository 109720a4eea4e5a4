//! Sums of losses and gradients over a range of rows.

use std::ops::Range;

use ndarray::{Array2, ArrayViewMut2};

use super::problem::Problem;
use super::vectors::add_scaled;
use crate::head::data::LabelledFeatures;
use crate::progress::Progress;

/// Problems side by side: their layers, M rows in total, on one set of features.
pub(super) struct Work<'a, 'set> {
    pub(super) set: LabelledFeatures<'set>,
    pub(super) problems: &'a [&'a Problem],
    /// (M, D).
    pub(super) weight: &'a Array2<f64>,
    /// (M).
    pub(super) bias: &'a [f64],
    /// May ask to leave the sums unfinished.
    pub(super) progress: &'a dyn Progress,
}

/// A thread's sums and scratch memory, reused between evaluations: allocating them each time would cost as
/// much as the product.
#[derive(Debug, Clone, Default)]
pub(super) struct Share {
    pub(super) sums: Sums,
    pub(super) block: Array2<f64>,
    pub(super) logits: Array2<f64>,
    pub(super) single: Single,
}

/// A thread's matrices in f32.
#[derive(Debug, Clone, Default)]
pub(super) struct Single {
    /// Logits, then residuals, (N, M).
    pub(super) logits: Array2<f32>,
    /// The gradient of a block, (M, D).
    pub(super) gradient: Array2<f32>,
}

/// Sums over rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    /// The loss of each problem.
    pub(super) losses: Vec<f64>,
    /// Gradients with respect to the weight, (M, D).
    pub(super) weight: Array2<f64>,
    /// Gradients with respect to the bias, (M).
    pub(super) bias: Vec<f64>,
}

impl Sums {
    /// Adds other sums of the same shape.
    pub(super) fn add(&mut self, other: &Self) {
        add_scaled(&mut self.losses, 1.0, &other.losses);
        add_scaled(&mut self.bias, 1.0, &other.bias);
        self.weight += &other.weight;
    }

    pub(super) fn reset(&mut self, work: &Work<'_, '_>) {
        room(&mut self.weight, work.weight.dim());
        self.weight.fill(0.0);
        self.losses.clear();
        self.losses.resize(work.problems.len(), 0.0);
        self.bias.clear();
        self.bias.resize(work.bias.len(), 0.0);
    }
}

/// Gives a matrix this shape; its contents are unspecified.
pub(super) fn room<T: Default>(matrix: &mut Array2<T>, shape: (usize, usize)) {
    if matrix.dim() != shape {
        *matrix = Array2::default(shape);
    }
}

impl Work<'_, '_> {
    /// Replaces the logits of some rows, as [`residuals`](Self::residuals) does for one.
    pub(super) fn block_residuals(
        &self,
        rows: Range<usize>,
        mut logits: ArrayViewMut2<'_, f64>,
        sums: &mut Sums,
    ) {
        for (row, logits) in rows.zip(logits.rows_mut()) {
            let logits = logits.into_slice().expect("it was made row-major");
            self.residuals(row, logits, sums);
        }
    }

    /// Replaces the logits of a row, (M), still without the bias, with the derivatives of the loss with
    /// respect to them, and adds the losses and the bias gradients to `sums`.
    pub(super) fn residuals(&self, row: usize, mut logits: &mut [f64], sums: &mut Sums) {
        add_scaled(logits, 1.0, self.bias);
        let views = self.set.views();
        let (image, y) = (row / views, self.set.targets()[row / views]);
        let mut bias = sums.bias.as_mut_slice();
        for (problem, total) in self.problems.iter().zip(&mut sums.losses) {
            let (own, rest) = logits.split_at_mut(problem.n_rows());
            let (own_bias, rest_bias) = bias.split_at_mut(problem.n_rows());
            *total += problem.residuals(image, y, views, own);
            add_scaled(own_bias, 1.0, own);
            (logits, bias) = (rest, rest_bias);
        }
    }
}
