//! Inner loops on f32 features with f64 weights, inlined into a function compiled for the processor's vectors.

use pulp::Simd;

/// Features that are widened together: a vector of f64 where it is longest.
const CHUNK: usize = 8;

/// The numbers of some f32 as f64.
#[inline(always)]
pub(crate) fn widen(narrow: &[f32], wide: &mut [f64]) {
    for (wide, narrow) in wide.iter_mut().zip(narrow) {
        *wide = f64::from(*narrow);
    }
}

/// The dot products of some rows with a vector as long.
#[inline(always)]
pub(crate) fn dots_wide<S: Simd, const R: usize>(
    simd: S,
    rows: [&[f32]; R],
    vector: &[f64],
) -> [f64; R] {
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

/// `sum += Σ factors[r] · rows[r]`.
#[inline(always)]
pub(crate) fn add_scaled_wide<const R: usize>(
    sum: &mut [f64],
    factors: [f64; R],
    rows: [&[f32]; R],
) {
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
    use pulp::{Arch, WithSimd};

    use super::*;

    /// Dots on the processor's own vectors.
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
            // Sum of squares: n (n + 1) (2n + 1) / 6; of numbers: n (n + 1) / 2.
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
