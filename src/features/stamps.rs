//! `stamps.arrow`: what was in the files of the last run, so that the next one need not read them.
//!
//! # Format
//! An Arrow IPC file with the columns `path` Utf8 (absolute; how names that are not UTF-8 are written is in
//! [`crate::images::path_text`]), `size` and `inode` `UInt64`, `modified` and `changed` Int64 (nanoseconds since 1970),
//! `digest` FixedSizeBinary(32), `width` and `height` UInt32. The schema's metadata carries `format_version`. A store
//! without it, or with one that cannot be read, is as good: the files are read again. It holds no file that was changed less
//! than two seconds before it was read.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{
    FixedSizeBinaryBuilder, Int64Builder, StringBuilder, UInt32Builder, UInt64Builder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::digest::Digest;
use super::index::Content;
use super::manifest::VERSION;
use crate::error::{Error, Result, system_error};
use crate::images::path_text;
use crate::outputs;
use crate::stamp::Stamp;

pub(super) const FILE: &str = "stamps.arrow";

/// What was in files, and the stamps that they had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stamps(HashMap<String, (Stamp, Content)>);

impl Stamps {
    /// What was in a file, if its stamp is still the same.
    pub(super) fn content(&self, path: &Path, stamp: &Stamp) -> Option<Content> {
        let (then, content) = self.0.get(&key(path))?;
        (then == stamp).then_some(*content)
    }

    pub(super) fn insert(&mut self, path: &Path, stamp: Stamp, content: Content) {
        self.0.insert(key(path), (stamp, content));
    }

    /// Reads those of a store; none where there are none to be read.
    pub(super) fn read(store: &Path) -> Self {
        let file = File::open(store.join(FILE)).ok();
        file.and_then(read_file).unwrap_or_default()
    }

    /// Writes those of a store.
    pub(super) fn write(&self, store: &Path) -> Result<()> {
        let path = store.join(FILE);
        let failed = |e: ArrowError| Error::io("write", &path)(system_error(e));
        let batch = self.to_batch().map_err(failed)?;
        outputs::write(&path, |file| {
            let mut writer = FileWriter::try_new(file, &batch.schema()).map_err(failed)?;
            writer
                .write(&batch)
                .and_then(|()| writer.finish())
                .map_err(failed)
        })
    }

    fn to_batch(&self) -> Result<RecordBatch, ArrowError> {
        let (mut path, mut digest) = (StringBuilder::new(), FixedSizeBinaryBuilder::new(32));
        let (mut size, mut inode) = (UInt64Builder::new(), UInt64Builder::new());
        let (mut modified, mut changed) = (Int64Builder::new(), Int64Builder::new());
        let (mut width, mut height) = (UInt32Builder::new(), UInt32Builder::new());
        let mut rows: Vec<_> = self.0.iter().collect();
        rows.sort_unstable_by_key(|(path, _)| *path);
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
}

/// A path as it is written, wherever the run is started from.
fn key(path: &Path) -> String {
    let absolute: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path_text::to_text(&absolute)
}

fn schema() -> Schema {
    let metadata = HashMap::from([("format_version".to_owned(), VERSION.to_string())]);
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
    Schema::new_with_metadata(fields, metadata)
}

fn read_file(file: File) -> Option<Stamps> {
    let reader = FileReader::try_new_buffered(file, None).ok()?;
    if *reader.schema() != schema() {
        return None;
    }
    let mut stamps = Stamps::default();
    for batch in reader {
        append(&mut stamps, &batch.ok()?)?;
    }
    Some(stamps)
}

/// The columns are those of [`schema`]: that was checked.
fn append(stamps: &mut Stamps, batch: &RecordBatch) -> Option<()> {
    let long = |column: usize| batch.column(column).as_primitive::<UInt64Type>();
    let time = |column: usize| batch.column(column).as_primitive::<Int64Type>();
    let short = |column: usize| batch.column(column).as_primitive::<UInt32Type>();
    let paths = batch.column(0).as_string::<i32>();
    let digests = batch.column(5).as_fixed_size_binary();
    for row in 0..batch.num_rows() {
        let stamp = Stamp {
            size: long(1).value(row),
            modified: time(2).value(row),
            changed: time(3).value(row),
            inode: long(4).value(row),
        };
        let content = Content {
            digest: Digest(digests.value(row).try_into().ok()?),
            width: short(6).value(row),
            height: short(7).value(row),
        };
        stamps
            .0
            .insert(paths.value(row).to_owned(), (stamp, content));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        stamps.insert(Path::new("a.png"), stamp, content());
        stamps.write(folder.path()).unwrap();
        let read = Stamps::read(folder.path());
        assert_eq!(read, stamps);
        let here = std::env::current_dir().unwrap();
        assert_eq!(read.content(&here.join("a.png"), &stamp), Some(content()));
        assert_eq!(read.content(Path::new("b.png"), &stamp), None);
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
            assert_eq!(read.content(Path::new("a.png"), &other), None);
        }
    }

    #[test]
    fn what_cannot_be_read_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Stamps::read(folder.path()), Stamps::default());
        std::fs::write(folder.path().join(FILE), "no Arrow file").unwrap();
        assert_eq!(Stamps::read(folder.path()), Stamps::default());
    }
}
