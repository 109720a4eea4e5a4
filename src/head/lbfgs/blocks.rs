//! The case of many weight columns: rows are widened to f64 block by block and multiplied with all columns.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, s};
use pulp::{Arch, Simd, WithSimd};

use super::fours::widen;
use super::sums::{Share, Work, room};
use crate::head::data::row_of;
use crate::head::linear::{Added, Batch, products};

/// The most weight columns for frostline's own products, which are then up to twice as fast as those of
/// `matrixmultiply`: it copies its operands into its own order first.
pub(super) const FEW: usize = 32;
/// Rows per block for few columns: enough to make reading the weights worthwhile, few enough for the cache.
const ROWS_FOR_FEW: usize = 64;
/// Rows per block for many columns.
const ROWS_FOR_MANY: usize = 128;
/// Features per window of frostline's own products: five rows of weights stay in the L1 cache.
const WINDOW: usize = 512;
/// The distance between rows, chosen so that they start at different places in that cache.
const STRIDE: usize = WINDOW + 8;

impl Work<'_, '_> {
    /// Adds the losses and gradients of a range of rows, unless it is asked to stop.
    pub(crate) fn add_blocks(&self, rows: Range<usize>, share: &mut Share) {
        let (m, d) = self.weight.dim();
        let few = m <= FEW;
        let (size, room_for_rows) = if few {
            (ROWS_FOR_FEW, (d.div_ceil(WINDOW) * ROWS_FOR_FEW, STRIDE))
        } else {
            (ROWS_FOR_MANY, (ROWS_FOR_MANY, d))
        };
        room(&mut share.block, room_for_rows);
        room(&mut share.logits, (size, m));
        for start in rows.clone().step_by(size) {
            if self.progress.is_stopped() {
                return;
            }
            let rows = start..rows.end.min(start + size);
            if few {
                self.add_windows(rows, share);
            } else {
                self.add_block(rows, share);
            }
        }
    }

    /// Adds a block with the matrix products of `ndarray`.
    fn add_block(&self, rows: Range<usize>, share: &mut Share) {
        let n = rows.len();
        self.widen(rows.clone(), self.weight.ncols(), &mut share.block);
        let block = share.block.slice(s![..n, ..]);
        let mut logits = share.logits.slice_mut(s![..n, ..]);
        general_mat_mul(1.0, &block, &self.weight.t(), 0.0, &mut logits);
        self.block_residuals(rows, share.logits.view_mut(), &mut share.sums);
        let residuals = share.logits.slice(s![..n, ..]);
        // As (D, M), which is faster with few columns.
        let mut gradient = share.sums.weight.view_mut().reversed_axes();
        general_mat_mul(1.0, &block.t(), &residuals, 1.0, &mut gradient);
    }

    /// Adds a block with frostline's own products, one window of features after the other.
    fn add_windows(&self, rows: Range<usize>, share: &mut Share) {
        let ((m, d), n) = (self.weight.dim(), rows.len());
        let arch = Arch::new();
        let windows = || {
            (0..d)
                .step_by(WINDOW)
                .map(|i| i..d.min(i + WINDOW))
                .enumerate()
        };
        self.widen(rows.clone(), WINDOW, &mut share.block);
        share.logits.fill(0.0);
        let mut parts = vec![0.0; n * m];
        for (number, window) in windows() {
            let weight = parts_of(self.weight, 0..m, window.clone());
            let first = number * ROWS_FOR_FEW;
            let block = parts_of(&share.block, first..first + n, 0..window.len());
            products(arch, &block, &weight, &mut parts);
            for (logit, part) in share.logits.iter_mut().zip(&parts) {
                *logit += part;
            }
        }
        self.block_residuals(rows, share.logits.view_mut(), &mut share.sums);
        let residuals = share.logits.as_slice().expect("it was made row-major");
        for (number, window) in windows() {
            let first = number * ROWS_FOR_FEW;
            let batch = Batch {
                rows: &parts_of(&share.block, first..first + n, 0..window.len()),
                residuals: &residuals[..n * m],
                ahead: &[],
                classes: m,
            };
            let sums = share.sums.weight.as_slice_mut();
            let mut to = Added {
                sums: sums.expect("it was made row-major"),
                width: d,
                columns: window,
            };
            batch.gradient(arch, &mut to);
        }
    }

    /// Widens some rows to f64 into the block: the first windows of all rows, then the second ones, and so
    /// on.
    fn widen(&self, rows: Range<usize>, window: usize, block: &mut Array2<f64>) {
        let features = self.set.features();
        let places = block.nrows() / features.ncols().div_ceil(window).max(1);
        let mut copy = Vec::new();
        for (row, i) in rows.enumerate() {
            let windows = row_of(&features, i, &mut copy).chunks(window);
            for (number, narrow) in windows.enumerate() {
                let wide = block.row_mut(number * places + row);
                let wide = wide.into_slice().expect("it was made row-major");
                let wide = &mut wide[..narrow.len()];
                Arch::new().dispatch(Widen { narrow, wide });
            }
        }
    }
}

/// Returns some columns of some rows.
fn parts_of(matrix: &Array2<f64>, rows: Range<usize>, columns: Range<usize>) -> Vec<&[f64]> {
    let row = |i: usize| matrix.row(i).to_slice().expect("it was made row-major");
    rows.map(|i| &row(i)[columns.clone()]).collect()
}

/// [`widen`], compiled for the processor's vector instructions.
struct Widen<'a> {
    narrow: &'a [f32],
    wide: &'a mut [f64],
}

impl WithSimd for Widen<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        widen(self.narrow, self.wide);
    }
}
