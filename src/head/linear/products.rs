//! Logits of many rows, computed in tiles of a few rows and classes whose sums stay in registers.

use pulp::{Arch, Simd, WithSimd};

use super::number::Number;

/// The most classes per tile: with four rows, the 20 sums and their operands fill 32 registers.
const CLASSES: usize = 5;
/// Classes per tile where there are 16 registers: 12 sums and their operands.
const FEWER_CLASSES: usize = 3;

/// Writes `weight[c] · row` for every row (N, D) and class (C) to `to`, (N, C), row-major.
///
/// `weight` is (C, D). The product of a row and a class is bit-identical whatever other rows and classes are
/// passed with them.
pub(crate) fn products<T: Number>(arch: Arch, rows: &[&[T]], weight: &[&[T]], to: &mut [T]) {
    arch.dispatch(Products { rows, weight, to });
}

struct Products<'a, T> {
    rows: &'a [&'a [T]],
    weight: &'a [&'a [T]],
    to: &'a mut [T],
}

impl<T: Number> WithSimd for Products<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let most = match S::REGISTER_COUNT {
            0..32 => FEWER_CLASSES,
            _ => CLASSES,
        };
        for first in (0..self.weight.len()).step_by(most) {
            match most.min(self.weight.len() - first) {
                1 => self.classes::<S, 1>(simd, first),
                2 => self.classes::<S, 2>(simd, first),
                3 => self.classes::<S, 3>(simd, first),
                4 => self.classes::<S, 4>(simd, first),
                _ => self.classes::<S, CLASSES>(simd, first),
            }
        }
    }
}

impl<T: Number> Products<'_, T> {
    /// Computes C classes, starting with class `first`, for all rows.
    #[inline(always)]
    fn classes<S: Simd, const C: usize>(&mut self, simd: S, first: usize) {
        let (fours, rest) = self.rows.as_chunks::<4>();
        for i in 0..fours.len() {
            self.tile::<S, C, 4>(simd, (4 * i, first), fours[i]);
        }
        for i in 0..rest.len() {
            self.tile::<S, C, 1>(simd, (4 * fours.len() + i, first), [rest[i]]);
        }
    }

    /// Computes the C classes of R rows, starting with row `at.0` and class `at.1`.
    #[inline(always)]
    fn tile<S: Simd, const C: usize, const R: usize>(
        &mut self,
        simd: S,
        at: (usize, usize),
        all: [&[T]; R],
    ) {
        let (first_row, first) = at;
        let d = all[0].len();
        let whole = d / T::lanes::<S>();
        let mut rows: [&[T::Vector<S>]; R] = [&[]; R];
        for r in 0..R {
            rows[r] = &T::vectors::<S>(&all[r][..d])[..whole];
        }
        let mut weight: [&[T::Vector<S>]; C] = [&[]; C];
        for c in 0..C {
            weight[c] = &T::vectors::<S>(&self.weight[first + c][..d])[..whole];
        }
        let zero = T::splat(simd, T::default());
        let (mut sums, mut w) = ([[zero; C]; R], [zero; C]);
        for i in 0..whole {
            for c in 0..C {
                w[c] = weight[c][i];
            }
            for r in 0..R {
                let x = rows[r][i];
                for c in 0..C {
                    sums[r][c] = T::mul_add(simd, x, w[c], sums[r][c]);
                }
            }
        }
        let rest = whole * T::lanes::<S>();
        for r in 0..R {
            let to = &mut self.to[(first_row + r) * self.weight.len() + first..][..C];
            for c in 0..C {
                if rest < d {
                    let x = T::load_rest(simd, &all[r][rest..]);
                    let w = T::load_rest(simd, &self.weight[first + c][rest..]);
                    sums[r][c] = T::mul_add(simd, x, w, sums[r][c]);
                }
                to[c] = T::sum(simd, sums[r][c]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_meets_every_class_whatever_the_sizes() {
        for (n, c, d) in [(1, 1, 1), (4, 5, 16), (7, 6, 19), (9, 13, 64), (3, 2, 15)] {
            let number = |i: usize, j: usize| ((i * 7 + j * 3) % 11) as f32 - 5.0;
            let x: Vec<f32> = (0..n * d).map(|k| number(k / d, k % d)).collect();
            let w: Vec<f32> = (0..c * d).map(|k| number(k % d, k / d + 4)).collect();
            let (rows, w): (Vec<&[f32]>, Vec<&[f32]>) =
                (x.chunks(d).collect(), w.chunks(d).collect());
            let mut all = vec![f32::NAN; n * c];
            products(Arch::new(), &rows, &w, &mut all);
            for (i, product) in all.iter().enumerate() {
                // The inputs are integers, so every sum is exact.
                let of = |k: usize| number(i / c, k) * number(k, i % c + 4);
                let sum: f32 = (0..d).map(of).sum();
                assert_eq!(product.to_bits(), (sum + 0.0).to_bits(), "{n} {c} {d}");
            }
        }
        products::<f32>(Arch::new(), &[], &[], &mut []);
    }

    #[test]
    fn a_product_is_the_same_among_others() {
        let x: Vec<f32> = (0..50).map(|k| (k as f32 * 0.37).sin()).collect();
        let w: Vec<f32> = (0..70).map(|k| (k as f32 * 0.91).cos()).collect();
        let (rows, w): (Vec<&[f32]>, Vec<&[f32]>) =
            (x.chunks(10).collect(), w.chunks(10).collect());
        let mut all = vec![0.0; rows.len() * w.len()];
        products(Arch::new(), &rows, &w, &mut all);
        for (i, product) in all.iter().enumerate() {
            let (row, class) = (i / w.len(), i % w.len());
            let mut alone = [0.0];
            products(Arch::new(), &rows[row..=row], &[w[class]], &mut alone);
            assert_eq!(alone[0].to_bits(), f32::to_bits(*product));
        }
    }
}
