//! A label file in memory.

use std::path::{Path, PathBuf};

use super::builder::Builder;
use super::columns::LabelColumns;
use super::row::{LabelRow, Raw, Verdict};
use super::{table, text};
use crate::error::{Error, FileKind, FileProblem, Result};
use crate::features::Digest;
use crate::inputs::{self, Links};
use crate::texts::Texts;

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
    /// Whether images are listed by their digests.
    pub(super) by_digest: bool,
    pub(super) keys: Texts,
    pub(super) rows: Vec<Row>,
    pub(super) classes: Vec<String>,
    /// The numbers of the rows in the order of their keys.
    pub(super) sorted: Vec<u32>,
}

/// A row without its key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    pub(super) line: u32,
    pub(super) mark: Mark,
    /// NaN if there is none.
    pub(super) probability: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Class(u32),
    NoLabel,
    Unknown,
}

impl LabelFile {
    /// Reads a label file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::File`] if it is not a label file, or lists an image with
    /// different labels.
    pub fn read(path: &Path, columns: &LabelColumns) -> Result<Self> {
        let bytes = inputs::read(path, Links::Follow, LIMIT).map_err(Error::io("read", path))?;
        Self::parse(path, bytes, columns).map_err(|problem| Error::File {
            path: path.to_owned(),
            kind: FileKind::Labels,
            problem,
        })
    }

    /// Parses the bytes of a label file.
    pub(super) fn parse(
        path: &Path,
        bytes: Vec<u8>,
        columns: &LabelColumns,
    ) -> Result<Self, FileProblem> {
        let mut builder = Builder::default();
        let mut add = |raw: Raw<'_>| builder.add(&raw);
        let key = if bytes.starts_with(b"PAR1") {
            table::read(bytes, columns, &mut add)
        } else {
            text::read(&bytes, columns, &mut add)
        };
        let key = key.map_err(|found| FileProblem::Foreign {
            wanted: "a label file",
            found,
        })?;
        builder.finish(path, &key, columns.key.is_some())
    }

    /// Returns what the file says of an image that it lists by its whole path, or by its digest.
    #[must_use]
    pub fn class_of(&self, path: &str, digest: Option<&Digest>) -> Given<'_> {
        let row = if self.by_digest {
            digest.and_then(|digest| self.find(&digest.to_string()))
        } else {
            self.find(path)
        };
        row.map_or(Given::Unlisted, |row| self.row(row).verdict.into())
    }

    /// Returns the error for a file that can be understood in several ways.
    pub(crate) fn ambiguous(&self, problem: String) -> Error {
        Error::File {
            path: self.path.clone(),
            kind: FileKind::Labels,
            problem: FileProblem::Ambiguous(problem),
        }
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Iterates over the rows, in the order of the file; images that are listed twice are there once.
    pub fn rows(&self) -> impl Iterator<Item = LabelRow<'_>> {
        (0..self.rows.len()).map(|number| self.row(number))
    }

    /// Returns whether images are listed by their digests.
    #[must_use]
    pub fn is_by_digest(&self) -> bool {
        self.by_digest
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns a row by its number, which is below [`LabelFile::len`].
    pub(super) fn row(&self, number: usize) -> LabelRow<'_> {
        let row = self.rows[number];
        LabelRow {
            line: row.line,
            key: self.key(number),
            verdict: match row.mark {
                Mark::Class(class) => Verdict::Class(&self.classes[class as usize]),
                Mark::NoLabel => Verdict::NoLabel,
                Mark::Unknown => Verdict::Unknown,
            },
            probability: Some(row.probability).filter(|p| !p.is_nan()),
        }
    }

    pub(super) fn key(&self, number: usize) -> &str {
        self.keys.get(number).expect("each row has a key")
    }

    /// Returns the row with a key.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        let compare = |row: &u32| self.key(*row as usize).cmp(key);
        let place = self.sorted.binary_search_by(compare).ok()?;
        Some(self.sorted[place] as usize)
    }
}

#[cfg(test)]
mod tests;
