//! What the pipeline knows about images in advance, and its result for each image.

use crate::error::Result;
use crate::features::content::Picture;
use crate::features::directory::Directory;
use crate::features::dtype::Dtype;
use crate::images::{Found, SkipReason};

/// One input and its outcome.
#[derive(Debug)]
pub struct Item {
    /// The input.
    pub found: Found,
    /// The outcome.
    pub outcome: Outcome,
}

/// A used image, or the reason why it was skipped.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug)]
pub enum Outcome {
    /// Its features (V, D) were computed.
    Computed(Picture, Vec<f32>),
    /// Its features are known from an earlier run or from a duplicate in this run.
    Reused(Picture),
    /// It could not be used.
    Skipped(SkipReason),
}

impl Outcome {
    /// Returns the digest and size of the image, if it is used.
    #[must_use]
    pub fn picture(&self) -> Option<Picture> {
        match self {
            Self::Computed(picture, _) | Self::Reused(picture) => Some(*picture),
            Self::Skipped(_) => None,
        }
    }
}

/// Receives the pipeline's results one by one, in input order. An error stops the run.
pub(crate) type Taker<'a> = &'a mut dyn FnMut(Item) -> Result<()>;

/// What need not be computed, and how features will be stored.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The images whose features are known.
    pub directory: Directory,
    /// Whether a duplicate of an earlier image is [`Outcome::Reused`] instead of computed again.
    pub once: bool,
    /// The number type in which features will be stored. An image whose features do not fit it is skipped.
    pub dtype: Dtype,
}
