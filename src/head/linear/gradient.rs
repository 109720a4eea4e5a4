//! The gradient of a batch with respect to the weight, computed in registers, one tile of classes and columns
//! at a time.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::number::Number;
use frostline_kernels::prefetch;

/// The most classes per tile: with two vectors of columns, the 20 sums and their operands fit 32 registers.
const CLASSES: usize = 10;
/// Classes per tile where there are 16 registers.
const FEWER_CLASSES: usize = 6;
/// Vectors of columns per tile.
const VECTORS: usize = 2;

/// Rows, and the derivatives of the loss with respect to their logits.
pub(crate) struct Batch<'a, T> {
    /// (B, d).
    pub(crate) rows: &'a [&'a [T]],
    /// (B, C), row-major.
    pub(crate) residuals: &'a [T],
    /// The next rows, at most B of length d, which are prefetched.
    pub(crate) ahead: &'a [&'a [T]],
    /// C.
    pub(crate) classes: usize,
}

/// A consumer of a gradient.
pub(crate) trait Use<T: Number> {
    /// Receives the sums of a class for the columns of vector `at`.
    fn vector<S: Simd>(&mut self, simd: S, class: usize, at: usize, sum: T::Vector<S>);
    /// Receives the sums for the columns from `start` on, fewer than a full vector.
    fn rest<S: Simd>(&mut self, simd: S, class: usize, start: usize, sum: T::Vector<S>);
}

impl<T: Number> Batch<'_, T> {
    /// Passes `residualsᵀ · rows`, (C, d), to `to`, each value once.
    pub(crate) fn gradient(&self, arch: Arch, to: &mut impl Use<T>) {
        if self.rows.is_empty() {
            return;
        }
        arch.dispatch(Gradient { batch: self, to });
    }
}

struct Gradient<'a, T, U> {
    batch: &'a Batch<'a, T>,
    to: &'a mut U,
}

impl<T: Number, U: Use<T>> WithSimd for Gradient<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let most = match S::REGISTER_COUNT {
            0..32 => FEWER_CLASSES,
            _ => CLASSES,
        };
        for first in (0..self.batch.classes).step_by(most) {
            match most.min(self.batch.classes - first) {
                1 => self.classes::<S, 1>(simd, first),
                2 => self.classes::<S, 2>(simd, first),
                3 => self.classes::<S, 3>(simd, first),
                4 => self.classes::<S, 4>(simd, first),
                5 => self.classes::<S, 5>(simd, first),
                6 => self.classes::<S, 6>(simd, first),
                7 => self.classes::<S, 7>(simd, first),
                8 => self.classes::<S, 8>(simd, first),
                9 => self.classes::<S, 9>(simd, first),
                _ => self.classes::<S, CLASSES>(simd, first),
            }
        }
    }
}

impl<T: Number, U: Use<T>> Gradient<'_, T, U> {
    /// Computes C classes, starting with class `first`.
    #[inline(always)]
    fn classes<S: Simd, const C: usize>(&mut self, simd: S, first: usize) {
        let d = self.batch.rows[0].len();
        let whole = d / T::lanes::<S>();
        let paired = whole / VECTORS * VECTORS;
        let mut tile = Tile::<T, U, C> {
            batch: self.batch,
            first,
            to: self.to,
        };
        for at in (0..paired).step_by(VECTORS) {
            tile.columns::<S, VECTORS>(simd, at);
        }
        for at in paired..whole {
            tile.columns::<S, 1>(simd, at);
        }
        if whole * T::lanes::<S>() < d {
            tile.rest(simd, whole * T::lanes::<S>());
        }
    }
}

/// C classes, starting with class `first`.
struct Tile<'a, T, U, const C: usize> {
    batch: &'a Batch<'a, T>,
    first: usize,
    to: &'a mut U,
}

