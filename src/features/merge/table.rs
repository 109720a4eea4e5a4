//! Tables of features, as Ray or Spark write them and `features export` does.
//!
//! # Format
//! A Parquet file, an Arrow IPC file or an Arrow IPC stream, with these columns in any order, among others
//! that are ignored:
//! - `path` or `id`: text or a whole number
//! - `digest`: BLAKE3 of the image's bytes, 32 bytes or 64 hex digits
//! - `features`: a list of D 32-bit or 16-bit floats, all views of an image one after the other
//! - `width` and `height`: whole numbers, upright, in pixels
//! - `status`: `ok`, or why the image was skipped; without this column, all images are used
//! - `label` or `class`: text or whole numbers, whose names are those of the schema's metadata, as in tables
//!   of images; optional
//!
//! `digest`, `features`, `width` and `height` may be null for skipped images, and so may `path`: such a row
//! is named by the file's name, `#` and the number of its row, from 0. The schema's metadata contains
//! `frostline.manifest`: the manifest of the features as JSON, as in the parts of a store. Spark keeps no
//! metadata of a schema; `frostline.spark` adds the manifest to the column `features`. Spark writes its
//! schema, with the metadata of columns, as JSON into the metadata of the file.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek};
use std::iter;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use arrow_schema::{ArrowError, Schema, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use super::columns::Columns;
use crate::caught::caught;
use crate::error::{Error, FileKind, FileProblem, Result, WorkerError};
use crate::features::arrow_file::Failure;
use crate::features::index::IndexRow;
use crate::features::manifest::{StoreManifest, TABLE_KEY};
use crate::features::worker::stream::Stream;
use crate::images::LabelColumn;
use crate::images::path_text::to_text;
use crate::inputs::{self, Links};
use crate::phrases::all_in_quotes;

/// Rows that are read at a time.
const BATCH: usize = 1024;
/// The key of Spark's schema in the metadata of a Parquet file.
const SPARK_KEY: &str = "org.apache.spark.sql.parquet.row.metadata";

/// Reads the manifest in a table.
///
/// # Errors
/// [`Error::File`](crate::error::Error::File) if there is none, or if the file is damaged; [`Error::Io`].
///
/// [`Error::Io`]: crate::error::Error::Io
pub(super) fn manifest(path: &Path) -> Result<StoreManifest> {
    let read = || {
        let (schema, _) = open(path)?;
        let missing = format!("its schema's metadata has no `{TABLE_KEY}`");
        let text = manifest_text(&schema).ok_or_else(|| foreign(missing))?;
        let manifest: StoreManifest = serde_json::from_str(&text)
            .map_err(|e| damaged(format!("its manifest cannot be read: {e}")))?;
        match manifest.spec.problem() {
            Some(problem) => Err(damaged(problem)),
            None => Ok(StoreManifest::new(
                manifest.spec,
                manifest.dtype,
                manifest.engine,
            )),
        }
    };
    read().map_err(|failure: Failure| failure.of(path, FileKind::FeatureTable))
}

fn manifest_text(schema: &Schema) -> Option<String> {
    let metadata = schema.metadata();
    if let Some(text) = metadata.get(TABLE_KEY) {
        return Some(text.clone());
    }
    let of_spark: Value = serde_json::from_str(metadata.get(SPARK_KEY)?).ok()?;
    let mut columns = of_spark.get("fields")?.as_array()?.iter();
    let features = columns.find(|column| column["name"] == "features")?;
    let text = features.get("metadata")?.get(TABLE_KEY)?.as_str()?;
    Some(text.to_owned())
}

/// Passes each row of a table to `each`, with the features of a used image. Returns a note about its labels.
///
/// # Errors
/// [`Error::File`](crate::error::Error::File) if the columns are not those of the format or a value is
/// missing; the error of `each`.
pub(super) fn each(
    path: &Path,
    manifest: &StoreManifest,
    mut each: impl FnMut(IndexRow, Vec<f32>) -> Result<()>,
) -> Result<Option<String>> {
    let failed = |failure: Failure| failure.of(path, FileKind::FeatureTable);
    let width = manifest.spec.views.len() * manifest.spec.backbone.num_features;
    let (schema, batches) = open(path).map_err(failed)?;
    let label = LabelColumn::of(&schema, "class");
    let mut before = 0;
    for batch in batches {
        let batch = batch.map_err(failed)?;
        let columns = Columns::of(&batch, label.as_ref().ok());
        let columns = columns.map_err(|problem| failed(foreign(problem)))?;
        for row in 0..batch.num_rows() {
            let number = before + row;
            let name = path.file_name().unwrap_or_default();
            let unnamed = || format!("{}#{number}", to_text(name.as_ref()));
            let (found, features) = columns
                .row(row, width, unnamed)
                .map_err(|problem| failed(foreign(format!("row {} {problem}", number + 1))))?;
            each(found, features)?;
        }
        before += batch.num_rows();
    }
    let several = label.err().filter(|several| !several.is_empty());
    Ok(several.map(|several| {
        format!(
            "`{}` has several columns of labels ({}): none is used; name one of them `label`",
            path.display(),
            all_in_quotes(several)
        )
    }))
}

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, Failure>>>;
type Unchecked = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>;

/// The formats of tables.
#[derive(Debug, PartialEq, Eq)]
enum Format {
    Parquet,
    ArrowFile,
    ArrowStream,
}

/// Returns whether a file starts as a table.
///
/// # Errors
/// [`Error::Io`](crate::error::Error::Io) if it cannot be read.
pub(super) fn is_table(path: &Path) -> Result<bool> {
    let file = inputs::open(path, Links::Follow).and_then(|mut file| format(&mut file));
    Ok(file.map_err(Error::io("read", path))?.is_some())
}

/// Recognises a table by its first bytes.
fn format(file: &mut File) -> io::Result<Option<Format>> {
    let mut start = [0; 6];
    match file.read_exact(&mut start) {
        Err(e) if e.kind() != ErrorKind::UnexpectedEof => return Err(e),
        _ => file.rewind()?,
    }
    Ok(match &start {
        b"ARROW1" => Some(Format::ArrowFile),
        start if start.starts_with(b"PAR1") => Some(Format::Parquet),
        start if start.starts_with(&[0xff; 4]) => Some(Format::ArrowStream),
        _ => None,
    })
}

fn open(path: &Path) -> Result<(SchemaRef, Batches), Failure> {
    let mut file = inputs::open(path, Links::Follow)?;
    let format =
        format(&mut file)?.ok_or_else(|| foreign("it does not start as one".to_owned()))?;
    if format == Format::ArrowStream {
        return stream(file);
    }
    let opened = move || -> Result<(SchemaRef, Unchecked), ArrowError> {
        if format == Format::ArrowFile {
            let reader = FileReader::try_new(file, None)?;
            return Ok((reader.schema(), Box::new(reader)));
        }
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(BATCH);
        let schema = builder.schema().clone();
        Ok((schema, Box::new(builder.build()?)))
    };
    // Both readers can panic on a damaged file.
    let panicked = |panic: &str| ArrowError::IpcError(panic.to_owned());
    let (schema, mut batches) = caught(opened, panicked).map_err(|e| unreadable(&e))?;
    let next = move || caught(|| batches.next().transpose(), panicked).transpose();
    let batches = iter::from_fn(next).map(|batch| batch.map_err(|e| unreadable(&e)));
    Ok((schema, Box::new(batches)))
}

/// Opens an Arrow stream, such as the answer of a worker.
fn stream(file: File) -> Result<(SchemaRef, Batches), Failure> {
    let opened = Stream::open(BufReader::new(file)).map_err(|error| broken(&error, false))?;
    let mut stream = opened.ok_or_else(|| foreign("it is empty".to_owned()))?;
    let schema = stream.schema();
    let next = move || {
        let batch = stream.next();
        batch
            .map_err(|e| broken(&e, stream.has_ended()))
            .transpose()
    };
    Ok((schema, Box::new(iter::from_fn(next))))
}

/// Returns what is wrong with a stream, which may have ended before its end-of-stream marker.
fn broken(error: &WorkerError, has_ended: bool) -> Failure {
    match error {
        WorkerError::NoEnd { batches } => FileProblem::Cut(format!(
            "it ends after batch {batches} without an end-of-stream marker; rows may be missing"
        )),
        WorkerError::Batch { batch, .. } if has_ended => {
            FileProblem::Cut(format!("it ends within batch {batch}"))
        }
        WorkerError::Batch { batch, problem } => {
            FileProblem::Damaged(format!("batch {batch} cannot be read: {problem}"))
        }
        WorkerError::Schema { problem } => {
            FileProblem::Damaged(format!("its schema cannot be read: {problem}"))
        }
        other => FileProblem::Damaged(other.to_string()),
    }
    .into()
}

fn unreadable(error: &ArrowError) -> Failure {
    damaged(error.to_string())
}

fn damaged(problem: String) -> Failure {
    FileProblem::Damaged(problem).into()
}

fn foreign(found: String) -> Failure {
    FileProblem::Foreign {
        wanted: "a table of features that can be merged",
        found,
    }
    .into()
}
