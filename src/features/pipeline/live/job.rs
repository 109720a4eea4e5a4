//! An image whose features are wanted, and who is told the result.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::images::{Image, SkipReason};

/// What to compute features of.
#[derive(Debug)]
pub(crate) enum Input {
    /// An image, which is decoded and preprocessed.
    Image(Image),
    /// The network's input: V views, preprocessed, one after the other.
    Values(Vec<f32>),
}

/// Receives the features (V, D) of an image. If it is dropped instead, a thread has panicked.
pub(crate) type Reply = Box<dyn FnOnce(Result<Vec<f32>, Unanswered>) + Send>;

/// An image whose features are wanted.
pub(crate) struct Job {
    pub(crate) input: Input,
    pub(crate) wanted: Arc<Wanted>,
    pub(crate) reply: Reply,
}

/// Why an image has no features.
#[derive(Debug, Clone)]
pub(crate) enum Unanswered {
    /// It cannot be used.
    Skipped(SkipReason),
    /// Nobody waits for it any longer, or its deadline passed before a lane took it.
    Expired,
    /// The network failed.
    Failed(Arc<Error>),
}

/// Whether a result is still wanted, shared by the images of a request.
#[derive(Debug)]
pub(crate) struct Wanted {
    cancelled: AtomicBool,
    deadline: Instant,
}

impl Wanted {
    /// Creates the state of a request that has to be answered by `deadline`.
    pub(crate) fn until(deadline: Instant) -> Self {
        Self {
            cancelled: AtomicBool::new(false),
            deadline,
        }
    }

    /// Declares that nobody waits for the result.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Returns whether somebody waits for the result, and it is not too late.
    pub(crate) fn holds(&self) -> bool {
        !self.cancelled.load(Ordering::Relaxed) && Instant::now() < self.deadline
    }
}

/// Is told what the threads do; the default is to ignore it.
pub(crate) trait Observer: Send + Sync {
    /// A batch of `images` was run.
    fn batch(&self, _images: usize, _took: Duration) {}
    /// An image was decoded and preprocessed, or found to be unusable.
    fn decoded(&self, _took: Duration) {}
}
