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
//! The file is optional: if it is missing, damaged or not a regular file, all files are read again. It does
//! not list files that were changed less than two seconds before they were read.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{
    FixedSizeBinaryBuilder, Int64Builder, StringBuilder, UInt32Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::arrow_file::{self, Rows, Table, versioned};
use super::content::{Content, Digest, Picture};
use super::index::is_name;
use super::names::STAMPS;
use crate::error::Result;
use crate::images::Place;
use crate::stamp::Stamp;

/// The size limit of a stamps file, in bytes. Ten million images take about 2 GB.
const LARGEST: u64 = 4 << 30;
/// Rows of a record batch. With so few, even the longest possible paths stay below Arrow's limit of 2 GiB of
/// text.
const BATCH: usize = 100_000;

/// The stamps of files and their content at that time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stamps(HashMap<String, (Stamp, Content)>);

impl Stamps {
    /// Returns the content of the image with this key (`Place::key`) if its stamp is unchanged.
    pub(super) fn content(&self, key: &str, stamp: &Stamp) -> Option<Content> {
        let (then, content) = self.0.get(key)?;
        (then == stamp).then_some(*content)
    }

    pub(super) fn insert(&mut self, key: String, stamp: Stamp, content: Content) {
        self.0.insert(key, (stamp, content));
    }

    /// Adds used files that have a stamp.
    pub(super) fn extend(&mut self, pictures: &[(Place, Picture)]) {
        for (place, picture) in pictures {
            if let Some(stamp) = picture.stamp {
                self.insert(place.key(), stamp, Content::of(picture));
            }
        }
    }

    /// Adds all stamps of another store.
    pub(super) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Reads the stamps of a store. Returns none if the file is missing or cannot be read.
    pub(super) fn read(store: &Path) -> Self {
        let table = Table::read(&store.join(STAMPS), LARGEST, |_| Ok(schema()));
        let stamps = table.ok().and_then(|table| of_table(&table));
        stamps.unwrap_or_default()
    }

    /// Writes the stamps into a store.
    pub(super) fn write(&self, store: &Path) -> Result<()> {
        arrow_file::write(&store.join(STAMPS), self.to_bytes())
    }

    /// Serialises the stamps as the content of their file.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, ArrowError> {
        arrow_file::sealed(&schema(), self.rows().chunks(BATCH).map(to_batch))
    }

    /// Returns the number of files.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns all rows sorted by path, so that the same stamps always produce the same file.
    fn rows(&self) -> Vec<(&String, &(Stamp, Content))> {
        let mut rows: Vec<_> = self.0.iter().collect();
        rows.sort_unstable_by_key(|(path, _)| *path);
        rows
    }
}

fn to_batch(rows: &[(&String, &(Stamp, Content))]) -> Result<RecordBatch, ArrowError> {
    let (mut path, mut digest) = (StringBuilder::new(), FixedSizeBinaryBuilder::new(32));
    let [mut size, mut inode] = [(); 2].map(|()| UInt64Builder::new());
    let [mut modified, mut changed] = [(); 2].map(|()| Int64Builder::new());
    let [mut width, mut height] = [(); 2].map(|()| UInt32Builder::new());
    for (name, (stamp, content)) in rows {
        path.append_value(name);
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

fn of_table(table: &Table) -> Option<Stamps> {
    let mut stamps = HashMap::new();
    for rows in table.batches().ok()? {
        for row in 0..rows.len() {
            let (path, seen) = row_of(&rows, row)?;
            stamps.insert(path, seen);
        }
    }
    Some(Stamps(stamps))
}

fn row_of(rows: &Rows, row: usize) -> Option<(String, (Stamp, Content))> {
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
    Some((path.to_owned(), (stamp, content)))
}

/// Reads stamps from bytes in memory.
pub(super) fn of_bytes(bytes: Vec<u8>) -> Option<Stamps> {
    let table = Table::of(bytes, |_| Ok(schema())).ok()?;
    of_table(&table)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn key(path: &str) -> String {
        Place::from(PathBuf::from(path)).key()
    }

    fn content() -> Content {
        Content {
            digest: Digest::of(b"a"),
            width: 3,
            height: 4,
        }
    }

    #[test]
    fn what_is_written_is_read_and_only_the_same_stamp_counts() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = Stamp {
            size: 1,
            modified: -2,
            changed: 3,
            inode: u64::MAX,
        };
        let mut stamps = Stamps::default();
        stamps.insert(key("a.png"), stamp, content());
        stamps.write(folder.path()).unwrap();
        let read = Stamps::read(folder.path());
        assert_eq!(read, stamps);
        let here = std::env::current_dir().unwrap();
        assert_eq!(
            read.content(&Place::from(here.join("a.png")).key(), &stamp),
            Some(content())
        );
        assert_eq!(read.content(&key("b.png"), &stamp), None);
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
            assert_eq!(read.content(&key("a.png"), &other), None);
        }
    }

    #[test]
    fn what_cannot_be_read_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let read = || Stamps::read(folder.path());
        assert_eq!(read(), Stamps::default());
        std::fs::write(folder.path().join(STAMPS), "no Arrow file").unwrap();
        assert_eq!(read(), Stamps::default());
        let stamp = Stamp {
            size: 1,
            modified: 2,
            changed: 3,
            inode: 4,
        };
        for (path, width) in [("", 3), ("/a", 0)] {
            let content = Content { width, ..content() };
            let row = (path.to_owned(), (stamp, content));
            Stamps(HashMap::from([row])).write(folder.path()).unwrap();
            assert_eq!(read(), Stamps::default());
        }
    }
}
