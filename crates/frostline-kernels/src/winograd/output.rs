//! Transforms products back from the Winograd domain, `Aᵀ m A`, then applies pooling, bias and activation.

use pulp::{Simd, WithSimd};

use crate::activation::Activation;
use crate::finite::{all_finite, seen};
use crate::geometry::Pooling;

/// A tile of 4×4 outputs of a panel of channels, or of 2×2 after pooling.
pub(super) struct OutputTile<'a> {
    /// The products: frequency f of the tile at `f * plane`, a panel long.
    pub(super) m: &'a [f32],
    pub(super) plane: usize,
    /// The biases of the panel.
    pub(super) bias: &'a [f32],
    pub(super) activation: Activation,
    pub(super) pooling: Pooling,
    /// The output, from the tile's first value on.
    pub(super) y: &'a mut [f32],
    /// The distances from one row, and one position, to the next.
    pub(super) row: usize,
    pub(super) position: usize,
    /// The rows and columns to write; others of the tile are beyond the edge.
    pub(super) size: [usize; 2],
    /// How many of the panel's channels exist.
    pub(super) channels: usize,
}

impl WithSimd for OutputTile<'_> {
    /// Whether all values are finite, before pooling, bias and activation.
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) -> bool {
        let mut c = 0;
        let mut noticed = simd.splat_f32s(0.0);
        while c < self.channels {
            let y = self.transform(simd, c);
            for y in y.as_flattened() {
                noticed = seen(simd, noticed, *y);
            }
            match self.pooling {
                Pooling::None => {
                    for i in 0..self.size[0] {
                        self.store(simd, [i, c], y[i]);
                    }
                }
                Pooling::Max2 => {
                    for i in 0..self.size[0] {
                        let pair = maxima(simd, y[2 * i], y[2 * i + 1]);
                        self.store(simd, [i, c], pair);
                    }
                }
            }
            c += S::F32_LANES;
        }
        all_finite(simd, noticed)
    }
}

impl OutputTile<'_> {
    #[inline(always)]
    fn transform<S: Simd>(&self, simd: S, c: usize) -> [[S::f32s; 4]; 4] {
        let zero = simd.splat_f32s(0.0);
        let mut t = [[zero; 6]; 4];
        for j in 0..6 {
            let mut column = [zero; 6];
            for i in 0..6 {
                let at = (i * 6 + j) * self.plane + c;
                column[i] = S::as_simd_f32s(&self.m[at..at + S::F32_LANES]).0[0];
            }
            let column = four(simd, column);
            for i in 0..4 {
                t[i][j] = column[i];
            }
        }
        [
            four(simd, t[0]),
            four(simd, t[1]),
            four(simd, t[2]),
            four(simd, t[3]),
        ]
    }

    /// Writes the first positions of row `i`, from channel `c` of the panel on.
    #[inline(always)]
    fn store<S: Simd, const N: usize>(
        &mut self,
        simd: S,
        [i, c]: [usize; 2],
        values: [S::f32s; N],
    ) {
        let bias = S::as_simd_f32s(&self.bias[c..c + S::F32_LANES]).0[0];
        let channels = (self.channels - c).min(S::F32_LANES);
        for j in 0..self.size[1] {
            let value = self.activation.of(simd, simd.add_f32s(values[j], bias));
            let at = i * self.row + j * self.position + c;
            let y = &mut self.y[at..at + channels];
            if channels == S::F32_LANES {
                S::as_mut_simd_f32s(y).0[0] = value;
            } else {
                simd.partial_store_f32s(y, value);
            }
        }
    }
}

/// Returns the maxima of 2×2 positions, NaN if one of them is NaN. They are computed before bias and
/// activation, which do not change the order.
///
/// ONNX Runtime 1.32 keeps only a NaN in the last position, but hiding the others would be no improvement.
#[inline(always)]
fn maxima<S: Simd>(simd: S, a: [S::f32s; 4], b: [S::f32s; 4]) -> [S::f32s; 2] {
    let larger = |a, b| {
        let larger = simd.select_f32s(simd.less_than_f32s(a, b), b, a);
        simd.select_f32s(simd.equal_f32s(b, b), larger, b)
    };
    let max = |a, b, c, d| larger(larger(a, b), larger(c, d));
    [max(a[0], a[1], b[0], b[1]), max(a[2], a[3], b[2], b[3])]
}

/// `Aᵀ m`.
#[inline(always)]
fn four<S: Simd>(simd: S, m: [S::f32s; 6]) -> [S::f32s; 4] {
    let times = |factor, x, y| simd.mul_add_e_f32s(simd.splat_f32s(factor), x, y);
    let (sum, difference) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
    let (sum2, difference2) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
    [
        simd.add_f32s(simd.add_f32s(m[0], sum), sum2),
        times(2.0, difference2, difference),
        times(4.0, sum2, sum),
        simd.add_f32s(times(8.0, difference2, difference), m[5]),
    ]
}
