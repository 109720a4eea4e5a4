//! How a command ended that did not fail.

use frostline::tasks::Skipped;

/// How a command ended that did not fail; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Every image was used.
    AllRight,
    /// Some images were skipped, each with a reason.
    SomeSkipped,
}

impl Outcome {
    /// [`Self::SomeSkipped`] if there are skipped images.
    pub(super) fn of(skipped: &[Skipped]) -> Self {
        if skipped.is_empty() {
            Self::AllRight
        } else {
            Self::SomeSkipped
        }
    }
}
