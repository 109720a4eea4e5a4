//! The images that a task works on, and those that it skipped.

use std::path::PathBuf;

use crate::error::Result;
use crate::images::path_text::to_text;
use crate::images::{Labels, Names, Scan, scan_inputs, scan_list};
use crate::phrases::all_in_quotes;
use crate::progress::Progress;

/// The images to work on, as the user named them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inputs {
    /// Folders, files, archives and tables, URLs of object stores, and patterns of them; and the rule that
    /// says which files in folders are images.
    Paths(Vec<PathBuf>, Names),
    /// A list of files and URLs, as read from standard input.
    List(Vec<PathBuf>),
}

/// An image that could not be used, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Skipped {
    /// Its path, as text.
    pub path: String,
    /// Why it could not be used.
    pub reason: String,
}

impl From<&(String, String)> for Skipped {
    /// From a path and a reason.
    fn from((path, reason): &(String, String)) -> Self {
        let (path, reason) = (path.clone(), reason.clone());
        Self { path, reason }
    }
}

impl Skipped {
    /// Returns its path and reason, for error messages.
    pub(super) fn told(&self) -> (String, String) {
        (self.path.clone(), self.reason.clone())
    }
}

impl Inputs {
    /// Returns the files and folders as the user named them.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        match self {
            Self::Paths(paths, _) | Self::List(paths) => paths,
        }
    }

    /// Names the inputs, the first few of many.
    pub(super) fn named(&self) -> String {
        const MOST: usize = 5;
        let Self::Paths(paths, _) = self else {
            return "a list".to_owned();
        };
        let first = all_in_quotes(paths.iter().take(MOST).map(|path| to_text(path)));
        match paths.len().saturating_sub(MOST) {
            0 => first,
            more => format!("{first} and {more} more"),
        }
    }

    /// Returns those that may be local files.
    pub(super) fn local(&self) -> Self {
        let is_local = |path: &&PathBuf| !path.to_string_lossy().contains("://");
        let local = |paths: &[PathBuf]| paths.iter().filter(is_local).cloned().collect();
        match self {
            Self::Paths(paths, names) => Self::Paths(local(paths), *names),
            Self::List(paths) => Self::List(local(paths)),
        }
    }

    /// Finds the images.
    ///
    /// # Errors
    /// [`Error::Images`](crate::Error::Images) if there are none. A list may be empty.
    /// [`Error::Interrupted`](crate::Error::Interrupted) if `progress` asks to stop.
    pub fn scan(&self, labels: Labels, progress: &dyn Progress) -> Result<Scan> {
        match self {
            Self::Paths(paths, names) => scan_inputs(paths, labels, *names, progress),
            Self::List(paths) => scan_list(paths.clone(), progress),
        }
    }
}
