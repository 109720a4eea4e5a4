//! Runs independent pieces of work on all processors; their results come back in a fixed order.

use rayon::prelude::*;

/// Returns the number of threads that rayon uses.
pub(crate) fn processors() -> usize {
    rayon::current_num_threads()
}

/// Runs `work(0)` to `work(n - 1)` in parallel and returns their results in this order.
///
/// # Panics
/// When `work` panics.
pub(crate) fn in_parallel<T: Send>(n: usize, work: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
    let numbers = (0..n).into_par_iter();
    // The pieces are few and uneven, so each is scheduled on its own.
    numbers.with_max_len(1).map(work).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_each_once() {
        let squares: Vec<_> = (0..1000).map(|n| n * n).collect();
        assert_eq!(in_parallel(1000, |n| n * n), squares);
        assert!(in_parallel(0, |n| n).is_empty());
    }
}
