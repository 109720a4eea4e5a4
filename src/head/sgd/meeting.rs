//! Where the threads of a pass wait for each other, twice a step.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Looks at the others, some 2 µs, before the processor is left to whoever needs it: at first the other thread may well
/// have been put on the same one.
const LOOKS: usize = 100;

/// A barrier for waits that are shorter than putting a thread to sleep takes.
#[derive(Debug)]
pub(super) struct Meeting {
    threads: usize,
    arrived: AtomicUsize,
    /// How often all have met.
    met: AtomicUsize,
    /// Whether a thread will never come again.
    off: AtomicBool,
}

impl Meeting {
    pub(super) fn of(threads: usize) -> Self {
        Self {
            threads,
            arrived: AtomicUsize::new(0),
            met: AtomicUsize::new(0),
            off: AtomicBool::new(false),
        }
    }

    /// Goes on when all have come; what they wrote before can then be read.
    ///
    /// # Panics
    /// When another thread has panicked.
    pub(super) fn wait(&self) {
        let met = self.met.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.arrived.store(0, Ordering::Relaxed);
            self.met.store(met + 1, Ordering::Release);
            return;
        }
        let mut looks = 0;
        while self.met.load(Ordering::Acquire) == met {
            assert!(!self.off.load(Ordering::Relaxed), "another thread failed");
            looks += 1;
            if looks < LOOKS {
                spin_loop();
            } else {
                thread::yield_now();
            }
        }
    }

    /// Tells the others, where this thread panics before the guard is dropped.
    pub(super) fn guard(&self) -> Guard<'_> {
        Guard(self)
    }
}

/// See [`Meeting::guard`].
pub(super) struct Guard<'a>(&'a Meeting);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.off.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_goes_on_before_all_have_come() {
        let (meeting, count) = (Meeting::of(3), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for round in 1..=200 {
                        count.fetch_add(1, Ordering::Relaxed);
                        meeting.wait();
                        assert_eq!(count.load(Ordering::Relaxed), 3 * round);
                        meeting.wait();
                    }
                });
            }
        });
    }

    #[test]
    fn a_thread_that_fails_keeps_nobody_waiting() {
        let meeting = Meeting::of(2);
        let failed = thread::scope(|scope| {
            let fails = scope.spawn(|| {
                let _guard = meeting.guard();
                // A panic that is not printed.
                std::panic::resume_unwind(Box::new(()));
            });
            let waits = scope.spawn(|| meeting.wait());
            (fails.join().is_err(), waits.join().is_err())
        });
        assert_eq!(failed, (true, true));
    }
}