impl<T: Number, U: Use<T>, const C: usize> Tile<'_, T, U, C> {
    /// Computes V vectors of columns, starting with vector `at`.
    #[inline(always)]
    fn columns<S: Simd, const V: usize>(&mut self, simd: S, at: usize) {
        let mut sums = [[T::splat(simd, T::default()); V]; C];
        let Batch { rows, ahead, .. } = *self.batch;
        for i in 0..rows.len() {
            if self.first == 0 && i < ahead.len() {
                prefetch(&T::vectors::<S>(ahead[i])[at..at + V]);
            }
            let row = &T::vectors::<S>(rows[i])[at..at + V];
            let residuals = self.residuals(i);
            for c in 0..C {
                let residual = T::splat(simd, residuals[c]);
                for k in 0..V {
                    sums[c][k] = T::mul_add(simd, residual, row[k], sums[c][k]);
                }
            }
        }
        for c in 0..C {
            for k in 0..V {
                self.to.vector(simd, self.first + c, at + k, sums[c][k]);
            }
        }
    }

    /// Returns the residuals of a row for the classes of this tile.
    #[inline(always)]
    fn residuals(&self, row: usize) -> &[T] {
        &self.batch.residuals[row * self.batch.classes + self.first..][..C]
    }

    #[inline(always)]
    fn rest<S: Simd>(&mut self, simd: S, start: usize) {
        for c in 0..C {
            let mut sum = T::splat(simd, T::default());
            for i in 0..self.batch.rows.len() {
                let residual = T::splat(simd, self.residuals(i)[c]);
                let row = T::load_rest(simd, &self.batch.rows[i][start..]);
                sum = T::mul_add(simd, residual, row, sum);
            }
            self.to.rest(simd, self.first + c, start, sum);
        }
    }
}

/// Adds the gradient to some columns of a row-major matrix.
pub(crate) struct Added<'a> {
    /// (C, D).
    pub(crate) sums: &'a mut [f64],
    /// D.
    pub(crate) width: usize,
    /// The columns to add to, d of them.
    pub(crate) columns: Range<usize>,
}

impl Added<'_> {
    /// Returns the columns of a class, from `start` on.
    #[inline(always)]
    fn row(&mut self, class: usize, start: usize) -> &mut [f64] {
        let row = &mut self.sums[class * self.width..][..self.width];
        &mut row[self.columns.start + start..self.columns.end]
    }
}

impl Use<f64> for Added<'_> {
    #[inline(always)]
    fn vector<S: Simd>(&mut self, simd: S, class: usize, at: usize, sum: S::f64s) {
        let sums = &mut S::as_mut_simd_f64s(self.row(class, 0)).0[at];
        *sums = simd.add_f64s(*sums, sum);
    }

    #[inline(always)]
    fn rest<S: Simd>(&mut self, simd: S, class: usize, start: usize, sum: S::f64s) {
        let sums = self.row(class, start);
        let all = simd.add_f64s(simd.partial_load_f64s(sums), sum);
        simd.partial_store_f64s(sums, all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_added_once_whatever_the_sizes() {
        for (b, c, d) in [(1, 1, 1), (3, 10, 16), (5, 13, 75), (2, 20, 48), (4, 7, 33)] {
            let number = |i: usize, j: usize| ((i * 7 + j * 3) % 11) as f64 - 5.0;
            let x: Vec<f64> = (0..b * d).map(|k| number(k / d, k % d)).collect();
            let residuals: Vec<f64> = (0..b * c).map(|k| number(k % c, k / c)).collect();
            let mut sums: Vec<f64> = (0..c * d).map(|k| number(k, 1)).collect();
            let expected: Vec<f64> = (0..c * d)
                .map(|k| {
                    let row = |i: usize| residuals[i * c + k / d] * x[i * d + k % d];
                    sums[k] + (0..b).map(row).sum::<f64>()
                })
                .collect();
            let rows: Vec<&[f64]> = x.chunks(d).collect();
            let batch = Batch {
                rows: &rows,
                residuals: &residuals,
                ahead: &[],
                classes: c,
            };
            let mut to = Added {
                sums: &mut sums,
                width: d,
                columns: 0..d,
            };
            batch.gradient(Arch::new(), &mut to);
            // The inputs are integers, so every sum is exact.
            assert_eq!(sums, expected, "{b} {c} {d}");
        }
    }
}
