//! What the shards of a run divide, which tells two runs apart.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::images::AllNames;
use crate::phrases::counted;

/// What the shards of a run divide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Divided {
    /// The number of all images.
    pub(super) n_images: u64,
    names: String,
    /// The inputs, as messages name them.
    pub(super) inputs: String,
}

impl Divided {
    pub(super) fn of(all: AllNames, inputs: String) -> Self {
        Self {
            n_images: all.n,
            names: format!("{:016x}", all.sum),
            inputs,
        }
    }

    /// Returns whether two runs divide images of the same names.
    pub(super) fn has_same_images(&self, other: &Self) -> bool {
        (self.n_images, &self.names) == (other.n_images, &other.names)
    }
}

impl fmt::Display for Divided {
    /// Writes as `100 images in photos`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let images = counted(self.n_images as usize, "image");
        write!(f, "{images} in {}", self.inputs)
    }
}
