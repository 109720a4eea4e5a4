//! Logits of many rows at once: a few rows times a few classes, whose sums stay in registers.

use std::array;

use pulp::{Arch, Simd, WithSimd};

use super::number::Number;

/// Classes of a tile; with four rows of it, 20 sums and what is multiplied fill 32 registers.
const CLASSES: usize = 5;

/// `weight[c] · row` of every row (N, D) and class (C), given to `each` as `(row, class, product)`.
///
/// `weight` is (C, D). The product of a row and a class depends on those two alone, to the last bit, however
/// many others come with them.
pub(super) fn products<T: Number>(
    arch: Arch,
    rows: &[&[T]],
    weight: &[&[T]],
    each: &mut impl FnMut(usize, usize, T),
) {
    for first in (0..weight.len()).step_by(CLASSES) {
        let class = |c: usize| weight[first + c];
        let mut each = |row: usize, c: usize, product: T| each(row, first + c, product);
        match weight.len() - first {
            1 => tile::<T, 1>(arch, rows, array::from_fn(class), &mut each),
            2 => tile::<T, 2>(arch, rows, array::from_fn(class), &mut each),
            3 => tile::<T, 3>(arch, rows, array::from_fn(class), &mut each),
            4 => tile::<T, 4>(arch, rows, array::from_fn(class), &mut each),
            _ => tile::<T, CLASSES>(arch, rows, array::from_fn(class), &mut each),
        }
    }
}

fn tile<T: Number, const C: usize>(
    arch: Arch,
    rows: &[&[T]],
    weight: [&[T]; C],
    each: &mut impl FnMut(usize, usize, T),
) {
    let mut hand_out = |first: usize, products: &[[T; C]]| {
        for (row, products) in (first..).zip(products) {
            for (class, product) in products.iter().enumerate() {
                each(row, class, *product);
            }
        }
    };
    let (fours, rest) = rows.as_chunks::<4>();
    for (i, &rows) in fours.iter().enumerate() {
        hand_out(4 * i, &arch.dispatch(Tile { rows, weight }));
    }
    for (i, &row) in (4 * fours.len()..).zip(rest) {
        let rows = [row];
        hand_out(i, &arch.dispatch(Tile { rows, weight }));
    }
}

/// R rows and C classes, all D long.
struct Tile<'a, T, const R: usize, const C: usize> {
    rows: [&'a [T]; R],
    weight: [&'a [T]; C],
}

impl<T: Number, const R: usize, const C: usize> WithSimd for Tile<'_, T, R, C> {
    type Output = [[T; C]; R];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let d = self.rows[0].len();
        let whole = d / T::lanes::<S>();
        let mut rows: [&[T::Vector<S>]; R] = [&[]; R];
        for r in 0..R {
            rows[r] = &T::vectors::<S>(&self.rows[r][..d])[..whole];
        }
        let mut weight: [&[T::Vector<S>]; C] = [&[]; C];
        for c in 0..C {
            weight[c] = &T::vectors::<S>(&self.weight[c][..d])[..whole];
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
        let mut products = [[T::default(); C]; R];
        for r in 0..R {
            for c in 0..C {
                if rest < d {
                    let x = T::load_rest(simd, &self.rows[r][rest..]);
                    let w = T::load_rest(simd, &self.weight[c][rest..]);
                    sums[r][c] = T::mul_add(simd, x, w, sums[r][c]);
                }
                products[r][c] = T::sum(simd, sums[r][c]);
            }
        }
        products
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
            let mut met = vec![0; n * c];
            products(Arch::new(), &rows, &w, &mut |row, class, product| {
                // Whole numbers: every sum is exact.
                let sum: f32 = (0..d).map(|k| number(row, k) * number(k, class + 4)).sum();
                assert_eq!(product.to_bits(), (sum + 0.0).to_bits(), "{n} {c} {d}");
                met[row * c + class] += 1;
            });
            assert!(met.iter().all(|&times| times == 1));
        }
        products::<f32>(Arch::new(), &[], &[], &mut |_, _, _| unreachable!());
    }

    #[test]
    fn a_product_is_the_same_among_others() {
        let x: Vec<f32> = (0..50).map(|k| (k as f32 * 0.37).sin()).collect();
        let w: Vec<f32> = (0..70).map(|k| (k as f32 * 0.91).cos()).collect();
        let (rows, w): (Vec<&[f32]>, Vec<&[f32]>) =
            (x.chunks(10).collect(), w.chunks(10).collect());
        products(Arch::new(), &rows, &w, &mut |row, class, product| {
            let alone = [w[class]];
            products(Arch::new(), &rows[row..=row], &alone, &mut |_, _, same| {
                assert_eq!(same.to_bits(), product.to_bits());
            });
        });
    }
}
