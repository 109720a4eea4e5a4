//! The images that a task works on, however they were named.

use std::path::PathBuf;

use crate::error::Result;
use crate::images::{Labels, Names, Scan, scan_inputs, scan_list};

/// Images as the user names them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inputs {
    /// Folders and files, and which files of the folders are images.
    Paths(Vec<PathBuf>, Names),
    /// A list of files, as it comes on standard input.
    List(Vec<PathBuf>),
}

/// An image that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// Its name, as text.
    pub path: String,
    /// Why.
    pub reason: String,
}

impl Skipped {
    /// As errors tell of it: its name and the reason.
    pub(super) fn told(&self) -> (String, String) {
        (self.path.clone(), self.reason.clone())
    }
}

impl Inputs {
    /// The files and folders, as they were named.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        match self {
            Self::Paths(paths, _) | Self::List(paths) => paths,
        }
    }

    /// Finds the images.
    ///
    /// # Errors
    /// [`Error::Images`](crate::Error::Images) where there are none; a list may be empty.
    pub fn scan(&self, labels: Labels) -> Result<Scan> {
        match self {
            Self::Paths(paths, names) => scan_inputs(paths, labels, *names),
            Self::List(paths) => Ok(scan_list(paths.clone())),
        }
    }
}
