//! `index.arrow`: the samples of the last run, one per row, in input order.
//!
//! # Format
//! A sealed Arrow file (see [`super::arrow_file`]) with these columns:
//! - `path` Utf8: relative to the images' root; see [`crate::images::path_text`] for names that are not UTF-8
//! - `class` Utf8: null without classes
//! - `digest` FixedSizeBinary(32): null for a skipped file
//! - `width` and `height` UInt32: upright, in pixels, not 0; null for a skipped file
//! - `reason` Utf8: why the file was skipped; null for a used one
//!
//! No path, class or reason is empty. The index is written last, so it never lists features that are missing.
//! The next run rewrites a damaged index.

use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{FixedSizeBinaryBuilder, StringBuilder, UInt32Builder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::arrow_file::{self, Failure, Rows, Table, versioned};
use super::content::{Content, Digest};
use super::ledger::Ledger;
use super::names::INDEX;
use crate::error::{FileKind, FileProblem, Result};
use crate::texts::Texts;

/// The size limit of an index, in bytes. Ten million images take about 1 GB.
pub(super) const LARGEST: u64 = 64 << 30;

/// One image of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexRow {
    /// The path relative to the root, as text.
    pub path: String,
    /// The class, or `None` for a folder without classes.
    pub class: Option<String>,
    /// The digest and upright size of the image, or why it was skipped.
    pub content: Result<Content, String>,
}

/// The images of the last run, in input order. They are packed: about 55 bytes each in addition to the path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    paths: Texts,
    classes: Vec<String>,
    /// The number of each class.
    numbers: HashMap<String, u32>,
    /// The number of the class of each image, or [`NONE`].
    of_rows: Vec<u32>,
    /// The content of each image; that of a skipped one has the width 0.
    contents: Vec<Content>,
    /// Why images were skipped.
    reasons: BTreeMap<usize, String>,
}

/// No class.
const NONE: u32 = u32::MAX;

/// The content of a skipped image.
const SKIPPED: Content = Content {
    digest: Digest([0; 32]),
    width: 0,
    height: 0,
};

impl Index {
    /// Adds an image.
    pub fn push(&mut self, row: IndexRow) {
        let class = row.class.map_or(NONE, |class| self.number(class));
        self.of_rows.push(class);
        self.paths.push(&row.path);
        match row.content {
            Ok(content) => self.contents.push(content),
            Err(reason) => {
                self.reasons.insert(self.contents.len(), reason);
                self.contents.push(SKIPPED);
            }
        }
    }

    fn number(&mut self, class: String) -> u32 {
        if let Some(number) = self.numbers.get(&class) {
            return *number;
        }
        let number = u32::try_from(self.classes.len()).expect("they fit into memory");
        self.classes.push(class.clone());
        self.numbers.insert(class, number);
        number
    }

    /// Returns the number of images, used and skipped.
    #[must_use]
    pub fn len(&self) -> usize {
        self.contents.len()
    }

    /// Returns whether there are no images.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }

    /// Returns an image by its number, from 0.
    #[must_use]
    pub fn row(&self, number: usize) -> Option<IndexRow> {
        let content = *self.contents.get(number)?;
        Some(IndexRow {
            path: self.paths.get(number)?.to_owned(),
            class: self.class(number).map(str::to_owned),
            content: match self.reasons.get(&number) {
                None => Ok(content),
                Some(reason) => Err(reason.clone()),
            },
        })
    }

    /// Returns the class of an image by its number.
    #[must_use]
    pub fn class(&self, number: usize) -> Option<&str> {
        match *self.of_rows.get(number)? {
            NONE => None,
            class => Some(&self.classes[class as usize]),
        }
    }

    /// Returns the path of an image by its number.
    #[must_use]
    pub fn path(&self, number: usize) -> Option<&str> {
        self.paths.get(number)
    }

    /// Returns the digest of a used image by its number.
    #[must_use]
    pub fn digest(&self, number: usize) -> Option<Digest> {
        let content = self.contents.get(number)?;
        (content.width > 0).then_some(content.digest)
    }

    /// Iterates over all images.
    ///
    /// # Panics
    /// Never, since the numbers are below the length.
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = IndexRow> {
        (0..self.len()).map(|number| self.row(number).expect("the number is below the length"))
    }

    /// Iterates over the used images, with their digests.
    pub fn used(&self) -> impl Iterator<Item = (IndexRow, Digest)> {
        self.rows()
            .filter_map(|row| Some((row.content.as_ref().ok()?.digest, row)))
            .map(|(digest, row)| (row, digest))
    }

