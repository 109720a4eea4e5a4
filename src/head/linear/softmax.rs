//! Converts logits to probabilities, row by row, in f64.

use ndarray::{Array2, ArrayView1};

/// Returns the logarithm of the softmax of every row: `x - m - ln Σ exp(x - m)`, where `m` is the row's
/// largest logit.
///
/// (N, C) → (N, C), natural logarithm. Finite logits never yield NaN, however far apart they are.
///
/// # Panics
/// Never: the rows are made contiguous.
#[must_use]
pub fn log_softmax(mut logits: Array2<f64>) -> Array2<f64> {
    let classes = logits.ncols().max(1);
    if !logits.is_standard_layout() {
        logits = logits.as_standard_layout().into_owned();
    }
    let numbers = logits.as_slice_mut().expect("it is row-major");
    numbers.chunks_exact_mut(classes).for_each(log_softmax_row);
    logits
}

/// Returns the softmax of every row, (N, C) → (N, C): values in [0, 1], each row summing to 1.
#[must_use]
pub fn softmax(logits: Array2<f64>) -> Array2<f64> {
    log_softmax(logits).mapv_into(f64::exp)
}

/// Replaces one row with its [`log_softmax`].
pub(crate) fn log_softmax_row(row: &mut [f64]) {
    let mut largest = f64::NEG_INFINITY;
    for x in &*row {
        largest = largest.max(*x);
    }
    // Subtract the maximum first: added to the logarithm, a large one would swallow its last digits.
    let mut sum = 0.0;
    for x in &mut *row {
        *x -= largest;
        sum += x.exp();
    }
    let log_sum = f64::ln(sum);
    for x in row {
        *x -= log_sum;
    }
}

/// Returns the index of the largest value: the first one in a tie, 0 for an empty row.
pub(crate) fn argmax(row: ArrayView1<'_, f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (i, &value) in row.iter().enumerate() {
        if value > best.1 {
            best = (i, value);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn equal_logits_share_evenly() {
        let p = softmax(array![[7.0, 7.0, 7.0, 7.0]]);
        assert!(p.iter().all(|p| (p - 0.25).abs() < 1e-15));
    }

    #[test]
    fn odds_are_the_exponential_of_the_difference() {
        // Logits 0 and ln 3: probabilities 1/4 and 3/4.
        let p = softmax(array![[0.0, 3f64.ln()]]);
        assert!((p[[0, 0]] - 0.25).abs() < 1e-15 && (p[[0, 1]] - 0.75).abs() < 1e-15);
    }

    #[test]
    fn the_maximum_is_taken_of_each_row_by_itself() {
        // With one maximum for the whole matrix the second row would be 0/0.
        let log_p = log_softmax(array![[3e38, -3e38], [-3e38, -3e38]]);
        assert_eq!(log_p.row(0), array![0.0, -6e38]);
        assert!(log_p.iter().all(|p| p.is_finite()));
        let p = softmax(array![[3e38, -3e38], [1.0, 1.0]]);
        assert_eq!(p.row(0), array![1.0, 0.0]);
        assert!((p[[1, 0]] - 0.5).abs() < 1e-15);
    }

    #[test]
    fn the_first_of_equals_wins() {
        assert_eq!(argmax(array![1.0, 3.0, 3.0].view()), 1);
        assert_eq!(argmax(array![f64::NAN, 2.0].view()), 1);
        assert_eq!(argmax(array![].view()), 0);
    }
}
