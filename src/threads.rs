//! Starts threads: with an error if the system gives no more of them, or as many as it gives.

use std::iter;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::thread::{self, Builder, Scope, ScopedJoinHandle};

use crate::error::{Error, Result, ThreadsFor};

/// Starts a thread in a scope.
///
/// # Errors
/// [`Error::NoThread`].
pub(crate) fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    purpose: ThreadsFor,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>> {
    let started = Builder::new().spawn_scoped(scope, work);
    started.map_err(|source| Error::NoThread { purpose, source })
}

/// The stack of threads that other libraries start: the default on Linux.
const DEFAULT_STACK: usize = 8 << 20;

/// Checks that the system gives `n` more threads at a time, for a library that cannot report that.
///
/// # Errors
/// [`Error::NoThread`].
pub(crate) fn require(n: usize, purpose: ThreadsFor) -> Result<()> {
    require_by(|| Builder::new().stack_size(DEFAULT_STACK), n, purpose)
}

fn require_by(builder: impl Fn() -> Builder, n: usize, purpose: ThreadsFor) -> Result<()> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        // Held until the last thread has started, so that all of them exist at the same time.
        let _held = gate.lock();
        for _ in 0..n {
            let started = builder().spawn_scoped(scope, || drop(gate.lock()));
            started.map_err(|source| Error::NoThread { purpose, source })?;
        }
        Ok(())
    })
}

/// Runs `work`, which takes its pieces from a shared queue, on the calling thread and on `n - 1` others, or
/// on as many as the system gives. Returns their results.
///
/// # Panics
/// When `work` panics.
pub(crate) fn on_threads<T: Send>(n: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    on_threads_by(Builder::new, n, work)
}

fn on_threads_by<T: Send>(
    builder: impl Fn() -> Builder,
    n: usize,
    work: impl Fn() -> T + Sync,
) -> Vec<T> {
    thread::scope(|scope| {
        let start = |_| builder().spawn_scoped(scope, &work).ok();
        let others: Vec<_> = (1..n).map_while(start).collect();
        let own = work();
        let join = |other: ScopedJoinHandle<'_, T>| {
            other.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        iter::once(own)
            .chain(others.into_iter().map(join))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Takes 100 numbers from a queue on up to 4 threads, and returns how many each of them took.
    fn taken(builder: impl Fn() -> Builder) -> Vec<usize> {
        let next = AtomicUsize::new(0);
        on_threads_by(builder, 4, || {
            let numbers = iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
            numbers.take_while(|&number| number < 100).count()
        })
    }

    /// No system has memory for a stack of an exbibyte, so no thread starts.
    fn impossible() -> Builder {
        Builder::new().stack_size(1 << 60)
    }

    #[test]
    fn threads_that_do_not_start_are_an_error() {
        require(3, ThreadsFor::Images).unwrap();
        require_by(impossible, 0, ThreadsFor::Images).unwrap();
        let error = require_by(impossible, 1, ThreadsFor::Images).unwrap_err();
        assert_eq!(error.to_string(), "cannot start a thread");
    }

    #[test]
    fn all_pieces_are_done_however_many_threads_the_system_gives() {
        let all = taken(Builder::new);
        assert_eq!((all.len(), all.iter().sum::<usize>()), (4, 100));
        assert_eq!(taken(impossible), [100]);
    }
}
