//! Opens tables so that no more memory is allocated than their bytes and the rows of a batch need.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
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
use crate::error::{FileProblem, Result};
use crate::features::arrow_file::{Failure, check_blocks};
use crate::inputs::{self, Links};

/// The most rows of a Parquet file that are read at a time, and about how many features they may have.
const ROWS: usize = 1024;
const FEATURES: usize = 1 << 22;
/// The most features of a page. Writers end a page at a megabyte, but a few bytes can stand for any number of
/// equal values.
const OF_PAGE: usize = 1 << 26;

pub(super) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>;

/// Opens a table whose rows have `width` features.
pub(super) fn open(path: &Path, width: usize) -> Result<(SchemaRef, Batches), Failure> {
    let mut file = inputs::open(path, Links::Follow)?;
    let mut start = [0; 6];
    match file.read_exact(&mut start) {
        Err(e) if e.kind() != ErrorKind::UnexpectedEof => return Err(e.into()),
        _ => file.rewind()?,
    }
    if start == *b"ARROW1" {
        check_blocks(&file)?;
        return panics_caught(|| {
            let reader = FileReader::try_new(file, None)?;
            Ok((reader.schema(), Box::new(reader) as Batches))
        });
    }
    if !start.starts_with(b"PAR1") {
        return Err(foreign("it does not start as one".to_owned()));
    }
    panics_caught(|| parquet(file, width))
}

fn panics_caught<T>(open: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, Failure> {
    caught(open, |panic| ArrowError::IpcError(panic.to_owned())).map_err(|e| unreadable(&e))
}

fn parquet(file: File, width: usize) -> Result<(SchemaRef, Batches), ArrowError> {
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

pub(super) fn unreadable(error: &ArrowError) -> Failure {
    damaged(error.to_string())
}

pub(super) fn damaged(problem: String) -> Failure {
    FileProblem::Damaged(problem).into()
}

pub(super) fn foreign(found: String) -> Failure {
    FileProblem::Foreign {
        wanted: "a Parquet or Arrow table of features",
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
