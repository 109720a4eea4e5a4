//! Decoded images that wait for a lane, and the decision when a batch starts.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::job::{Reply, Wanted};

/// A decoded image.
pub(super) struct Decoded {
    pub(super) values: Values,
    pub(super) wanted: Arc<Wanted>,
    pub(super) reply: Reply,
}

/// The V views of an image.
pub(super) enum Values {
    /// 8-bit RGB, not yet normalised.
    Pixels(Vec<u8>),
    /// The network's input.
    Normalised(Vec<f32>),
}

/// Decoded images that wait for a lane.
pub(super) struct Ready {
    /// The number of images in a full batch.
    batch_size: usize,
    max_delay: Duration,
    /// Whether idle lanes share the waiting images.
    shares: bool,
    state: Mutex<State>,
    /// A lane may have work.
    arrived: Condvar,
    /// A decoder may have room.
    taken: Condvar,
}

struct State {
    images: VecDeque<(Instant, Decoded)>,
    /// Number of lanes that wait for a batch.
    idle: usize,
    /// Number of decoding threads that may still bring images.
    decoders: usize,
}

impl Ready {
    /// Creates an empty room that `decoders` threads bring images to.
    pub(super) fn new(
        batch_size: usize,
        max_delay: Duration,
        decoders: usize,
        shares: bool,
    ) -> Self {
        Self {
            batch_size,
            max_delay,
            shares,
            state: Mutex::new(State {
                images: VecDeque::new(),
                idle: 0,
                decoders,
            }),
            arrived: Condvar::new(),
            taken: Condvar::new(),
        }
    }

    /// Adds an image. Waits while two batches are already waiting, which bounds memory.
    pub(super) fn add(&self, image: Decoded) {
        let mut state = self.lock();
        while state.images.len() >= 2 * self.batch_size {
            let waited = self.taken.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.images.push_back((Instant::now(), image));
        drop(state);
        self.arrived.notify_all();
    }

    /// Waits for a batch: a full one, or one whose first image has waited for the longest time allowed.
    /// Several idle lanes share the images if they compute at the same time, and a lane takes at most as many
    /// of n images as `best` returns: one that takes a single image does not wait for others.
    /// Returns `None` if no more images come.
    pub(super) fn next_batch(&self, best: impl Fn(usize) -> usize) -> Option<Vec<Decoded>> {
        let full = best(self.batch_size);
        let mut state = self.lock();
        state.idle += 1;
        loop {
            let waited = state.images.front().map(|(since, _)| since.elapsed());
            let left = match waited {
                None if state.decoders == 0 => {
                    state.idle -= 1;
                    return None;
                }
                None => None,
                Some(_) if state.decoders == 0 || state.images.len() >= full => break,
                Some(waited) => match self.max_delay.saturating_sub(waited) {
                    Duration::ZERO => break,
                    left => Some(left),
                },
            };
            state = match left {
                None => self
                    .arrived
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let waited = self.arrived.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        let lanes = if self.shares { state.idle } else { 1 };
        let share = state.images.len().div_ceil(lanes);
        let batch = state.images.drain(..best(share.min(full)));
        let batch = batch.map(|(_, image)| image).collect();
        state.idle -= 1;
        drop(state);
        self.taken.notify_all();
        Some(batch)
    }

    /// Records that a decoding thread has ended.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        state.decoders = state.decoders.saturating_sub(1);
        drop(state);
        self.arrived.notify_all();
    }

    /// Records that no decoding thread will bring images.
    pub(super) fn close(&self) {
        self.lock().decoders = 0;
        self.arrived.notify_all();
    }

    /// Ignores poisoning: no code that can panic runs under the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
