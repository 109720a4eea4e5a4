//! Few columns of weights: four rows at a time, made f64 in registers for the logits and again for the gradient.

use std::ops::Range;

use ndarray::{ArrayView2, s};
use pulp::{Arch, Simd, WithSimd};

use super::kernels::{add_scaled_wide, dots_wide};
use super::sums::{Sums, Work};

/// Rows that share what is read and written of the weights and the gradient.
const FOUR: usize = 4;

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

/// The rows of a view of one to four; the last again where there are fewer.
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
