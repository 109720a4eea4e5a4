//! The outcome of a command that did not fail.

use frostline::tasks::Skipped;

/// The outcome of a command that did not fail; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Every image was used.
    AllRight,
    /// Some images were skipped, each with a reason.
    SomeSkipped,
    /// New images differ from the training images by more than is allowed.
    Drifted,
}

impl Outcome {
    /// Returns [`Self::SomeSkipped`] if there are skipped images.
    pub(super) fn of(skipped: &[Skipped]) -> Self {
        if skipped.is_empty() {
            Self::AllRight
        } else {
            Self::SomeSkipped
        }
    }
}
