//! Where the bytes of an image are: an image is bytes with a name, and a path is one way to get them.

use std::fs;
use std::path::{Path, PathBuf};

use super::path_text;
use crate::stamp::Stamp;

/// Where the bytes of an image are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// A file.
    File(PathBuf),
}

impl Default for Place {
    fn default() -> Self {
        Self::File(PathBuf::new())
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl Place {
    /// Returns the local file that has the bytes, alone or with those of other images.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
        }
    }

    /// Returns the stamp of what has the bytes, which changes when they do; `None` if it cannot be accessed.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::File(path) => fs::metadata(path).map(|found| Stamp::of(&found)).ok(),
        }
    }

    /// Returns a text that identifies the place whatever the working directory is.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::File(path) => absolute(path),
        }
    }
}

/// Returns the text form of the absolute path of a file.
fn absolute(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path_text::to_text(&absolute)
}
