//! Many columns of weights: blocks of rows, made f64 and multiplied with all of them.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, s};
use pulp::{Arch, Simd, WithSimd};

use super::rows::{Share, Sums, Work, zeros};
use crate::head::gradient::{Added, Batch};
use crate::head::kernels::widen;
use crate::head::logits::products;
use crate::head::vectors::add_scaled;

/// Rows of a block: enough for the product to pay, few enough for the cache.
const BLOCK: usize = 128;
/// Up to so many columns our own products are faster than those of `matrixmultiply`, up to twice: it copies what it
/// multiplies into an order of its own.
const FEW: usize = 32;
/// Features that our products take at a time; the next row starts at another place of the nearest cache.
const WINDOW: usize = 512;
const STRIDE: usize = WINDOW + 8;

impl Work<'_, '_> {
    /// Adds the losses and gradients of a range of rows.
    pub(super) fn add_blocks(&self, rows: Range<usize>, share: &mut Share) {
        let (m, d) = self.weight.dim();
        let few = m <= FEW;
        zeros(&mut share.block, (BLOCK, if few { STRIDE } else { d }));
        zeros(&mut share.logits, (BLOCK, m));
        for start in rows.clone().step_by(BLOCK) {
            let rows = start..rows.end.min(start + BLOCK);
            if few {
                self.add_windows(rows, share);
            } else {
                self.add_block(rows, share);
            }
        }
    }

    /// A block through the products of a library.
    fn add_block(&self, rows: Range<usize>, share: &mut Share) {
        let (n, d) = (rows.len(), self.weight.ncols());
        self.widen(rows.clone(), 0..d, &mut share.block);
        let block = share.block.slice(s![..n, ..]);
        let mut logits = share.logits.slice_mut(s![..n, ..]);
        general_mat_mul(1.0, &block, &self.weight.t(), 0.0, &mut logits);
        self.block_residuals(rows, &mut share.logits, &mut share.sums);
        let logits = share.logits.slice(s![..n, ..]);
        // Seen as (D, M): with few columns that is the faster way around.
        let mut gradient = share.sums.weight.view_mut().reversed_axes();
        general_mat_mul(1.0, &block.t(), &logits, 1.0, &mut gradient);
    }

    /// A block through our own, a window of the features after the other.
    fn add_windows(&self, rows: Range<usize>, share: &mut Share) {
        let (m, d) = self.weight.dim();
        let windows = || (0..d).step_by(WINDOW).map(|i| i..d.min(i + WINDOW));
        let arch = Arch::new();
        let mut weight = Vec::new();
        share.logits.fill(0.0);
        for window in windows() {
            self.widen(rows.clone(), window.clone(), &mut share.block);
            weight.clear();
            for row in self.weight.rows() {
                let row = row.to_slice().expect("it was made row-major");
                weight.extend_from_slice(&row[window.clone()]);
            }
            let block = block_rows(&share.block, rows.len(), window.len());
            products(arch, &block, &weight, &mut |row, column, part| {
                share.logits[[row, column]] += part;
            });
        }
        self.block_residuals(rows.clone(), &mut share.logits, &mut share.sums);
        let residuals = share.logits.as_slice().expect("it was made row-major");
        for window in windows() {
            self.widen(rows.clone(), window.clone(), &mut share.block);
            weight.clear();
            weight.resize(m * window.len(), 0.0);
            let batch = Batch {
                rows: &block_rows(&share.block, rows.len(), window.len()),
                residuals: &residuals[..rows.len() * m],
                classes: m,
            };
            let mut to = Added {
                sums: &mut weight,
                columns: window.len(),
            };
            batch.gradient(arch, &mut to);
            let parts = weight.chunks_exact(window.len());
            for (sums, part) in share.sums.weight.rows_mut().into_iter().zip(parts) {
                let sums = sums.into_slice().expect("it was made row-major");
                add_scaled(&mut sums[window.clone()], 1.0, part);
            }
        }
    }

    /// Some columns of some rows as f64, to the start of a block's rows.
    fn widen(&self, rows: Range<usize>, columns: Range<usize>, block: &mut Array2<f64>) {
        let features = self.set.features();
        let features = features.slice(s![rows, columns]);
        for (row, wide) in features.rows().into_iter().zip(block.rows_mut()) {
            let wide = wide.into_slice().expect("it was made row-major");
            match row.to_slice() {
                Some(narrow) => Arch::new().dispatch(Widen { narrow, wide }),
                None => wide
                    .iter_mut()
                    .zip(row)
                    .for_each(|(wide, x)| *wide = f64::from(*x)),
            }
        }
    }

    fn block_residuals(&self, rows: Range<usize>, logits: &mut Array2<f64>, sums: &mut Sums) {
        for (row, logits) in rows.zip(logits.rows_mut()) {
            let logits = logits.into_slice().expect("it was made row-major");
            self.residuals(row, logits, sums);
        }
    }
}

/// The first columns of the first rows.
fn block_rows(block: &Array2<f64>, rows: usize, columns: usize) -> Vec<&[f64]> {
    let rows = block.rows().into_iter().take(rows);
    let rows = rows.map(|row| row.to_slice().expect("it was made row-major"));
    rows.map(|row| &row[..columns]).collect()
}

/// [`widen`] on the processor's vectors.
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
