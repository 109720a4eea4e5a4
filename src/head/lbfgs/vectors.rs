//! Arithmetic on f64 vectors.

/// Independent partial sums of a dot product.
const LANES: usize = 8;

/// Returns the dot product of two vectors of equal length.
#[inline(always)]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    let b = &b[..a.len()];
    for i in 0..a.len() {
        for k in 0..LANES {
            sums[k] += a[i][k] * b[i][k];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// Computes `sum += factor * vector`.
#[inline(always)]
pub(crate) fn add_scaled(sum: &mut [f64], factor: f64, vector: &[f64]) {
    let vector = &vector[..sum.len()];
    for i in 0..sum.len() {
        sum[i] += factor * vector[i];
    }
}

/// Computes `difference = a - b`.
pub(crate) fn subtract(a: &[f64], b: &[f64], difference: &mut [f64]) {
    let n = difference.len();
    let (a, b) = (&a[..n], &b[..n]);
    for i in 0..n {
        difference[i] = a[i] - b[i];
    }
}

/// Returns whether every entry is finite.
pub(crate) fn is_finite(vector: &[f64]) -> bool {
    vector.iter().all(|x| x.is_finite())
}

/// Returns the largest absolute entry, or NaN if there is one.
pub(crate) fn largest(vector: &[f64]) -> f64 {
    let larger = |a: f64, b: &f64| {
        if a.is_nan() || b.abs() <= a {
            a
        } else {
            b.abs()
        }
    };
    vector.iter().fold(0.0, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_counts_every_element_once_whatever_the_length() {
        for n in [0u32, 1, 7, 8, 9, 33] {
            let a: Vec<f64> = (1..=n).map(f64::from).collect();
            let n = f64::from(n);
            // The sum of squares is n (n + 1) (2n + 1) / 6, exactly.
            let expected = n * (n + 1.0) * (2.0 * n + 1.0) / 6.0;
            assert_eq!(dot(&a, &a).to_bits(), expected.to_bits());
        }
    }

    #[test]
    fn the_largest_entry_is_by_size_and_nan_is_kept() {
        assert!((largest(&[1.0, -3.0, 2.0]) - 3.0).abs() < 1e-15);
        assert!(largest(&[1.0, f64::NAN, 2.0]).is_nan());
        assert!(is_finite(&[1.0, -2.0]) && !is_finite(&[1.0, f64::INFINITY]));
    }
}
