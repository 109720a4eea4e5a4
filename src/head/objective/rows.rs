//! The sums of losses and gradients over a range of rows.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayViewMut2, s};

use super::Problem;
use crate::head::kernels::{add_scaled_wide, dot_wide};
use crate::head::labelled::LabelledFeatures;

/// Rows that are made f64 and multiplied together: enough for the product to pay, few enough for the cache.
const BLOCK: usize = 128;
/// Up to so many columns, a row at a time is faster than a matrix product.
const NARROW: usize = 3;

/// Problems side by side: their layers, M rows in all, on one set of features.
pub(super) struct Work<'a, 'set> {
    pub(super) set: LabelledFeatures<'set>,
    pub(super) problems: &'a [&'a Problem],
    /// (M, D).
    pub(super) weight: &'a Array2<f64>,
    /// (M).
    pub(super) bias: &'a [f64],
}

/// A thread's sums and its room to work in, kept from one evaluation to the next: memory that is new each time costs as
/// much as the product.
#[derive(Debug, Clone, Default)]
pub(super) struct Share {
    pub(super) sums: Sums,
    block: Array2<f64>,
    logits: Array2<f64>,
}

/// Sums over rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    /// One for each problem.
    pub(super) losses: Vec<f64>,
    /// Gradients by the weight, (M, D).
    pub(super) weight: Array2<f64>,
    /// Gradients by the bias, (M).
    pub(super) bias: Vec<f64>,
}

impl Sums {
    /// Adds others of the same shape.
    pub(super) fn add(&mut self, other: &Self) {
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
fn zeros(matrix: &mut Array2<f64>, shape: (usize, usize)) {
    if matrix.dim() == shape {
        matrix.fill(0.0);
    } else {
        *matrix = Array2::zeros(shape);
    }
}

impl Work<'_, '_> {
    /// Makes the share's sums those over a range of the rows.
    pub(super) fn sum(&self, rows: Range<usize>, share: &mut Share) {
        share.sums.reset(self);
        if self.bias.len() <= NARROW {
            self.add_each(rows, &mut share.sums);
        } else {
            self.add_blocks(rows, share);
        }
    }

    fn add_each(&self, rows: Range<usize>, sums: &mut Sums) {
        let features = self.set.features();
        let mut buffer = Vec::new();
        let mut logits = vec![0.0; self.bias.len()];
        for i in rows {
            let row = features.row(i);
            let row = row.to_slice().unwrap_or_else(|| {
                buffer.clear();
                buffer.extend(row.iter());
                &buffer
            });
            let layer = self.weight.rows().into_iter().zip(self.bias);
            for (logit, (weight, bias)) in logits.iter_mut().zip(layer) {
                let weight = weight.to_slice().expect("it was made row-major");
                *logit = dot_wide(row, weight) + bias;
            }
            self.residuals(i, &mut logits, sums);
            for (residual, gradient) in logits.iter().zip(sums.weight.rows_mut()) {
                let gradient = gradient.into_slice().expect("it was made row-major");
                add_scaled_wide(gradient, *residual, row);
            }
        }
    }

    fn add_blocks(&self, rows: Range<usize>, share: &mut Share) {
        let (m, d) = self.weight.dim();
        let Share {
            sums,
            block,
            logits,
        } = share;
        zeros(block, (BLOCK, d));
        zeros(logits, (BLOCK, m));
        for start in rows.clone().step_by(BLOCK) {
            let n = BLOCK.min(rows.end - start);
            let features = self.set.features();
            let mut block = block.slice_mut(s![..n, ..]);
            let mut logits = logits.slice_mut(s![..n, ..]);
            block.zip_mut_with(&features.slice(s![start..start + n, ..]), |wide, x| {
                *wide = f64::from(*x);
            });
            general_mat_mul(1.0, &block, &self.weight.t(), 0.0, &mut logits);
            self.block_residuals(start, logits.view_mut(), sums);
            // Seen as (D, M): with few columns that is the faster way around.
            let mut gradient = sums.weight.view_mut().reversed_axes();
            general_mat_mul(1.0, &block.t(), &logits, 1.0, &mut gradient);
        }
    }

    fn block_residuals(&self, start: usize, mut logits: ArrayViewMut2<f64>, sums: &mut Sums) {
        for (i, row) in logits.rows_mut().into_iter().enumerate() {
            let logits = row.into_slice().expect("it was made row-major");
            for (logit, bias) in logits.iter_mut().zip(self.bias) {
                *logit += bias;
            }
            self.residuals(start + i, logits, sums);
        }
    }

    /// The logits of a row under every problem, (M), to the derivatives of the loss by them.
    fn residuals(&self, row: usize, mut logits: &mut [f64], sums: &mut Sums) {
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
