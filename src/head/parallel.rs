//! Independent pieces of work on all processors, in an order that no processor changes.

use rayon::prelude::*;

/// How many processors there are.
pub(crate) fn processors() -> usize {
    rayon::current_num_threads()
}

/// `work(0)` to `work(n - 1)`, in this order, whatever thread did which of them and when.
///
/// # Panics
/// When `work` does.
pub(crate) fn in_parallel<T: Send>(n: usize, work: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
    let numbers = (0..n).into_par_iter();
    // Few and uneven: each is its own piece, so that no thread waits with several.
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
