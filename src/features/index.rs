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

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{FixedSizeBinaryBuilder, StringBuilder, UInt32Builder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::arrow_file::{self, Failure, Rows, Table, versioned};
use super::content::{Content, Digest};
use super::names::INDEX;
use crate::error::{FileKind, FileProblem, Result};
use crate::phrases::counted;

/// The size limit of an index, in bytes. Ten million images take about 1.5 GB.
const LARGEST: u64 = 4 << 30;
/// Rows of a record batch. With so few, even the longest possible paths stay below Arrow's limit of 2 GiB of
/// text.
const BATCH: usize = 100_000;

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

/// The images of the last run, in input order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// One row for each image.
    pub rows: Vec<IndexRow>,
}

impl Index {
    /// Iterates over the rows of used images, with their digests.
    pub fn used(&self) -> impl Iterator<Item = (&IndexRow, Digest)> {
        self.rows
            .iter()
            .filter_map(|row| Some((row, row.content.as_ref().ok()?.digest)))
    }

    /// Counts the used images of each class, and under `None` those without one.
    #[doc(hidden)]
    #[must_use]
    pub fn class_counts(&self) -> BTreeMap<Option<&str>, usize> {
        let mut counts = BTreeMap::new();
        for (row, _) in self.used() {
            *counts.entry(row.class.as_deref()).or_insert(0) += 1;
        }
        counts
    }

    /// Returns the index with the rows of `newer` in the places of those with the same paths.
    pub(super) fn updated(mut self, newer: &Self) -> Self {
        let newer = newer.rows.iter().map(|row| (row.path.as_str(), row));
        let newer: HashMap<&str, &IndexRow> = newer.collect();
        for row in &mut self.rows {
            if let Some(newer) = newer.get(row.path.as_str()) {
                row.clone_from(newer);
            }
        }
        self
    }

    /// Returns a note if images leave the index, for example after extracting a single class folder.
    pub(super) fn not_here(&self, before: &Self) -> Option<String> {
        let now: HashSet<Digest> = self.used().map(|(_, digest)| digest).collect();
        let gone = before.used().filter(|(_, digest)| !now.contains(digest));
        match gone.count() {
            0 => None,
            n => Some(format!(
                "{} of the previous run {} not in this run and no longer listed; the features stay in the \
                 store",
                counted(n, "image"),
                if n == 1 { "is" } else { "are" }
            )),
        }
    }

    /// Reads a store's index, which is empty if no run has finished yet.
    ///
    /// # Errors
    /// [`Error::File`](crate::error::Error::File) if it is truncated, damaged, of another format or of a
    /// newer version; [`Error::Io`](crate::error::Error::Io).
    pub(super) fn read(store: &Path) -> Result<Self> {
        let path = store.join(INDEX);
        let table = Table::read(&path, LARGEST, |_| Ok(schema()));
        match table.and_then(|table| Ok(of_table(&table)?)) {
            Err(Failure::System(e)) if e.kind() == ErrorKind::NotFound => Ok(Self::default()),
            read => read.map_err(|failure| failure.of(&path, FileKind::StoreIndex)),
        }
    }

    /// Writes the index into a store.
    pub(super) fn write(&self, store: &Path) -> Result<()> {
        arrow_file::write(&store.join(INDEX), self.to_bytes())
    }

    /// Serialises the index as the content of its file.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, ArrowError> {
        arrow_file::sealed(&schema(), self.rows.chunks(BATCH).map(to_batch))
    }
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

fn of_table(table: &Table) -> Result<Index, FileProblem> {
    let mut index = Index::default();
    for rows in table.batches()? {
        for row in 0..rows.len() {
            let row = row_of(&rows, row).map_err(|what| {
                FileProblem::Damaged(format!("row {} {what}", index.rows.len() + 1))
            })?;
            index.rows.push(row);
        }
    }
    Ok(index)
}

/// Reads a row, or returns what is wrong with it.
fn row_of(rows: &Rows, row: usize) -> Result<IndexRow, &'static str> {
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
    Ok(of_table(&table)?)
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
        Index { rows }.write(folder.path()).unwrap();
        Index::read(folder.path())
    }

    #[test]
    fn what_is_written_is_read() {
        let rows = vec![
            used("a\nb.png", Some("é")),
            used("c.png", None),
            skipped("d.png", "it is empty"),
        ];
        assert_eq!(read_back(rows.clone()).unwrap().rows, rows);
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
