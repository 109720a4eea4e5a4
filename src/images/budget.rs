//! How much memory all decoding threads together may take.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes that are shared out among decoding threads, first come, first served: some for files, others for
/// pixels.
///
/// What needs more than the whole of its share waits until it can have all of it, and is then alone.
///
/// A thread takes bytes for a file first and those for its pixels while it holds them, never the other way
/// round. So whoever holds bytes for pixels waits for nobody, and all threads come to an end.
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
    /// So many bytes for files, and as many for pixels.
    #[must_use]
    pub(crate) fn new(bytes: u64) -> Self {
        Self {
            files: Pool::new(bytes),
            pixels: Pool::new(bytes),
        }
    }

    /// Takes bytes for a file, capped to all that there are; waits for its turn and until they are free.
    pub(crate) fn reserve_file(&self, bytes: u64) -> Permit<'_> {
        self.files.reserve(bytes)
    }

    /// Takes bytes for decoding a picture, capped to all that there are; waits for its turn and until they
    /// are free.
    pub(crate) fn reserve_pixels(&self, bytes: u64) -> Permit<'_> {
        self.pixels.reserve(bytes)
    }
}

/// Bytes of one kind.
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

/// Bytes taken from a [`DecodeBudget`]; dropping it gives them back.
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

    /// The numbers stay right whatever thread panicked, so poison is of no interest.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Gives back all but so many bytes.
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

    /// Four threads that each hold a file of the whole size, in turn, and want pixels of the whole size: it
    /// ends.
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
