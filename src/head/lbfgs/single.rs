//! The case of many weight columns in f32: matrix products of blocks of rows, whose sums are added in f64.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, s};

use super::sums::{Share, Work, room};

/// Rows per block: enough to make adding the gradient of a block cheap, few enough for the cache.
const ROWS: usize = 256;

impl Work<'_, '_> {
    /// Like [`add_blocks`](Self::add_blocks), with products of weights and features in f32.
    pub(super) fn add_in_single(
        &self,
        weight: &Array2<f32>,
        rows: Range<usize>,
        share: &mut Share,
    ) {
        room(&mut share.logits, (ROWS, weight.nrows()));
        room(&mut share.single.logits, (ROWS, weight.nrows()));
        room(&mut share.single.gradient, weight.dim());
        for start in rows.clone().step_by(ROWS) {
            if self.progress.is_stopped() {
                return;
            }
            self.add_block_in_single(weight, start..rows.end.min(start + ROWS), share);
        }
    }

    fn add_block_in_single(&self, weight: &Array2<f32>, rows: Range<usize>, share: &mut Share) {
        let own = s![..rows.len(), ..];
        let features = self.set.features();
        let block = features.slice(s![rows.clone(), ..]);
        let mut logits = share.single.logits.slice_mut(own);
        general_mat_mul(1.0, &block, &weight.t(), 0.0, &mut logits);
        let mut wide = share.logits.slice_mut(own);
        wide.zip_mut_with(&logits, |to, x| *to = f64::from(*x));
        self.block_residuals(rows, wide.view_mut(), &mut share.sums);
        logits.zip_mut_with(&wide, |to, x| *to = *x as f32);
        // As (D, M), which is faster with few columns.
        let mut gradient = share.single.gradient.view_mut().reversed_axes();
        general_mat_mul(1.0, &block.t(), &logits, 0.0, &mut gradient);
        let sums = &mut share.sums.weight;
        sums.zip_mut_with(&share.single.gradient, |sum, x| *sum += f64::from(*x));
    }
}
