//! `stamps.arrow`: the content of the files of the last run, so that the next run need not read them again.
//!
//! # Format
//! A sealed Arrow file (see [`super::arrow_file`]) with these columns:
//! - `path` Utf8: absolute; see [`crate::images::path_text`] for names that are not UTF-8
//! - `size` and `inode` `UInt64`
//! - `modified` and `changed` Int64: nanoseconds since 1970
//! - `digest` FixedSizeBinary(32)
//! - `width` and `height` UInt32: not 0
//!
//! The file is optional: if it is missing, damaged or not a regular file, all files are read again. So it is
//! written last, when parts and index are safe, and it is not an error if that fails. It does not list files
//! that were changed less than two seconds before they were read.

use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{
    FixedSizeBinaryBuilder, Int64Builder, StringBuilder, UInt32Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::arrow_file::{self, Failure, Rows, Table, TableRows, versioned};
use super::content::{Content, Digest, Picture};
use super::index::is_name;
use super::ledger::Ledger;
use super::names::STAMPS;
use crate::error::{Error, FileProblem, Result};
use crate::images::{Place, path_text};
use crate::stamp::Stamp;
use crate::texts::Texts;

/// The size limit of a stamps file, in bytes. Ten million images take about 1.5 GB.
pub(super) const LARGEST: u64 = 64 << 30;

/// A file: its key (`Place::key`), its stamp, and the content that it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StampRow {
    pub(super) key: String,
    pub(super) stamp: Stamp,
    pub(super) content: Content,
}

impl StampRow {
    /// Describes a used file that has a stamp.
    pub(super) fn new(place: &Place, picture: &Picture) -> Option<Self> {
        Some(Self {
            key: place.key(),
            stamp: picture.stamp?,
            content: Content::of(picture),
        })
    }
}

/// Iterates over the stamps of a store.
///
/// # Errors
/// [`Failure`] if the file is missing or damaged; rows may be errors too.
pub(super) fn rows(store: &Path) -> Result<TableRows<StampRow>, Failure> {
    let table = Table::open(&store.join(STAMPS), LARGEST, |_| Ok(schema()))?;
    Ok(table.into_rows(row_of))
}

/// Replaces the stamps of a store if these differ. They only save time, so a failure is a note for the user.
pub(super) fn write(store: &Path, rows: impl Iterator<Item = StampRow>) -> Option<String> {
    let cause = match try_write(store, rows).err()? {
        Error::Io { source, .. } => source.to_string(),
        other => other.to_string(),
    };
    Some(format!(
        "`{STAMPS}` was not written, so the next run may read files again: {cause}"
    ))
}

fn try_write(store: &Path, mut rows: impl Iterator<Item = StampRow>) -> Result<()> {
    let mut ledger = Ledger::begin(store.join(STAMPS), &schema(), to_batch, true)?;
    rows.try_for_each(|row| ledger.push(row))?;
    let stamps = ledger.complete()?;
    if matches!(stamps.is_there(LARGEST), Ok(true)) {
        return Ok(());
    }
    stamps.take_place()
}

/// The stamps of several stores, packed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stamps {
    keys: Texts,
    values: Vec<(Stamp, Content)>,
}

impl Stamps {
    /// Adds a file.
    pub(super) fn push(&mut self, row: &StampRow) {
        self.keys.push(&row.key);
        self.values.push((row.stamp, row.content));
    }

    /// Adds files.
    pub(super) fn extend(&mut self, rows: impl IntoIterator<Item = StampRow>) {
        rows.into_iter().for_each(|row| self.push(&row));
    }

    /// Adds the stamps of a store, unless they cannot be read.
    pub(super) fn add_store(&mut self, store: &Path) {
        let before = self.values.len();
        let add = |row: Result<StampRow, Failure>| row.map(|row| self.push(&row));
        if rows(store)
            .and_then(|mut rows| rows.try_for_each(add))
            .is_err()
        {
            self.values.truncate(before);
            self.keys.truncate(before);
        }
    }

    /// Iterates over the files in the order of a scan. Of those with the same key, the last one counts.
    pub(super) fn sorted(&self) -> impl Iterator<Item = StampRow> {
        let key = |number: usize| self.keys.get(number).unwrap_or_default();
        let mut order: Vec<u32> = (0..self.values.len() as u32).collect();
        // The sort is stable.
        order.sort_by(|&a, &b| path_text::compare(key(a as usize), key(b as usize)));
        order.dedup_by(|later, first| {
            let is_same = key(*later as usize) == key(*first as usize);
            if is_same {
                *first = *later;
            }
            is_same
        });
        order.into_iter().map(move |number| {
            let (stamp, content) = self.values[number as usize];
            StampRow {
                key: key(number as usize).to_owned(),
                stamp,
                content,
            }
        })
    }

    /// Serialises the stamps as the content of their file.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, ArrowError> {
        let rows: Vec<StampRow> = self.sorted().collect();
        arrow_file::sealed(&schema(), [to_batch(&rows)])
    }
}

fn to_batch(rows: &[StampRow]) -> Result<RecordBatch, ArrowError> {
    let (mut path, mut digest) = (StringBuilder::new(), FixedSizeBinaryBuilder::new(32));
    let [mut size, mut inode] = [(); 2].map(|()| UInt64Builder::new());
    let [mut modified, mut changed] = [(); 2].map(|()| Int64Builder::new());
    let [mut width, mut height] = [(); 2].map(|()| UInt32Builder::new());
    for StampRow {
        key,
        stamp,
        content,
    } in rows
    {
        path.append_value(key);
        size.append_value(stamp.size);
        modified.append_value(stamp.modified);
        changed.append_value(stamp.changed);
        inode.append_value(stamp.inode);
        digest.append_value(content.digest.0)?;
        width.append_value(content.width);
        height.append_value(content.height);
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(path.finish()),
        Arc::new(size.finish()),
        Arc::new(modified.finish()),
        Arc::new(changed.finish()),
        Arc::new(inode.finish()),
        Arc::new(digest.finish()),
        Arc::new(width.finish()),
        Arc::new(height.finish()),
    ];
    RecordBatch::try_new(Arc::new(schema()), columns)
}

