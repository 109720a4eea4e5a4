//! `index.arrow`: the samples of the last run, one row each, in input order.
//!
//! # Format
//! An Arrow IPC file with the columns `path` Utf8 (relative to the images' root; how names that are not UTF-8 are
//! written is in [`crate::images::path_text`]), `class` Utf8 (null without classes), `digest` FixedSizeBinary(32),
//! `width` and `height` UInt32 (upright, in pixels; all three null for a file that could not be used), and `reason` Utf8
//! (why not; null for a used one). The schema's metadata carries `format_version`. Written last, so that it never names
//! features that are not there.

use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{FixedSizeBinaryBuilder, StringBuilder, UInt32Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::digest::Digest;
use super::manifest::VERSION;
use super::pipeline::Picture;
use crate::error::{Error, FileProblem, Result, system_error};
use crate::outputs;

pub(super) const FILE: &str = "index.arrow";

/// One sample of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexRow {
    /// Its name, relative to the root, as text.
    pub path: String,
    /// Its class; none for a folder without classes.
    pub class: Option<String>,
    /// What was found in the file: its digest and upright size, or the reason for leaving it out.
    pub content: Result<Content, String>,
}

/// A used file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// The key of its features.
    pub digest: Digest,
    /// Upright width, in pixels.
    pub width: u32,
    /// Upright height, in pixels.
    pub height: u32,
}

impl Content {
    /// What is known of a used picture.
    #[must_use]
    pub fn of(picture: &Picture) -> Self {
        let (width, height) = picture.size;
        Self {
            digest: picture.digest,
            width,
            height,
        }
    }
}

/// The samples of a run, in input order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// One row for each.
    pub rows: Vec<IndexRow>,
}

impl Index {
    /// The rows that have features, with their digests.
    pub fn used(&self) -> impl Iterator<Item = (&IndexRow, Digest)> {
        self.rows
            .iter()
            .filter_map(|row| Some((row, row.content.as_ref().ok()?.digest)))
    }

    /// Reads a store's index; empty where no run has ended yet.
    ///
    /// # Errors
    /// [`Error::File`]: cut, foreign or newer.
    pub fn read(store: &Path) -> Result<Self> {
        let path = store.join(FILE);
        let file = match File::open(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            other => other.map_err(Error::io("read", &path))?,
        };
        read_file(file).map_err(|problem| Error::File {
            path,
            problem,
            hint: "run the same `frostline extract` again: it writes a new index".to_owned(),
        })
    }

    /// Writes a store's index.
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

    /// The index as one Arrow table.
    pub(super) fn to_batch(&self) -> Result<RecordBatch, ArrowError> {
        let (mut path, mut class, mut reason) = (
            StringBuilder::new(),
            StringBuilder::new(),
            StringBuilder::new(),
        );
        let (mut width, mut height) = (UInt32Builder::new(), UInt32Builder::new());
        let mut digest = FixedSizeBinaryBuilder::new(32);
        for row in &self.rows {
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
}

fn schema() -> Schema {
    let metadata = HashMap::from([("format_version".to_owned(), VERSION.to_string())]);
    let fields = vec![
        Field::new("path", DataType::Utf8, false),
        Field::new("class", DataType::Utf8, true),
        Field::new("digest", DataType::FixedSizeBinary(32), true),
        Field::new("width", DataType::UInt32, true),
        Field::new("height", DataType::UInt32, true),
        Field::new("reason", DataType::Utf8, true),
    ];
    Schema::new_with_metadata(fields, metadata)
}

fn read_file(file: File) -> Result<Index, FileProblem> {
    let length = file
        .metadata()
        .map_err(|e| FileProblem::Damaged(e.to_string()))?
        .len();
    let reader = FileReader::try_new_buffered(file, None).map_err(|e| {
        FileProblem::Cut(format!("no Arrow file ends after its {length} bytes ({e})"))
    })?;
    let schema_here = reader.schema();
    match schema_here
        .metadata()
        .get("format_version")
        .and_then(|version| version.parse::<u64>().ok())
    {
        Some(found) if found > VERSION => {
            return Err(FileProblem::Newer {
                found,
                known: VERSION,
            });
        }
        Some(_) if schema_here.fields() == schema().fields() => {}
        _ => {
            let found = "an Arrow file of something else".to_owned();
            return Err(FileProblem::Foreign {
                wanted: "the index of a feature store",
                found,
            });
        }
    }
    let mut index = Index::default();
    for batch in reader {
        append(
            &mut index,
            &batch.map_err(|e| FileProblem::Damaged(e.to_string()))?,
        )?;
    }
    Ok(index)
}

/// The columns are those of [`schema`]: that was checked.
fn append(index: &mut Index, batch: &RecordBatch) -> Result<(), FileProblem> {
    let text = |column: usize, row: usize| {
        let column = batch.column(column).as_string::<i32>();
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let number =
        |column: usize, row: usize| batch.column(column).as_primitive::<UInt32Type>().value(row);
    let digests = batch.column(2).as_fixed_size_binary();
    for row in 0..batch.num_rows() {
        let content = match text(5, row) {
            Some(reason) => Err(reason),
            None if digests.is_null(row) => {
                return Err(FileProblem::Damaged(
                    "a row has no digest and no reason".into(),
                ));
            }
            None => {
                let digest = Digest(
                    digests
                        .value(row)
                        .try_into()
                        .expect("the column's values are 32 bytes long"),
                );
                Ok(Content {
                    digest,
                    width: number(3, row),
                    height: number(4, row),
                })
            }
        };
        index.rows.push(IndexRow {
            path: text(0, row).unwrap_or_default(),
            class: text(1, row),
            content,
        });
    }
    Ok(())
}
