//! Runs independent pieces of work on all processors; their results come back in a fixed order.
//!
//! The threads are those of rayon's global pool; a forked process has none of them and starts its own. A task
//! that cannot do without them starts them first, with [`start_processors`], because the other functions
//! panic where the system gives no threads.

use std::error::Error as _;
use std::io;
use std::process;
use std::sync::OnceLock;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result, ThreadsFor, system_error};

/// Starts the threads, unless they are running.
///
/// # Errors
/// [`Error::NoThread`].
pub(crate) fn start_processors() -> Result<()> {
    // rayon tries only once; a second attempt would not report why the first one failed.
    static FAILURE: OnceLock<Option<(io::ErrorKind, String)>> = OnceLock::new();
    let failure = FAILURE.get_or_init(|| {
        STARTED_BY.get_or_init(process::id);
        let started = ThreadPoolBuilder::new().build_global();
        // Without a cause, the threads are running already.
        let failed = started.err().filter(|error| error.source().is_some())?;
        let cause = system_error(failed);
        Some((cause.kind(), cause.to_string()))
    });
    let Some((kind, text)) = failure else {
        return Ok(());
    };
    Err(Error::NoThread {
        purpose: ThreadsFor::Features,
        source: io::Error::new(*kind, text.as_str()),
    })
}

/// The process that started rayon's global pool.
static STARTED_BY: OnceLock<u32> = OnceLock::new();

/// Runs `work` where rayon has threads. In a process that was forked after they were started (Python's
/// `multiprocessing`, servers that fork their workers), the global pool would wait for threads that are not
/// there.
fn with_threads<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    with_threads_of(process::id(), work)
}

fn with_threads_of<T: Send>(own: u32, work: impl FnOnce() -> T + Send) -> T {
    static OF_FORK: OnceLock<(u32, ThreadPool)> = OnceLock::new();
    if *STARTED_BY.get_or_init(|| own) == own || rayon::current_thread_index().is_some() {
        return work();
    }
    let start = || {
        let pool = ThreadPoolBuilder::new().build();
        (own, pool.expect("the system gives threads"))
    };
    let (by, pool) = OF_FORK.get_or_init(start);
    if *by == own {
        return pool.install(work);
    }
    // The fork of a fork.
    start().1.install(work)
}

/// Returns the number of threads that rayon uses.
pub(crate) fn processors() -> usize {
    rayon::current_num_threads()
}

/// Runs `work(0)` to `work(n - 1)` in parallel and returns their results in this order.
///
/// # Panics
/// When `work` panics, or the threads cannot be started.
pub(crate) fn in_parallel<T: Send>(n: usize, work: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
    let numbers = (0..n).into_par_iter();
    // The pieces are few and uneven, so each is scheduled on its own.
    with_threads(|| numbers.with_max_len(1).map(work).collect())
}

/// Runs `work` in parallel on each item, with its index.
///
/// # Panics
/// As [`in_parallel`].
pub(crate) fn for_each_in_parallel<T: Send>(
    items: &mut [T],
    work: impl Fn(usize, &mut T) + Sync + Send,
) {
    if let [only] = items {
        work(0, only);
        return;
    }
    let items = items.par_iter_mut().with_max_len(1).enumerate();
    with_threads(|| items.for_each(|(i, item)| work(i, item)));
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn results_come_in_order_each_once() {
        let squares: Vec<_> = (0..1000).map(|n| n * n).collect();
        assert_eq!(in_parallel(1000, |n| n * n), squares);
        assert!(in_parallel(0, |n| n).is_empty());
    }

    #[test]
    fn each_item_is_worked_on_once_with_its_index() {
        for n in [0, 1, 7] {
            let mut items = vec![1; n];
            for_each_in_parallel(&mut items, |i, item| *item += i);
            assert_eq!(items, (1..=n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_forked_process_starts_its_own_threads() {
        let name = || thread::current().id();
        let own = process::id();
        assert_eq!(with_threads_of(own, name), name());
        let [forked, again, twice] =
            [own + 1, own + 1, own + 2].map(|id| with_threads_of(id, name));
        assert_ne!(forked, name());
        assert_ne!(twice, forked);
        assert_ne!(twice, again);
        let nested = with_threads_of(own + 1, || with_threads_of(own + 1, name) == name());
        assert!(nested, "a thread of the pool does its own work");
    }

    #[test]
    fn running_threads_are_no_failure() {
        start_processors().unwrap();
        assert_eq!(in_parallel(2, |n| n), [0, 1]);
        start_processors().unwrap();
    }
}