fn schema() -> Schema {
    let field = |name: &str, kind| Field::new(name, kind, false);
    let fields = vec![
        field("path", DataType::Utf8),
        field("size", DataType::UInt64),
        field("modified", DataType::Int64),
        field("changed", DataType::Int64),
        field("inode", DataType::UInt64),
        field("digest", DataType::FixedSizeBinary(32)),
        field("width", DataType::UInt32),
        field("height", DataType::UInt32),
    ];
    Schema::new(fields).with_metadata(versioned())
}

fn row_of(rows: &Rows, row: usize, _: usize) -> Result<StampRow, FileProblem> {
    let damaged = || FileProblem::Damaged("one of its rows has an invalid value".to_owned());
    read_row(rows, row).ok_or_else(damaged)
}

fn read_row(rows: &Rows, row: usize) -> Option<StampRow> {
    let path = rows.text(0, row).filter(|path| is_name(path))?;
    let stamp = Stamp {
        size: rows.fixed(1, row).map(u64::from_le_bytes)?,
        modified: rows.fixed(2, row).map(i64::from_le_bytes)?,
        changed: rows.fixed(3, row).map(i64::from_le_bytes)?,
        inode: rows.fixed(4, row).map(u64::from_le_bytes)?,
    };
    let pixels = |column| {
        let pixels = rows.fixed(column, row).map(u32::from_le_bytes);
        pixels.filter(|&pixels| pixels > 0)
    };
    let content = Content {
        digest: Digest(rows.fixed(5, row)?),
        width: pixels(6)?,
        height: pixels(7)?,
    };
    Some(StampRow {
        key: path.to_owned(),
        stamp,
        content,
    })
}

/// Reads stamps from bytes in memory.
pub(super) fn of_bytes(bytes: Vec<u8>) -> Option<Stamps> {
    let table = Table::of(bytes, |_| Ok(schema())).ok()?;
    let mut stamps = Stamps::default();
    table
        .into_rows(row_of)
        .try_for_each(|row| row.map(|row| stamps.push(&row)))
        .ok()?;
    Some(stamps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::directory::Directory;
    use crate::features::remembered::Remembered;

    fn row(key: &str, width: u32) -> StampRow {
        let stamp = Stamp {
            size: 1,
            modified: -2,
            changed: 3,
            inode: u64::MAX,
        };
        let content = Content {
            digest: Digest::of(b"a"),
            width,
            height: 4,
        };
        StampRow {
            key: key.to_owned(),
            stamp,
            content,
        }
    }

    fn remembered(store: &Path) -> (Remembered, Directory) {
        let directory = Directory::from_iter([Digest::of(b"a")]);
        (Remembered::read(store, &directory), directory)
    }

    #[test]
    fn what_is_written_is_read_and_only_the_same_stamp_counts() {
        let folder = tempfile::tempdir().unwrap();
        let [row, other] = [row("/a.png", 3), row("/c.png", 5)];
        assert_eq!(write(folder.path(), [row.clone(), other].into_iter()), None);
        let (read, directory) = remembered(folder.path());
        let picture = |key: &str, stamp: &Stamp| {
            let number = read.number(key, stamp)?;
            read.files()[number as usize].picture(&directory)
        };
        let stamp = row.stamp;
        let found = picture("/a.png", &stamp).unwrap();
        assert_eq!(
            (Content::of(&found), found.stamp),
            (row.content, Some(stamp))
        );
        assert!(picture("/b.png", &stamp).is_none());
        for other in [
            Stamp { size: 2, ..stamp },
            Stamp {
                modified: 0,
                ..stamp
            },
            Stamp {
                changed: 0,
                ..stamp
            },
            Stamp { inode: 0, ..stamp },
        ] {
            assert!(picture("/a.png", &other).is_none());
        }
        // An image whose features are gone is not remembered.
        let none = Remembered::read(folder.path(), &Directory::default());
        assert!(none.files().is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let read = || remembered(folder.path()).0.files().len();
        assert_eq!(read(), 0);
        std::fs::write(folder.path().join(STAMPS), "no Arrow file").unwrap();
        assert_eq!(read(), 0);
        for (path, width) in [("", 3), ("/a", 0)] {
            let rows = [row("/first", 3), row(path, width)];
            assert_eq!(write(folder.path(), rows.into_iter()), None);
            assert_eq!(read(), 0);
            let mut stamps = Stamps::default();
            stamps.add_store(folder.path());
            assert_eq!(stamps, Stamps::default());
        }
    }

    #[test]
    fn what_cannot_be_written_is_a_note() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(STAMPS)).unwrap();
        let note = write(folder.path(), [row("/a", 3)].into_iter()).unwrap();
        assert!(
            note.starts_with(
                "`stamps.arrow` was not written, so the next run may read files again: "
            ),
            "{note}"
        );
    }

    #[test]
    fn several_stores_are_sorted_as_a_scan_and_the_last_one_counts() {
        let mut stamps = Stamps::default();
        for row in [row("/a-b/1", 1), row("/a/1", 2), row("/a-b/1", 3)] {
            stamps.push(&row);
        }
        let sorted: Vec<StampRow> = stamps.sorted().collect();
        assert_eq!(sorted, [row("/a/1", 2), row("/a-b/1", 3)]);
    }
}