    /// Iterates over the numbers of the used images.
    pub fn used_numbers(&self) -> impl Iterator<Item = usize> {
        let used = self.contents.iter().enumerate();
        used.filter_map(|(number, content)| (content.width > 0).then_some(number))
    }

    /// Iterates over the digests of the used images.
    pub fn digests(&self) -> impl Iterator<Item = Digest> {
        let used = self.contents.iter().filter(|content| content.width > 0);
        used.map(|content| content.digest)
    }

    /// Returns the number of used images.
    #[must_use]
    pub fn n_used(&self) -> usize {
        self.len() - self.reasons.len()
    }

    /// Iterates over the skipped images: their paths and reasons.
    #[must_use]
    pub fn skipped(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let reasons = self.reasons.iter();
        reasons.map(|(number, reason)| {
            let path = self.paths.get(*number).unwrap_or_default();
            (path, reason.as_str())
        })
    }

    /// Counts the used images of each class, and under `None` those without one.
    #[doc(hidden)]
    #[must_use]
    pub fn class_counts(&self) -> BTreeMap<Option<&str>, usize> {
        let mut counts = BTreeMap::new();
        for number in self.used_numbers() {
            *counts.entry(self.class(number)).or_insert(0) += 1;
        }
        counts
    }

    /// Keeps only the used images that are `wanted`, and all skipped ones.
    pub(super) fn retain_used(&mut self, wanted: impl Fn(&Digest) -> bool) {
        let kept = self.rows().filter(|row| match &row.content {
            Ok(content) => wanted(&content.digest),
            Err(_) => true,
        });
        *self = kept.collect();
    }

    /// Replaces each image by what `change` returns, or removes it.
    pub(super) fn change(&mut self, change: impl FnMut(IndexRow) -> Option<IndexRow>) {
        *self = self.rows().filter_map(change).collect();
    }

    /// Reads a store's index, which is empty if no run has finished yet.
    ///
    /// # Errors
    /// [`Error::File`](crate::error::Error::File) if it is truncated, damaged, of another format or of a
    /// newer version; [`Error::Io`](crate::error::Error::Io).
    pub(super) fn read(store: &Path) -> Result<Self> {
        rows(store)?.collect()
    }

    /// Serialises the index as the content of its file.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, ArrowError> {
        let rows: Vec<IndexRow> = self.rows().collect();
        arrow_file::sealed(&schema(), [to_batch(&rows)])
    }
}

impl FromIterator<IndexRow> for Index {
    fn from_iter<T: IntoIterator<Item = IndexRow>>(rows: T) -> Self {
        let mut index = Self::default();
        rows.into_iter().for_each(|row| index.push(row));
        index
    }
}

/// Iterates over the rows of a store's index. There are none if no run has finished yet.
///
/// # Errors
/// As [`Index::read`]; rows may be errors too.
pub(super) fn rows(store: &Path) -> Result<impl Iterator<Item = Result<IndexRow>>> {
    let path = store.join(INDEX);
    let table = match Table::open(&path, LARGEST, |_| Ok(schema())) {
        Err(Failure::System(e)) if e.kind() == ErrorKind::NotFound => None,
        opened => Some(opened.map_err(|failure| failure.of(&path, FileKind::StoreIndex))?),
    };
    let rows = table.into_iter().flat_map(|table| table.into_rows(row_of));
    Ok(rows.map(move |row| row.map_err(|failure| failure.of(&path, FileKind::StoreIndex))))
}

/// Begins a new index of a store.
pub(super) fn ledger(store: &Path, can_write: bool) -> Result<Ledger<IndexRow>> {
    Ledger::begin(store.join(INDEX), &schema(), to_batch, can_write)
}

fn to_batch(rows: &[IndexRow]) -> Result<RecordBatch, ArrowError> {
    let [mut path, mut class, mut reason] = [(); 3].map(|()| StringBuilder::new());
    let [mut width, mut height] = [(); 2].map(|()| UInt32Builder::new());
    let mut digest = FixedSizeBinaryBuilder::new(32);
    for row in rows {
        path.append_value(&row.path);
        class.append_option(row.class.as_deref());
        reason.append_option(row.content.as_ref().err());
        let content = row.content.as_ref().ok();
        width.append_option(content.map(|content| content.width));
        height.append_option(content.map(|content| content.height));
        match content {
            Some(content) => digest.append_value(content.digest.0)?,
            None => digest.append_null(),
        }
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(path.finish()),
        Arc::new(class.finish()),
        Arc::new(digest.finish()),
        Arc::new(width.finish()),
        Arc::new(height.finish()),
        Arc::new(reason.finish()),
    ];
    RecordBatch::try_new(Arc::new(schema()), columns)
}

