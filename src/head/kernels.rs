//! The two inner loops: a dot product and a scaled addition, in shapes that the compiler turns into SIMD.

/// Independent sums; the additions of one do not wait for those of another.
const LANES: usize = 16;

/// The dot product of two rows of equal length.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// `sum += factor * row`.
pub(super) fn add_scaled(sum: &mut [f32], factor: f32, row: &[f32]) {
    for (sum, x) in sum.iter_mut().zip(row) {
        *sum += factor * x;
    }
}

/// [`dot`] of f32 features with f64 weights, in f64.
pub(super) fn dot_wide(a: &[f32], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += f64::from(*a) * b;
        }
    }
    let rest: f64 = a_rest
        .iter()
        .zip(b_rest)
        .map(|(a, b)| f64::from(*a) * b)
        .sum();
    sums.iter().sum::<f64>() + rest
}

/// [`add_scaled`] of an f32 row, in f64.
pub(super) fn add_scaled_wide(sum: &mut [f64], factor: f64, row: &[f32]) {
    for (sum, x) in sum.iter_mut().zip(row) {
        *sum += factor * f64::from(*x);
    }
}

/// `logits[c] = weight[c] · row + bias[c]`, weight (C, D) row-major.
pub(super) fn linear(weight: &[f32], bias: &[f32], row: &[f32], logits: &mut [f64]) {
    for (c, (logit, bias)) in logits.iter_mut().zip(bias).enumerate() {
        let weight = &weight[c * row.len()..(c + 1) * row.len()];
        *logit = f64::from(dot(weight, row) + bias);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_counts_every_element_once_whatever_the_length() {
        for n in [0u16, 1, 15, 16, 17, 33, 64] {
            let a: Vec<f32> = (1..=n).map(f32::from).collect();
            let n = f32::from(n);
            // Sum of squares: n (n + 1) (2n + 1) / 6, exact in f32 up to 64.
            assert_eq!(
                dot(&a, &a).to_bits(),
                (n * (n + 1.0) * (2.0 * n + 1.0) / 6.0).to_bits()
            );
            let wide: Vec<f64> = a.iter().copied().map(f64::from).collect();
            assert_eq!(
                dot_wide(&a, &wide).to_bits(),
                f64::from(dot(&a, &a)).to_bits()
            );
        }
    }

    #[test]
    fn linear_is_weight_times_row_plus_bias() {
        let mut logits = [0.0; 2];
        linear(
            &[1.0, 2.0, 3.0, 4.0],
            &[0.5, -0.5],
            &[10.0, 100.0],
            &mut logits,
        );
        // 10 + 200 + 0.5 and 30 + 400 - 0.5.
        assert_eq!(logits.map(f64::to_bits), [210.5, 429.5].map(f64::to_bits));
    }

    #[test]
    fn add_scaled_adds() {
        let mut sum = [1.0, 2.0];
        add_scaled(&mut sum, -2.0, &[3.0, 0.5]);
        assert_eq!(sum.map(f32::to_bits), [-5.0, 1.0].map(f32::to_bits));
        let mut sum = [1.0, 2.0];
        add_scaled_wide(&mut sum, -2.0, &[3.0, 0.5]);
        assert_eq!(sum.map(f64::to_bits), [-5.0, 1.0].map(f64::to_bits));
    }
}
