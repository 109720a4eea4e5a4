//! What a scan is asked for, and what it finds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::images::{Image, SkipReason};

/// One image: its path, its name, and its class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// The path to open.
    pub path: PathBuf,
    /// The text form (see [`path_text`](crate::images::path_text)) of the path below the root, parts joined
    /// by `/`; of a path that was given by itself, as it was given.
    pub name: String,
    /// The first-level folder, normalised to NFC; shared by the samples of a class.
    pub class: Option<Arc<str>>,
}

/// One entry of a [`Scan`]: an image to use, or one that is skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// To be decoded.
    Sample(Sample),
    /// Known to be of no use without a look inside.
    Skipped {
        /// What it would have been.
        sample: Sample,
        /// Why it is not used.
        reason: SkipReason,
    },
    /// In memory already, and so never read from `sample.path`.
    Given {
        /// What it is called.
        sample: Sample,
        /// Bytes or pixels.
        image: Image,
    },
}

impl Found {
    /// The sample, used or not.
    #[must_use]
    pub fn sample(&self) -> &Sample {
        match self {
            Self::Sample(sample) | Self::Skipped { sample, .. } | Self::Given { sample, .. } => {
                sample
            }
        }
    }

    /// Why it is skipped, if it is.
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
    /// From the first-level folders, if they hold images.
    #[default]
    FromFolders,
    /// Nowhere: every image at any depth is a sample without a class.
    None,
}

/// Which files of a folder are images. A file that is named itself always is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Names {
    /// Those with the extension of a [`Format`](crate::images::Format), or of a picture that is not decoded;
    /// no file is opened.
    #[default]
    Extensions,
    /// Those, and all others that begin as a picture does: `IMG_1`, `photo.jpg?w=300`.
    Any,
}

/// Whether a folder has a folder for each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FolderLayout {
    /// One folder for each class.
    ClassFolders,
    /// Images without classes.
    Flat,
}

/// The images that were found, with what was ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Used and skipped ones together: a folder's by path, part by part and byte by byte; a list's as given.
    pub entries: Vec<Found>,
    /// Whether the samples have classes.
    pub layout: FolderLayout,
    /// Files that are no images (see [`Names`]), counted by extension in lower case; `""` is none.
    pub ignored: BTreeMap<String, usize>,
    /// First-level folders without an image, by class name.
    pub empty_classes: Vec<String>,
    /// What a person should know, a sentence each, without a `warning:` in front.
    pub notes: Vec<String>,
}
