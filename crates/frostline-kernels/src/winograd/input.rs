//! Transforms input tiles to the Winograd domain: `Bᵀ d B`.

use std::ops::Range;

use pulp::{Simd, WithSimd};

/// A tile of 6×6 positions of a channels-last image.
pub(super) struct InputTile<'a> {
    /// The image, `(h, w, c)`, and its width and channels.
    pub(super) x: &'a [f32],
    pub(super) w: usize,
    pub(super) c: usize,
    /// The tile's first row and column in the image; negative within the padding.
    pub(super) start: [isize; 2],
    /// The tile's rows and columns within the image; the others are zero.
    pub(super) inside: [Range<usize>; 2],
    /// The destination: frequency f of the b-th vector of channels at `f * plane + b * block`.
    pub(super) v: &'a mut [f32],
    pub(super) plane: usize,
    pub(super) block: usize,
}

impl WithSimd for InputTile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let lanes = S::F32_LANES;
        let whole = self.inside == [0..6, 0..6];
        for b in 0..self.c.div_ceil(lanes) {
            let c = b * lanes;
            let d = if whole && c + lanes <= self.c {
                self.whole::<S>(simd, c)
            } else {
                self.part::<S>(simd, c)
            };
            self.transform(simd, d, b);
        }
    }
}

impl InputTile<'_> {
    /// Returns the index in the image of position (i, j) of the tile.
    #[inline(always)]
    fn at(&self, i: usize, j: usize) -> usize {
        let y = self.start[0].wrapping_add_unsigned(i).cast_unsigned();
        let x = self.start[1].wrapping_add_unsigned(j).cast_unsigned();
        (y * self.w + x) * self.c
    }

    #[inline(always)]
    fn whole<S: Simd>(&self, simd: S, c: usize) -> [[S::f32s; 6]; 6] {
        let mut d = [[simd.splat_f32s(0.0); 6]; 6];
        for i in 0..6 {
            let row = &self.x[self.at(i, 0) + c..][..5 * self.c + S::F32_LANES];
            for j in 0..6 {
                d[i][j] = S::as_simd_f32s(&row[j * self.c..][..S::F32_LANES]).0[0];
            }
        }
        d
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, c: usize) -> [[S::f32s; 6]; 6] {
        let mut d = [[simd.splat_f32s(0.0); 6]; 6];
        let channels = S::F32_LANES.min(self.c - c);
        for i in self.inside[0].clone() {
            for j in self.inside[1].clone() {
                d[i][j] = simd.partial_load_f32s(&self.x[self.at(i, j) + c..][..channels]);
            }
        }
        d
    }

    #[inline(always)]
    fn transform<S: Simd>(&mut self, simd: S, mut d: [[S::f32s; 6]; 6], b: usize) {
        for j in 0..6 {
            let column = six(simd, [d[0][j], d[1][j], d[2][j], d[3][j], d[4][j], d[5][j]]);
            for i in 0..6 {
                d[i][j] = column[i];
            }
        }
        for i in 0..6 {
            let row = six(simd, d[i]);
            for j in 0..6 {
                let at = (i * 6 + j) * self.plane + b * self.block;
                S::as_mut_simd_f32s(&mut self.v[at..at + S::F32_LANES]).0[0] = row[j];
            }
        }
    }
}

/// `Bᵀ d`.
#[inline(always)]
fn six<S: Simd>(simd: S, d: [S::f32s; 6]) -> [S::f32s; 6] {
    let times = |factor, x, y| simd.mul_add_e_f32s(simd.splat_f32s(factor), x, y);
    let (even, odd) = (times(-4.0, d[2], d[4]), times(-4.0, d[1], d[3]));
    let (even2, odd2) = (simd.sub_f32s(d[4], d[2]), simd.sub_f32s(d[3], d[1]));
    [
        times(4.0, d[0], times(-5.0, d[2], d[4])),
        simd.add_f32s(even, odd),
        simd.sub_f32s(even, odd),
        times(2.0, odd2, even2),
        times(-2.0, odd2, even2),
        times(4.0, d[1], times(-5.0, d[3], d[5])),
    ]
}
