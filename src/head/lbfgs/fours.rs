//! The case of few weight columns: four rows at a time are widened to f64 in registers, once for the logits
//! and once for the gradient.

use std::ops::Range;

use ndarray::{ArrayView2, s};
use pulp::{Arch, Simd, WithSimd};

use super::sums::{Sums, Work};

/// Rows that share each read of the weights and each update of the gradient.
const FOUR: usize = 4;

/// Features that are widened together: the longest vector of f64.
const CHUNK: usize = 8;

impl Work<'_, '_> {
    /// Adds the losses and gradients of a range of rows.
    pub(crate) fn add_fours(&self, rows: Range<usize>, sums: &mut Sums) {
        Arch::new().dispatch(Fours {
            work: self,
            rows,
            sums,
        });
    }
}

struct Fours<'a, 'w, 'set> {
    work: &'a Work<'w, 'set>,
    rows: Range<usize>,
    sums: &'a mut Sums,
}

impl WithSimd for Fours<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { work, rows, sums } = self;
        let m = work.bias.len();
        let (mut copies, mut logits) = (Vec::new(), vec![[0.0; FOUR]; m]);
        let mut own = vec![0.0; m];
        for start in rows.clone().step_by(FOUR) {
            let n = FOUR.min(rows.end - start);
            let features = work.set.features();
            let features = features.slice(s![start..start + n, ..]);
            let four = four_rows(features, &mut copies);
            for (logits, weight) in logits.iter_mut().zip(work.weight.rows()) {
                *logits = dots_wide(
                    simd,
                    four,
                    weight.to_slice().expect("it was made row-major"),
                );
            }
            for row in 0..n {
                for (own, logits) in own.iter_mut().zip(&logits) {
                    *own = logits[row];
                }
                work.residuals(start + row, &mut own, sums);
                for (own, logits) in own.iter().zip(&mut logits) {
                    logits[row] = *own;
                }
            }
            for (residuals, gradient) in logits.iter_mut().zip(sums.weight.rows_mut()) {
                residuals[n..].fill(0.0);
                let gradient = gradient.into_slice().expect("it was made row-major");
                add_scaled_wide(gradient, *residuals, four);
            }
        }
    }
}

/// Returns the rows of a view of one to four rows; the last one is repeated if there are fewer than four.
fn four_rows<'a>(rows: ArrayView2<'a, f32>, copies: &'a mut Vec<f32>) -> [&'a [f32]; FOUR] {
    let (n, d) = rows.dim();
    let numbers = if let Some(numbers) = rows.to_slice() {
        numbers
    } else {
        copies.clear();
        copies.extend(rows);
        copies
    };
    std::array::from_fn(|r| &numbers[r.min(n - 1) * d..][..d])
}

/// Converts f32 values to f64.
#[inline(always)]
pub(super) fn widen(narrow: &[f32], wide: &mut [f64]) {
    let narrow = &narrow[..wide.len()];
    for i in 0..wide.len() {
        wide[i] = f64::from(narrow[i]);
    }
}

/// Returns the dot products of some rows with a vector of the same length.
#[inline(always)]
fn dots_wide<S: Simd, const R: usize>(simd: S, rows: [&[f32]; R], vector: &[f64]) -> [f64; R] {
    let (chunks, rest) = vector.as_chunks::<CHUNK>();
    let mut whole: [&[[f32; CHUNK]]; R] = [&[]; R];
    for r in 0..R {
        whole[r] = &rows[r].as_chunks().0[..chunks.len()];
    }
    let mut sums = [[simd.splat_f64s(0.0); CHUNK]; R];
    for i in 0..chunks.len() {
        let w = S::as_simd_f64s(&chunks[i]).0;
        for r in 0..R {
            let mut wide = [0.0; CHUNK];
            widen(&whole[r][i], &mut wide);
            let x = S::as_simd_f64s(&wide).0;
            for k in 0..CHUNK / S::F64_LANES {
                sums[r][k] = simd.mul_add_e_f64s(x[k], w[k], sums[r][k]);
            }
        }
    }
    let mut all = [0.0; R];
    for r in 0..R {
        for k in 0..CHUNK / S::F64_LANES {
            all[r] += simd.reduce_sum_f64s(sums[r][k]);
        }
        for (i, w) in (chunks.len() * CHUNK..).zip(rest) {
            all[r] += f64::from(rows[r][i]) * w;
        }
    }
    all
}

/// Computes `sum += Σ factors[r] · rows[r]`.
#[inline(always)]
fn add_scaled_wide<const R: usize>(sum: &mut [f64], factors: [f64; R], rows: [&[f32]; R]) {
    let n = sum.len();
    let mut whole: [&[f32]; R] = [&[]; R];
    for r in 0..R {
        whole[r] = &rows[r][..n];
    }
    for i in 0..n {
        let mut all = sum[i];
        for r in 0..R {
            all += factors[r] * f64::from(whole[r][i]);
        }
        sum[i] = all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dot products with the processor's vector instructions.
    struct Dots<'a>([&'a [f32]; 2], &'a [f64]);

    impl WithSimd for Dots<'_> {
        type Output = [f64; 2];

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> [f64; 2] {
            dots_wide(simd, self.0, self.1)
        }
    }

    #[test]
    fn dots_count_every_element_once_whatever_the_length() {
        for n in [0u16, 1, 7, 8, 9, 33, 64] {
            let a: Vec<f32> = (1..=n).map(f32::from).collect();
            let ones = vec![1.0; usize::from(n)];
            let wide: Vec<f64> = a.iter().copied().map(f64::from).collect();
            let n = f64::from(n);
            // The sum of squares is n (n + 1) (2n + 1) / 6, that of the values n (n + 1) / 2.
            let sums = [n * (n + 1.0) * (2.0 * n + 1.0) / 6.0, n * (n + 1.0) / 2.0];
            let dots = Arch::new().dispatch(Dots([&a, &ones], &wide));
            assert_eq!(dots.map(f64::to_bits), sums.map(f64::to_bits));
        }
    }

    #[test]
    fn add_scaled_adds() {
        let mut sum = [1.0, 2.0];
        add_scaled_wide(&mut sum, [-2.0, 10.0], [&[3.0, 0.5], &[1.0, 0.0]]);
        assert_eq!(sum.map(f64::to_bits), [5.0, 1.0].map(f64::to_bits));
    }
}
