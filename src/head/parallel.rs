//! Independent pieces of work on all processors, in an order that no processor changes.

use std::num::NonZero;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many processors there are; the system takes some 50 µs to tell.
pub(crate) fn processors() -> usize {
    static PROCESSORS: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, NonZero::get));
    *PROCESSORS
}

/// `work(0)` to `work(n - 1)`, in this order, whatever thread did which of them and when.
///
/// # Panics
/// When `work` does.
pub(crate) fn in_parallel<T: Send>(n: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let take = || {
        let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        let mine = numbers.take_while(|&number| number < n);
        mine.map(|number| (number, work(number)))
            .collect::<Vec<_>>()
    };
    let threads = processors();
    let mut done: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.min(n)).map(|_| scope.spawn(take)).collect();
        let results = workers.into_iter().map(thread::ScopedJoinHandle::join);
        results
            .flat_map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    done.sort_unstable_by_key(|&(number, _)| number);
    done.into_iter().map(|(_, result)| result).collect()
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
