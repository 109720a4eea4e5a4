//! The options and results of a scan.

use std::sync::Arc;

use crate::images::{Image, Place, SkipReason};
use crate::progress::Progress;

/// One image: its place, its name, and its class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// Where its bytes are.
    pub place: Place,
    /// The text form (see [`path_text`](crate::images::path_text)) of the path below the root, joined by `/`;
    /// for a path that was passed by itself, the path as passed.
    pub name: String,
    /// The name of the first-level folder, normalised to NFC; shared by the samples of a class.
    pub class: Option<Arc<str>>,
}

impl Sample {
    /// Returns the text that leads to the image from the working directory: the text form of its path, or its
    /// name if it is in a file with others.
    #[must_use]
    pub fn address(&self) -> String {
        self.place.address().unwrap_or_else(|| self.name.clone())
    }
}

/// One entry of a [`Scan`](super::Scan): an image to use, or one that is skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// An image to decode.
    Sample(Sample),
    /// An image that cannot be used, as is known without reading it.
    Skipped {
        /// The skipped sample.
        sample: Sample,
        /// Why it is skipped.
        reason: SkipReason,
    },
    /// An image that is already in memory; `sample.place` is never read.
    Given {
        /// Its name and class.
        sample: Sample,
        /// Its bytes or pixels.
        image: Image,
    },
}

impl Found {
    /// Returns the sample, used or skipped.
    #[must_use]
    pub fn sample(&self) -> &Sample {
        match self {
            Self::Sample(sample) | Self::Skipped { sample, .. } | Self::Given { sample, .. } => {
                sample
            }
        }
    }

    /// Returns why the image is skipped, if it is.
    #[must_use]
    pub fn reason(&self) -> Option<&SkipReason> {
        match self {
            Self::Sample(_) | Self::Given { .. } => None,
            Self::Skipped { reason, .. } => Some(reason),
        }
    }
}

/// Where classes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Labels {
    /// From the first-level folders, if they contain images.
    #[default]
    FromFolders,
    /// No classes: every image, at any depth, is a sample without a class.
    None,
}

/// Which files of a folder count as images. A file that is named explicitly always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Names {
    /// Files with the extension of a [`Format`](crate::images::Format), or of a common format that is not
    /// decoded; no file is opened.
    #[default]
    Extensions,
    /// Also all other files that start like an image: `IMG_1`, `photo.jpg?w=300`.
    Any,
}

/// How inputs are listed.
#[derive(Clone, Copy)]
pub(super) struct How<'a> {
    pub(super) labels: Labels,
    pub(super) names: Names,
    /// Is asked whether to stop.
    pub(super) progress: &'a dyn Progress,
}

/// Whether a folder is divided into class folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FolderLayout {
    /// One folder for each class.
    ClassFolders,
    /// Images without classes.
    Flat,
}
