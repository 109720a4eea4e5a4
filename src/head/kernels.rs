//! Inner loops on f32 features with f64 weights, in shapes that the compiler turns into vectors; they are inlined into a
//! function compiled for the processor's.

/// Independent sums; the additions of one do not wait for those of another.
const LANES: usize = 8;

/// The dot products of some rows with a vector as long.
#[inline(always)]
pub(super) fn dots_wide<const R: usize>(rows: [&[f32]; R], vector: &[f64]) -> [f64; R] {
    let (chunks, rest) = vector.as_chunks::<LANES>();
    let rows = rows.map(|row| {
        let (row, row_rest) = row[..vector.len()].as_chunks::<LANES>();
        (&row[..chunks.len()], row_rest)
    });
    let mut sums = [[0.0; LANES]; R];
    for i in 0..chunks.len() {
        for r in 0..R {
            for l in 0..LANES {
                sums[r][l] += f64::from(rows[r].0[i][l]) * chunks[i][l];
            }
        }
    }
    let mut all = [0.0; R];
    for r in 0..R {
        for (x, w) in rows[r].1.iter().zip(rest) {
            all[r] += f64::from(*x) * w;
        }
        for sum in sums[r] {
            all[r] += sum;
        }
    }
    all
}

/// `sum += Σ factors[r] · rows[r]`.
#[inline(always)]
pub(super) fn add_scaled_wide<const R: usize>(
    sum: &mut [f64],
    factors: [f64; R],
    rows: [&[f32]; R],
) {
    let rows = rows.map(|row| &row[..sum.len()]);
    for i in 0..sum.len() {
        let mut all = sum[i];
        for r in 0..R {
            all += factors[r] * f64::from(rows[r][i]);
        }
        sum[i] = all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_count_every_element_once_whatever_the_length() {
        for n in [0u16, 1, 7, 8, 9, 33, 64] {
            let a: Vec<f32> = (1..=n).map(f32::from).collect();
            let ones = vec![1.0; usize::from(n)];
            let wide: Vec<f64> = a.iter().copied().map(f64::from).collect();
            let n = f64::from(n);
            // Sum of squares: n (n + 1) (2n + 1) / 6; of numbers: n (n + 1) / 2.
            let sums = [n * (n + 1.0) * (2.0 * n + 1.0) / 6.0, n * (n + 1.0) / 2.0];
            let dots = dots_wide([&a, &ones], &wide);
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
