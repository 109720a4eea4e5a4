//! How much memory all decoding threads together may take.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes that are shared out among decoding threads, first come, first served.
///
/// A picture that needs more than the whole budget waits until it can have all of it, and is then decoded alone.
#[derive(Debug)]
pub struct DecodeBudget {
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
pub struct Permit<'a> {
    budget: &'a DecodeBudget,
    bytes: u64,
}

impl Default for DecodeBudget {
    /// 512 MiB.
    fn default() -> Self {
        Self::new(512 << 20)
    }
}

impl DecodeBudget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
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

    /// Takes the bytes, capped to the whole budget; waits for its turn and until they are free.
    pub fn reserve(&self, bytes: u64) -> Permit<'_> {
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
        Permit {
            budget: self,
            bytes,
        }
    }

    /// The numbers stay right whatever thread panicked, so poison is of no interest.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Gives back all but so many bytes.
    pub fn shrink_to(&mut self, bytes: u64) {
        let surplus = self.bytes.saturating_sub(bytes);
        self.bytes -= surplus;
        self.budget.lock().free += surplus;
        self.budget.changed.notify_all();
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
                        let _permit = budget.reserve(bytes);
                        let now = out.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        most.fetch_max(now, Ordering::SeqCst);
                        out.fetch_sub(bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 10);
        assert_eq!(budget.lock().free, 10);
    }

    #[test]
    fn too_large_a_wish_gets_everything() {
        let budget = DecodeBudget::new(10);
        let mut permit = budget.reserve(u64::MAX);
        assert_eq!(budget.lock().free, 0);
        permit.shrink_to(4);
        assert_eq!(budget.lock().free, 6);
        permit.shrink_to(8);
        assert_eq!(budget.lock().free, 6);
        drop(permit);
        assert_eq!(budget.lock().free, 10);
    }
}
