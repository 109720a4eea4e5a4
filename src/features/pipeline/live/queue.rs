//! The bounded queue of images that wait to be decoded.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::job::Job;

/// The queue has no room for all images of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueFull;

/// Images that wait to be decoded, first come, first served.
pub(super) struct Queue {
    most: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({} of {})", self.len(), self.most)
    }
}

impl Queue {
    /// Creates a queue of at most `most` images.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Adds all jobs, or none if they do not fit. Jobs that nobody waits for any longer make room first.
    pub(super) fn push(&self, jobs: Vec<Job>) -> Result<(), QueueFull> {
        let mut state = self.lock();
        if state.jobs.len() + jobs.len() > self.most {
            state.jobs.retain(|job| job.wanted.holds());
        }
        if state.closed || state.jobs.len() + jobs.len() > self.most {
            return Err(QueueFull);
        }
        state.jobs.extend(jobs);
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Waits for the next job. Returns `None` if the queue is closed and empty.
    pub(super) fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Refuses further jobs; those in the queue are still done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Ignores poisoning: no code that can panic runs under the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
