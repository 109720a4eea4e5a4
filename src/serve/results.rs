//! The images of a request and their predictions.

use crate::classifier::{NoPrediction, Prediction};
use crate::features::Input;
use crate::images::SkipReason;

/// Why an image has no prediction; the other images of its request are not affected.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Unusable {
    #[error("{0}")]
    Skipped(SkipReason),
    #[error("{0}")]
    NoPrediction(#[from] NoPrediction),
    /// The request does not contain it in the expected form.
    #[error("{0}")]
    Malformed(String),
    /// A decoder panicked.
    #[error("cannot be processed: an internal error occurred")]
    Panicked,
}

/// An image of a request, or why there is none.
pub(super) type Given = Result<Input, Unusable>;

/// The result for an image.
pub(super) type Judged = Result<Prediction, Unusable>;
