//! A label file in memory.

use std::path::{Path, PathBuf};

use super::columns::LabelColumns;
use super::row::{LabelRow, Raw, Verdict};
use super::rows::{Builder, Rows};
use super::{table, text};
use crate::error::{Error, FileKind, FileProblem, Result};
use crate::features::Digest;
use crate::inputs::{self, Links};

/// The largest file in bytes. The results of `classify` for a million images and 100 classes fit.
const LIMIT: u64 = 1 << 30;

/// What a label file says of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given<'a> {
    /// It belongs to this class.
    Class(&'a str),
    /// It is listed without a label.
    NoLabel,
    /// It is not listed.
    Unlisted,
}

impl<'a> From<Verdict<'a>> for Given<'a> {
    fn from(verdict: Verdict<'a>) -> Self {
        match verdict {
            Verdict::Class(class) => Self::Class(class),
            Verdict::NoLabel | Verdict::Unknown => Self::NoLabel,
        }
    }
}

/// The labels of images, by their paths or digests. Each image is listed once.
#[derive(Debug)]
pub struct LabelFile {
    pub(super) path: PathBuf,
    kind: FileKind,
    pub(super) rows: Rows,
}

impl LabelFile {
    /// Reads a label file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::File`] if it is not a label file, or lists an image with
    /// different labels.
    pub fn read(path: &Path, columns: &LabelColumns) -> Result<Self> {
        Self::read_as(FileKind::Labels, path, columns)
    }

    /// Reads a file of another kind in the same format: its second column is not that of labels.
    pub(crate) fn read_as(kind: FileKind, path: &Path, columns: &LabelColumns) -> Result<Self> {
        let bytes = inputs::read(path, Links::Follow, LIMIT).map_err(Error::io("read", path))?;
        Self::parse(path, bytes, columns, kind.clone()).map_err(|problem| Error::File {
            path: path.to_owned(),
            kind,
            problem,
        })
    }

    /// Parses the bytes of a label file.
    pub(super) fn parse(
        path: &Path,
        bytes: Vec<u8>,
        columns: &LabelColumns,
        kind: FileKind,
    ) -> Result<Self, FileProblem> {
        let mut builder = Builder::default();
        let mut add = |raw: Raw<'_>| builder.add(&raw);
        let key = if bytes.starts_with(b"PAR1") {
            table::read(bytes, columns, &mut add)
        } else {
            text::read(&bytes, columns, &mut add)
        };
        let key = key.map_err(|found| FileProblem::Foreign {
            wanted: wanted(&kind),
            found,
        })?;
        Ok(Self {
            path: path.to_owned(),
            kind,
            rows: builder.finish(&key, columns.key.is_some())?,
        })
    }

    /// Returns what the file says of an image that it lists by its whole path, or by its digest.
    #[must_use]
    pub fn class_of(&self, path: &str, digest: Option<&Digest>) -> Given<'_> {
        let row = if self.rows.by_digest {
            digest.and_then(|digest| self.rows.find(&digest.to_string()))
        } else {
            self.rows.find(path)
        };
        row.map_or(Given::Unlisted, |row| self.rows.row(row).verdict.into())
    }

    /// Returns the error for a file that can be understood in several ways.
    pub(crate) fn ambiguous(&self, problem: String) -> Error {
        Error::File {
            path: self.path.clone(),
            kind: self.kind.clone(),
            problem: FileProblem::Ambiguous(problem),
        }
    }

    /// Returns the error for a file whose content is not what it is for.
    pub(crate) fn foreign(&self, found: String) -> Error {
        Error::File {
            path: self.path.clone(),
            kind: self.kind.clone(),
            problem: FileProblem::Foreign {
                wanted: wanted(&self.kind),
                found,
            },
        }
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Iterates over the rows, in the order of the file; images that are listed twice are there once.
    pub fn rows(&self) -> impl Iterator<Item = LabelRow<'_>> {
        (0..self.rows.len()).map(|number| self.rows.row(number))
    }

    /// Returns whether images are listed by their digests.
    #[must_use]
    pub fn is_by_digest(&self) -> bool {
        self.rows.by_digest
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }
}

fn wanted(kind: &FileKind) -> &'static str {
    match kind {
        FileKind::Splits => "a file of splits",
        FileKind::Groups => "a table of groups",
        _ => "a label file",
    }
}

#[cfg(test)]
mod tests;