fn schema() -> Schema {
    let fields = vec![
        Field::new("path", DataType::Utf8, false),
        Field::new("class", DataType::Utf8, true),
        Field::new("digest", DataType::FixedSizeBinary(32), true),
        Field::new("width", DataType::UInt32, true),
        Field::new("height", DataType::UInt32, true),
        Field::new("reason", DataType::Utf8, true),
    ];
    Schema::new(fields).with_metadata(versioned())
}

/// Reads a row.
fn row_of(rows: &Rows, row: usize, number: usize) -> Result<IndexRow, FileProblem> {
    read_row(rows, row).map_err(|what| FileProblem::Damaged(format!("row {} {what}", number + 1)))
}

/// Reads a row, or returns what is wrong with it.
fn read_row(rows: &Rows, row: usize) -> Result<IndexRow, &'static str> {
    let number = |column| rows.fixed(column, row).map(u32::from_le_bytes);
    let path = rows.text(0, row).filter(|path| is_name(path));
    let path = path.ok_or("has no path")?.to_owned();
    let class = rows.text(1, row);
    if class.is_some_and(|class| !is_name(class)) {
        return Err("has a class without a name");
    }
    let content = match (rows.text(5, row), rows.fixed(2, row), number(3), number(4)) {
        (None, Some(digest), Some(width @ 1..), Some(height @ 1..)) => Ok(Content {
            digest: Digest(digest),
            width,
            height,
        }),
        (Some(reason), None, None, None) if !reason.is_empty() => Err(reason.to_owned()),
        _ => return Err("is neither a used image nor a skipped one"),
    };
    Ok(IndexRow {
        path,
        class: class.map(str::to_owned),
        content,
    })
}

/// Returns whether a text can be the name of a file or class.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains('\0')
}

/// Reads an index from bytes in memory.
pub(super) fn of_bytes(bytes: Vec<u8>) -> Result<Index, Failure> {
    let table = Table::of(bytes, |_| Ok(schema()))?;
    table.into_rows(row_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn used(path: &str, class: Option<&str>) -> IndexRow {
        let content = Content {
            digest: Digest::of(path.as_bytes()),
            width: 4,
            height: 3,
        };
        IndexRow {
            path: path.to_owned(),
            class: class.map(str::to_owned),
            content: Ok(content),
        }
    }

    fn skipped(path: &str, reason: &str) -> IndexRow {
        IndexRow {
            content: Err(reason.to_owned()),
            ..used(path, Some("a"))
        }
    }

    fn read_back(rows: Vec<IndexRow>) -> Result<Index> {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = ledger(folder.path(), true).unwrap();
        rows.into_iter()
            .try_for_each(|row| ledger.push(row))
            .unwrap();
        ledger.complete().unwrap().take_place().unwrap();
        Index::read(folder.path())
    }

    #[test]
    fn what_is_written_is_read() {
        let rows = vec![
            used("a\nb.png", Some("é")),
            used("c.png", None),
            skipped("d.png", "it is empty"),
        ];
        let read = read_back(rows.clone()).unwrap();
        assert_eq!(read.rows().collect::<Vec<_>>(), rows);
        assert_eq!(
            (read.len(), read.n_used(), read.class(0), read.path(2)),
            (3, 2, Some("é"), Some("d.png"))
        );
        let digests: Vec<Digest> = read.digests().collect();
        assert_eq!(read.digest(1), Some(digests[1]));
        assert_eq!((digests.len(), read.digest(2)), (2, None));
        assert_eq!(
            read.skipped().collect::<Vec<_>>(),
            [("d.png", "it is empty")]
        );
        assert_eq!(read_back(Vec::new()).unwrap(), Index::default());
        let folder = tempfile::tempdir().unwrap();
        let none = Index::read(folder.path()).unwrap();
        assert_eq!(none, Index::default());
    }

    #[test]
    fn rows_that_no_run_makes_are_damage() {
        let small = |width, height| {
            let mut row = used("a.png", None);
            row.content = row.content.map(|content| Content {
                width,
                height,
                ..content
            });
            row
        };
        for (row, words) in [
            (used("", None), "row 2 has no path"),
            (used("a\0", None), "row 2 has no path"),
            (used("a.png", Some("")), "row 2 has a class without a name"),
            (skipped("a.png", ""), "row 2 is neither"),
            (small(0, 1), "row 2 is neither"),
            (small(1, 0), "row 2 is neither"),
        ] {
            let error = read_back(vec![used("first.png", None), row]).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            let is_index = |kind: &FileKind| *kind == FileKind::StoreIndex;
            assert!(matches!(&error, Error::File { kind, .. } if is_index(kind)));
        }
    }
}
