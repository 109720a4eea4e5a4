//! Limits the memory that all decoding threads use together.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A memory budget for decoding threads, served first come, first served, with separate pools for files and
/// for pixels.
///
/// A request for more than the whole pool waits until the pool is free, and then gets all of it.
///
/// A thread reserves bytes for a file first, and bytes for its pixels while it holds the file, never the
/// other way round. A thread that holds bytes for pixels therefore never waits, so there is no deadlock.
#[derive(Debug)]
pub(crate) struct DecodeBudget {
    files: Pool,
    pixels: Pool,
}

impl Default for DecodeBudget {
    /// 256 MiB for files, 512 MiB for pixels.
    fn default() -> Self {
        Self {
            files: Pool::new(256 << 20),
            pixels: Pool::new(512 << 20),
        }
    }
}

impl DecodeBudget {
    /// Creates a budget of `bytes` for files and `bytes` for pixels.
    #[must_use]
    pub(crate) fn new(bytes: u64) -> Self {
        Self {
            files: Pool::new(bytes),
            pixels: Pool::new(bytes),
        }
    }

    /// Reserves bytes for a file, at most the whole pool; waits for its turn and until they are free.
    pub(crate) fn reserve_file(&self, bytes: u64) -> Permit<'_> {
        self.files.reserve(bytes)
    }

    /// Reserves bytes for decoding an image, at most the whole pool; waits for its turn and until they are
    /// free.
    pub(crate) fn reserve_pixels(&self, bytes: u64) -> Permit<'_> {
        self.pixels.reserve(bytes)
    }
}

/// The bytes for files, or those for pixels.
#[derive(Debug)]
struct Pool {
    total: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    free: u64,
    next_ticket: u64,
    now_serving: u64,
}

/// Bytes reserved from a [`DecodeBudget`]; returned on drop.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    pool: &'a Pool,
    bytes: u64,
}

impl Pool {
    fn new(bytes: u64) -> Self {
        let state = State {
            free: bytes,
            next_ticket: 0,
            now_serving: 0,
        };
        Self {
            total: bytes,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    fn reserve(&self, bytes: u64) -> Permit<'_> {
        let bytes = bytes.min(self.total);
        let mut state = self.lock();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        while state.now_serving != ticket || state.free < bytes {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.free -= bytes;
        state.now_serving += 1;
        self.changed.notify_all();
        Permit { pool: self, bytes }
    }

    /// Ignores poisoning: the counters stay consistent when a thread panics.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Returns all but `bytes` to the pool.
    pub(crate) fn shrink_to(&mut self, bytes: u64) {
        let surplus = self.bytes.saturating_sub(bytes);
        self.bytes -= surplus;
        self.pool.lock().free += surplus;
        self.pool.changed.notify_all();
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn no_more_than_the_budget_is_out_at_once() {
        let budget = DecodeBudget::new(10);
        let (out, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 1..=8 {
                let (budget, out, most) = (&budget, &out, &most);
                scope.spawn(move || {
                    for round in 0..200 {
                        let bytes = (thread * 7 + round) % 10 + 1;
                        let _permit = budget.reserve_pixels(bytes);
                        let now = out.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        most.fetch_max(now, Ordering::SeqCst);
                        out.fetch_sub(bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 10);
        assert_eq!(budget.pixels.lock().free, 10);
    }

    #[test]
    fn too_large_a_wish_gets_everything() {
        let budget = DecodeBudget::new(10);
        let mut permit = budget.reserve_pixels(u64::MAX);
        assert_eq!(budget.pixels.lock().free, 0);
        permit.shrink_to(4);
        assert_eq!(budget.pixels.lock().free, 6);
        permit.shrink_to(8);
        assert_eq!(budget.pixels.lock().free, 6);
        drop(permit);
        assert_eq!(budget.pixels.lock().free, 10);
    }

    /// Four threads that each hold a file and then request pixels, both of up to the whole budget, do not
    /// deadlock.
    #[test]
    fn whoever_holds_a_file_gets_its_pixels() {
        let budget = DecodeBudget::new(10);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for bytes in 0..200 {
                        let _file = budget.reserve_file(bytes % 7 + 4);
                        let _pixels = budget.reserve_pixels(bytes % 5 + 6);
                    }
                });
            }
        });
        assert_eq!(
            (budget.files.lock().free, budget.pixels.lock().free),
            (10, 10)
        );
    }
}
