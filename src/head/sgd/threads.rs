//! The barrier and the shared values of the threads of a pass.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::thread;

/// Polls, some 2 µs, before a waiting thread yields its processor: at first, both threads may have been put
/// on the same one.
const LOOKS: usize = 100;

/// A spinning barrier, for waits that are shorter than putting a thread to sleep.
#[derive(Debug)]
pub(super) struct Meeting {
    threads: usize,
    arrived: AtomicUsize,
    /// How often all threads have met.
    met: AtomicUsize,
    /// Whether a thread will not arrive again.
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

    /// Waits until all threads have arrived; what they wrote before is then visible. Returns `None` if they
    /// do not meet again, because one has panicked or could not be started.
    #[inline]
    pub(super) fn wait(&self) -> Option<()> {
        let met = self.met.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.arrived.store(0, Ordering::Relaxed);
            self.met.store(met + 1, Ordering::Release);
            return Some(());
        }
        let mut looks = 0;
        while self.met.load(Ordering::Acquire) == met {
            if self.off.load(Ordering::Relaxed) {
                return None;
            }
            looks += 1;
            if looks < LOOKS {
                spin_loop();
            } else {
                thread::yield_now();
            }
        }
        Some(())
    }

    /// Tells the threads that not all of them will arrive.
    pub(super) fn call_off(&self) {
        self.off.store(true, Ordering::Relaxed);
    }

    /// Returns a guard that tells the other threads if this one panics before dropping it.
    pub(super) fn guard(&self) -> Guard<'_> {
        Guard(self)
    }
}

/// See [`Meeting::guard`].
pub(super) struct Guard<'a>(&'a Meeting);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.call_off();
        }
    }
}

/// Values that one thread writes and all threads read, with a [`Meeting`] in between.
#[derive(Debug)]
pub(super) struct Exchange {
    classes: usize,
    /// Each share's part of the logits, (B, C).
    parts: Vec<Vec<AtomicU32>>,
    /// The derivatives of the batch's loss with respect to its logits, (B, C).
    residuals: Vec<AtomicU32>,
    /// The loss of each row, (B).
    losses: Vec<AtomicU64>,
}

impl Exchange {
    /// Creates the values for batches of at most `batch` rows.
    pub(super) fn new(batch: usize, classes: usize, shares: usize) -> Self {
        let numbers =
            || -> Vec<AtomicU32> { (0..batch * classes).map(|_| AtomicU32::default()).collect() };
        Self {
            classes,
            parts: (0..shares).map(|_| numbers()).collect(),
            residuals: numbers(),
            losses: (0..batch).map(|_| AtomicU64::default()).collect(),
        }
    }

    /// Stores a share's part of the logits of a batch, (B, C).
    pub(super) fn set_parts(&self, share: usize, parts: &[f32]) {
        let to = &self.parts[share][..parts.len()];
        for i in 0..parts.len() {
            to[i].store(parts[i].to_bits(), Ordering::Relaxed);
        }
    }

    /// Computes the logits of a row from all parts and the bias, always summed in the same order.
    pub(super) fn logits(&self, row: usize, bias: &[f32], logits: &mut [f64]) {
        let places = row * self.classes..(row + 1) * self.classes;
        let (logits, bias) = (&mut logits[..self.classes], &bias[..self.classes]);
        logits.fill(0.0);
        for part in &self.parts {
            let part = &part[places.clone()];
            for c in 0..logits.len() {
                logits[c] += f64::from(read(&part[c]));
            }
        }
        for c in 0..logits.len() {
            logits[c] += f64::from(bias[c]);
        }
    }

    /// Stores the residuals of a row, multiplied by `scale`, and its loss.
    pub(super) fn set_row(&self, row: usize, residuals: &[f64], scale: f64, loss: f64) {
        let to = &self.residuals[row * self.classes..][..residuals.len()];
        for c in 0..residuals.len() {
            to[c].store(((residuals[c] * scale) as f32).to_bits(), Ordering::Relaxed);
        }
        self.losses[row].store(loss.to_bits(), Ordering::Relaxed);
    }

    /// Copies the residuals of a batch of B rows, (B, C), to `to`.
    pub(super) fn residuals(&self, batch: usize, to: &mut Vec<f32>) {
        let residuals = &self.residuals[..batch * self.classes];
        to.resize(residuals.len(), 0.0);
        for i in 0..residuals.len() {
            to[i] = read(&residuals[i]);
        }
    }

    /// Returns the sum of the losses of a batch of B rows.
    pub(super) fn loss(&self, batch: usize) -> f64 {
        let losses = self.losses[..batch].iter();
        losses
            .map(|loss| f64::from_bits(loss.load(Ordering::Relaxed)))
            .sum()
    }
}

#[inline(always)]
fn read(number: &AtomicU32) -> f32 {
    f32::from_bits(number.load(Ordering::Relaxed))
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
                        meeting.wait().unwrap();
                        assert_eq!(count.load(Ordering::Relaxed), 3 * round);
                        meeting.wait().unwrap();
                    }
                });
            }
        });
    }

    #[test]
    fn a_thread_that_fails_keeps_nobody_waiting() {
        let meeting = Meeting::of(2);
        let outcome = thread::scope(|scope| {
            let fails = scope.spawn(|| {
                let _guard = meeting.guard();
                // Panics without printing a message.
                std::panic::resume_unwind(Box::new(()));
            });
            let waits = scope.spawn(|| meeting.wait());
            (fails.join().is_err(), waits.join().unwrap())
        });
        assert_eq!(outcome, (true, None));
    }

    #[test]
    fn a_meeting_that_is_called_off_keeps_nobody_waiting() {
        let meeting = Meeting::of(3);
        let waited = thread::scope(|scope| {
            let waits = [(); 2].map(|()| scope.spawn(|| meeting.wait()));
            meeting.call_off();
            waits.map(|thread| thread.join().unwrap())
        });
        assert_eq!(waited, [None, None]);
    }
}
