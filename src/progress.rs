//! Progress reports of long tasks, and requests to stop them.
//!
//! Implement [`Progress`] for a progress bar or a log; [`Silent`] ignores all reports.

use crate::error::{Error, Result};

/// The unit of stages whose steps are bytes. A display may convert them to megabytes.
pub const BYTES: &str = "bytes";

/// Receives the progress of a task, and can ask it to stop.
pub trait Progress: Sync {
    /// Starts a stage of `total` steps, or 0 if the number is unknown. `what` is a plural noun, such as
    /// `images`.
    fn begin(&self, what: &str, total: u64);
    /// Records that `steps` more steps of the stage are done.
    fn advance(&self, steps: u64);
    /// Records `steps` more steps that took no work, such as images whose features are cached. They should
    /// not count towards the speed.
    fn pass_over(&self, steps: u64) {
        self.advance(steps);
    }
    /// Ends the stage, whether it succeeded or not.
    fn end(&self);
    /// Returns whether the task should stop early. Tasks that support this call it from time to time.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// Checks before the result of a task is written that the task should not stop.
///
/// # Errors
/// [`Error::Interrupted`].
pub(crate) fn go_on(progress: &dyn Progress) -> Result<()> {
    if progress.is_stopped() {
        return Err(Error::Interrupted { kept: None });
    }
    Ok(())
}

/// Ignores all progress reports and never asks to stop.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &str, _total: u64) {}
    fn advance(&self, _steps: u64) {}
    fn end(&self) {}
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::Progress;

    /// Asks to stop from the nth question on.
    pub(crate) struct StopsAt(usize, AtomicUsize);

    impl StopsAt {
        pub(crate) fn new(nth: usize) -> Self {
            Self(nth, AtomicUsize::new(0))
        }

        /// Returns the number of questions.
        pub(crate) fn asked(&self) -> usize {
            self.1.load(Ordering::Relaxed)
        }
    }

    impl Progress for StopsAt {
        fn begin(&self, _what: &str, _total: u64) {}
        fn advance(&self, _steps: u64) {}
        fn end(&self) {}
        fn is_stopped(&self) -> bool {
            self.1.fetch_add(1, Ordering::Relaxed) + 1 >= self.0
        }
    }
}
