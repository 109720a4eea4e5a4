//! Opens tables so that no more memory is allocated than their bytes and the rows of a batch need.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek};
use std::iter;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::column::page::PageReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use crate::caught::caught;
use crate::error::{Error, FileProblem, Result, WorkerError};
use crate::features::arrow_file::{Failure, check_blocks};
use crate::features::worker::stream::Stream;
use crate::inputs::{self, Links};

/// The most rows of a Parquet file that are read at a time, and about how many features they may have.
const ROWS: usize = 1024;
const FEATURES: usize = 1 << 22;
/// The most features of a page. Writers end a page at a megabyte, but a few bytes can stand for any number of
/// equal values.
const OF_PAGE: usize = 1 << 26;

pub(super) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, Failure>>>;
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
/// [`Error::Io`] if it cannot be read.
pub(in crate::features::merge) fn is_table(path: &Path) -> Result<bool> {
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

/// Opens a table whose rows have `width` features.
pub(super) fn open(path: &Path, width: usize) -> Result<(SchemaRef, Batches), Failure> {
    let mut file = inputs::open(path, Links::Follow)?;
    match format(&mut file)? {
        Some(Format::Parquet) => panics_caught(|| parquet(file, width)),
        Some(Format::ArrowFile) => {
            check_blocks(&file)?;
            panics_caught(|| {
                let reader = FileReader::try_new(file, None)?;
                Ok((reader.schema(), Box::new(reader)))
            })
        }
        Some(Format::ArrowStream) => stream(file),
        None => Err(foreign("it does not start as one".to_owned())),
    }
}

/// Opens a file with a reader that can panic on a damaged one.
fn panics_caught(
    open: impl FnOnce() -> Result<(SchemaRef, Unchecked), ArrowError>,
) -> Result<(SchemaRef, Batches), Failure> {
    let panicked = |panic: &str| ArrowError::IpcError(panic.to_owned());
    let (schema, mut batches) = caught(open, panicked).map_err(|e| unreadable(&e))?;
    let next = move || caught(|| batches.next().transpose(), panicked).transpose();
    let batches = iter::from_fn(next).map(|batch| batch.map_err(|e| unreadable(&e)));
    Ok((schema, Box::new(batches)))
}

fn parquet(file: File, width: usize) -> Result<(SchemaRef, Unchecked), ArrowError> {
    let again = file.try_clone()?;
    let rows = (FEATURES / width.max(1)).clamp(1, ROWS);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(rows);
    check_pages(again, builder.metadata(), OF_PAGE)?;
    let schema = builder.schema().clone();
    Ok((schema, Box::new(builder.build()?)))
}

/// Refuses pages with more than `most` features. Only their headers are read.
fn check_pages(file: File, metadata: &ParquetMetaData, most: usize) -> Result<(), ParquetError> {
    let file = Arc::new(file);
    for group in metadata.row_groups() {
        for column in group.columns() {
            if column.column_path().parts().first().map(String::as_str) != Some("features") {
                continue;
            }
            let mut pages = SerializedPageReader::new(Arc::clone(&file), column, 0, None)?;
            while let Some(page) = pages.peek_next_page()? {
                if page.num_levels.is_some_and(|values| values > most) {
                    let problem = format!("a page has more than {most} features");
                    return Err(ParquetError::General(problem));
                }
                pages.skip_next_page()?;
            }
        }
    }
    Ok(())
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

pub(super) fn damaged(problem: String) -> Failure {
    FileProblem::Damaged(problem).into()
}

pub(super) fn foreign(found: String) -> Failure {
    FileProblem::Foreign {
        wanted: "a table of features that can be merged",
        found,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use arrow_array::types::Float32Type;
    use arrow_array::{ArrayRef, ListArray};
    use parquet::arrow::ArrowWriter;

    use super::*;

    #[test]
    fn a_page_has_no_more_features_than_may_be() {
        let equal = Some(vec![Some(0.5); 1000]);
        let rows = ListArray::from_iter_primitive::<Float32Type, _, _>([equal.clone(), equal]);
        let columns = [("features", Arc::new(rows) as ArrayRef)];
        let table = RecordBatch::try_from_iter(columns).unwrap();
        let mut writer =
            ArrowWriter::try_new(tempfile::tempfile().unwrap(), table.schema(), None).unwrap();
        writer.write(&table).unwrap();
        let file = writer.into_inner().unwrap();
        let open = || file.try_clone().unwrap();
        let builder = ParquetRecordBatchReaderBuilder::try_new(open()).unwrap();
        let check = |most| check_pages(open(), builder.metadata(), most);
        assert!(check(2000).is_ok());
        let refused = check(1999).unwrap_err().to_string();
        assert!(
            refused.contains("a page has more than 1999 features"),
            "{refused}"
        );
    }
}
