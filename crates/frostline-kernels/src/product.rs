//! The product of a few rows with a panel of columns, which takes most of the time of the layers.

use pulp::{Arch, Simd, WithSimd};

use super::buffers::{LINE, prefetch};

/// The number of vectors in a row of a panel.
const VECTORS: usize = 2;

/// An instruction set, and the sizes that follow from its registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine {
    pub(super) arch: Arch,
    /// Values in a vector.
    pub(super) lanes: usize,
    /// Columns of a panel: two vectors.
    pub(super) panel: usize,
    /// The most rows of a product: two vectors of sums for each of them, and one row of the panel, fill the
    /// registers.
    pub(super) rows: usize,
}

impl Machine {
    pub(super) fn new(arch: Arch) -> Self {
        arch.dispatch(Sizes(arch))
    }

    /// Returns `depth` rounded up to whole vectors, as products require.
    pub(super) fn padded(&self, depth: usize) -> usize {
        depth.next_multiple_of(self.lanes)
    }

    /// Computes `out (rows, panel) = v (rows, depth) · u (depth, panel)`.
    ///
    /// `v` is stored as `(depth / lanes, rows, lanes)` and `u` as `(depth, panel)`; `depth` is a multiple of
    /// the lanes, and `rows` is at most [`Machine::rows`]. Meanwhile, `ahead` is prefetched, which will be
    /// read soon.
    pub(super) fn product(
        &self,
        rows: usize,
        v: &[f32],
        (u, ahead): (&[f32], &[f32]),
        out: &mut [f32],
    ) {
        match rows {
            1 => self.arch.dispatch(Product::<1> { v, u, ahead, out }),
            2 => self.arch.dispatch(Product::<2> { v, u, ahead, out }),
            3 => self.arch.dispatch(Product::<3> { v, u, ahead, out }),
            4 => self.arch.dispatch(Product::<4> { v, u, ahead, out }),
            5 => self.arch.dispatch(Product::<5> { v, u, ahead, out }),
            6 => self.arch.dispatch(Product::<6> { v, u, ahead, out }),
            7 => self.arch.dispatch(Product::<7> { v, u, ahead, out }),
            8 => self.arch.dispatch(Product::<8> { v, u, ahead, out }),
            9 => self.arch.dispatch(Product::<9> { v, u, ahead, out }),
            10 => self.arch.dispatch(Product::<10> { v, u, ahead, out }),
            11 => self.arch.dispatch(Product::<11> { v, u, ahead, out }),
            12 => self.arch.dispatch(Product::<12> { v, u, ahead, out }),
            _ => unreachable!("a product has 1 to 12 rows, not {rows}"),
        }
    }
}

struct Sizes(Arch);

impl WithSimd for Sizes {
    type Output = Machine;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Machine {
        Machine {
            arch: self.0,
            lanes: S::F32_LANES,
            panel: VECTORS * S::F32_LANES,
            rows: if S::REGISTER_COUNT >= 32 { 12 } else { 6 },
        }
    }
}

struct Product<'a, const ROWS: usize> {
    v: &'a [f32],
    u: &'a [f32],
    ahead: &'a [f32],
    out: &'a mut [f32],
}

impl<const ROWS: usize> WithSimd for Product<'_, ROWS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = S::F32_LANES;
        let (u, _) = S::as_simd_f32s(self.u);
        let (u, _) = u.as_chunks::<VECTORS>();
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        let mut ahead = self.ahead;
        let share = (ahead.len() * lanes)
            .div_ceil(u.len().max(1))
            .next_multiple_of(LINE);
        // Two steps at a time, since the loop counter takes time too.
        let steps = lanes.min(2);
        for (v, u) in self.v.chunks_exact(ROWS * lanes).zip(u.chunks_exact(lanes)) {
            let now;
            (now, ahead) = ahead.split_at(share.min(ahead.len()));
            prefetch(now);
            for (i, u) in u.chunks_exact(steps).enumerate() {
                let v = &v[i * steps..][..(ROWS - 1) * lanes + steps];
                for k in 0..steps {
                    for row in 0..ROWS {
                        let x = simd.splat_f32s(v[row * lanes + k]);
                        for i in 0..VECTORS {
                            sums[row][i] = simd.mul_add_e_f32s(x, u[k][i], sums[row][i]);
                        }
                    }
                }
            }
        }
        let (out, _) = S::as_mut_simd_f32s(self.out);
        let (out, _) = out.as_chunks_mut::<VECTORS>();
        out[..ROWS].copy_from_slice(&sums);
    }
}
