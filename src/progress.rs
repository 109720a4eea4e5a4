//! How a long task tells how far it is, and is asked to stop.
//!
//! Implement [`Progress`] for a bar or a log; [`Silent`] listens to nothing.

/// What is counted where the steps are bytes; whoever shows them may turn them into megabytes.
pub const BYTES: &str = "bytes";

/// Receives the progress of a task, for a bar or a log, and may ask it to stop.
pub trait Progress: Sync {
    /// A stage of `total` steps begins, 0 where nobody knows how many; `what` is a plural noun (`images`).
    fn begin(&self, what: &str, total: u64);
    /// `steps` more of the stage are done.
    fn advance(&self, steps: u64);
    /// `steps` more are done that took no work, as images whose features are known: they say nothing of the
    /// speed.
    fn pass_over(&self, steps: u64) {
        self.advance(steps);
    }
    /// The stage is over, in whichever way.
    fn end(&self);
    /// Whether the task is to end early, with what it has; asked now and then by tasks that can.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &str, _total: u64) {}
    fn advance(&self, _steps: u64) {}
    fn end(&self) {}
}
