//! What the pipeline is told of images beforehand, and what it tells of each.

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::Result;
use crate::features::content::{Digest, Picture};
use crate::features::dtype::Dtype;
use crate::features::recognition::Recognised;
use crate::images::{Found, SkipReason};

/// One input and what became of it.
#[derive(Debug)]
pub struct Item {
    /// The input.
    pub found: Found,
    /// What became of it.
    pub outcome: Outcome,
}

/// A used image, or the reason for skipping one.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug)]
pub enum Outcome {
    /// Its features (V, D) were computed now.
    Computed(Picture, Vec<f32>),
    /// Its features are known already: from an earlier run, or from an equal image of this one.
    Reused(Picture),
    /// It could not be used.
    Skipped(SkipReason),
}

impl Outcome {
    /// What is known of the image, if it is used.
    #[must_use]
    pub fn picture(&self) -> Option<Picture> {
        match self {
            Self::Computed(picture, _) | Self::Reused(picture) => Some(*picture),
            Self::Skipped(_) => None,
        }
    }
}

/// Takes the pipeline's results one by one, in input order; an error ends the run.
pub(crate) type Taker<'a> = &'a mut dyn FnMut(Item) -> Result<()>;

/// What need not be computed, and what features must be fit for.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Digests of images whose features are known.
    pub digests: Arc<HashSet<Digest>>,
    /// Files that need not be read, with what is in them; their digests are among the known ones.
    pub recognised: Arc<Recognised>,
    /// Whether an image equal to an earlier one is [`Outcome::Reused`]; otherwise it is computed again.
    pub once: bool,
    /// How features will be kept: an image whose features that cannot hold is skipped.
    pub dtype: Dtype,
}
