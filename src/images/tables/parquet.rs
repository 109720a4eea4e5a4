//! Reads the images of Parquet files, whose rows can only be read in order within a row group.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};

use super::columns::{Columns, Each};
use super::row::{Fault, Row, RowPlace, read_caught};
use super::values::Values;
use crate::images::container::{Container, Contents};
use crate::images::fault::ReadFault;
use crate::images::place::Place;
use crate::images::series::{Item, Items, Series, Start};
use crate::images::{Limits, SkipReason};

/// The bytes of images that are decoded at a time, and the rows at most.
const BATCH_BYTES: i64 = 1 << 20;
const BATCH_ROWS: i64 = 1024;
/// The rows of which paths and labels are read at a time.
const LIST_ROWS: usize = 8192;

/// An open Parquet file, which the readers of all its pages share.
#[derive(Debug, Clone)]
struct Input {
    contents: Arc<Mutex<Contents>>,
    length: u64,
}

impl Input {
    fn new(contents: Contents, length: u64) -> Self {
        let contents = Arc::new(Mutex::new(contents));
        Self { contents, length }
    }
}

impl Length for Input {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Input {
    type T = io::BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(io::BufReader::new(From {
            input: self.clone(),
            position: start,
        }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF(
                "a range is beyond the end of the file".to_owned(),
            ));
        }
        let mut bytes = vec![0; length];
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        contents.range(start, &mut bytes)?;
        Ok(bytes.into())
    }
}

/// Reads a file from a position.
struct From {
    input: Input,
    position: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use std::io::{Seek, SeekFrom};
        let contents = &self.input.contents;
        let mut contents = contents.lock().unwrap_or_else(PoisonError::into_inner);
        contents.seek(SeekFrom::Start(self.position))?;
        let read = contents.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

/// The types are those of the file, whatever types its writer had in memory.
fn metadata(input: &Input) -> Result<ArrowReaderMetadata, ParquetError> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    ArrowReaderMetadata::load(input, options)
}

/// Returns the schema with the metadata of the file.
fn schema(metadata: &ArrowReaderMetadata) -> SchemaRef {
    let schema = metadata.schema();
    // Some writers keep it in the Arrow schema only.
    let all = Arc::clone(metadata.metadata());
    let full = ArrowReaderMetadata::try_new(all, ArrowReaderOptions::new()).ok();
    let described = full.and_then(|full| full.schema().metadata().get("huggingface").cloned());
    match described {
        None => Arc::clone(schema),
        Some(text) => {
            let mut all = schema.metadata().clone();
            all.insert("huggingface".to_owned(), text);
            Arc::new(arrow_schema::Schema::clone(schema).with_metadata(all))
        }
    }
}

/// The leaf columns that are read: labels, paths and bytes.
struct Leaves {
    label: Option<usize>,
    path: Option<usize>,
    bytes: usize,
}

impl Leaves {
    fn of(metadata: &ParquetMetaData, columns: &Columns) -> Result<Self, Fault> {
        let schema = metadata.file_metadata().schema_descr();
        let leaf = |path: &[&str]| {
            let mut leaves = schema.columns().iter();
            leaves.position(|column| column.path().parts() == path)
        };
        let image = &*columns.image.name;
        let bytes = if columns.is_struct {
            leaf(&[image, "bytes"])
        } else {
            leaf(&[image])
        };
        Ok(Self {
            label: columns
                .label
                .as_ref()
                .and_then(|label| leaf(&[&label.name])),
            path: columns.is_struct.then(|| leaf(&[image, "path"])).flatten(),
            bytes: bytes.ok_or_else(|| format!("its column `{image}` has another form"))?,
        })
    }

    fn mask(&self, metadata: &ParquetMetaData, with_bytes: bool) -> ProjectionMask {
        let bytes = with_bytes.then_some(self.bytes);
        let leaves = self.label.into_iter().chain(self.path).chain(bytes);
        ProjectionMask::leaves(metadata.file_metadata().schema_descr(), leaves)
    }
}

/// Returns the number of rows of a group that are decoded at a time.
fn batch_size(group: &RowGroupMetaData, bytes: usize) -> usize {
    let column = group.columns().get(bytes);
    let size = column.map_or(0, ColumnChunkMetaData::uncompressed_size);
    let each = size.max(1) / group.num_rows().max(1);
    (BATCH_BYTES / each.max(1)).clamp(1, BATCH_ROWS) as usize
}

/// Passes all rows of a file to `each`. The bytes of images are read only where some are null.
pub(super) fn list(
    container: &Arc<Container>,
    contents: Contents,
    wants_labels: bool,
    each: Each<'_>,
) -> Result<Columns, Fault> {
    let input = Input::new(contents, container.length());
    let metadata = metadata(&input).map_err(fault)?;
    let columns = Columns::of(&schema(&metadata), wants_labels)?;
    let leaves = Leaves::of(metadata.metadata(), &columns)?;
    let groups = metadata.metadata().row_groups();
    let start = Rows::new(
        groups.iter().map(RowGroupMetaData::num_rows),
        columns.clone(),
    );
    let series = Series::new(Arc::clone(container), Box::new(start));
    let mut number = 0;
    let mut add = |path, label, is_here| {
        let place = Place::item(&series, number);
        number += 1;
        let place = if is_here {
            RowPlace::Here(place)
        } else {
            RowPlace::Nowhere
        };
        each(&columns, Row { path, label, place })
    };
    for (at, group) in groups.iter().enumerate() {
        let bytes = group.columns().get(leaves.bytes);
        let nulls = bytes.and_then(|bytes| bytes.statistics()?.null_count_opt());
        let with_bytes = nulls != Some(0);
        if !with_bytes && leaves.label.is_none() && leaves.path.is_none() {
            if group.num_rows() > container.length().min(i64::MAX as u64) as i64 {
                return Err(Fault::Table("its number of rows is wrong".to_owned()));
            }
            (0..group.num_rows()).try_for_each(|_| add(None, None, true))?;
            continue;
        }
        let size = if with_bytes {
            batch_size(group, leaves.bytes)
        } else {
            LIST_ROWS
        };
        let (input, metadata) = (input.clone(), metadata.clone());
        let mask = leaves.mask(metadata.metadata(), with_bytes);
        let batches = ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata)
            .with_row_groups(vec![at])
            .with_batch_size(size)
            .with_projection(mask)
            .build();
        for batch in batches.map_err(fault)? {
            let batch = batch.map_err(|error| error.to_string())?;
            let values = Values::of(&batch, &columns);
            for row in 0..batch.num_rows() {
                let is_here = !with_bytes || values.bytes(row).is_some();
                add(values.path(row), values.label(row), is_here)?;
            }
        }
    }
    Ok(columns)
}

fn fault(error: ParquetError) -> Fault {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(error) => (*error).into(),
            Err(cause) => Fault::Table(cause.to_string()),
        },
        error => Fault::Table(error.to_string()),
    }
}

/// The rows of a file, and the first row of each group.
#[derive(Debug)]
struct Rows {
    firsts: Vec<u64>,
    columns: Columns,
}

impl Rows {
    fn new(groups: impl Iterator<Item = i64>, columns: Columns) -> Self {
        let mut next = 0;
        let firsts = groups.map(|rows| {
            let first = next;
            next = u64::saturating_add(next, rows.max(0) as u64);
            first
        });
        let firsts = firsts.collect();
        Self { firsts, columns }
    }
}

impl Start for Rows {
    fn start(&self, container: &Container, at: u64) -> Result<Box<dyn Items>, ReadFault> {
        let contents = container.opened()?;
        read_caught(|| {
            let input = Input::new(contents, container.length());
            let metadata = metadata(&input).map_err(|error| unreadable(&error))?;
            let all = metadata.metadata();
            let leaves = Leaves::of(all, &self.columns).map_err(|_| unreadable(&"it changed"))?;
            let group = self.firsts.partition_point(|&first| first <= at).max(1) - 1;
            let size = all
                .row_groups()
                .get(group)
                .map(|group| batch_size(group, leaves.bytes));
            let mask = ProjectionMask::leaves(all.file_metadata().schema_descr(), [leaves.bytes]);
            let groups = (group..all.num_row_groups()).collect();
            let skipped = at - self.firsts.get(group).copied().unwrap_or(at);
            let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata)
                .with_row_groups(groups)
                .with_offset(skipped as usize)
                .with_batch_size(size.unwrap_or(1))
                .with_projection(mask)
                .build();
            let rest: Box<dyn Items> = Box::new(Rest {
                reader: reader.map_err(|error| unreadable(&error))?,
                batch: None,
                next: at,
                firsts: self.firsts.clone(),
                columns: self.columns.clone(),
            });
            Ok(rest)
        })
    }
}

/// The rest of a file.
struct Rest {
    reader: ParquetRecordBatchReader,
    /// The current batch, and the next of its rows.
    batch: Option<(RecordBatch, usize)>,
    /// The number of the next row.
    next: u64,
    firsts: Vec<u64>,
    columns: Columns,
}

impl Items for Rest {
    fn next(&mut self, limits: &Limits) -> Result<Option<(u64, Item)>, ReadFault> {
        loop {
            if let Some((batch, row)) = &mut self.batch
                && *row < batch.num_rows()
            {
                let bytes = Values::of(batch, &self.columns).bytes(*row);
                let item = match bytes {
                    None => Err(SkipReason::NoBytes),
                    Some(bytes) if bytes.len() as u64 > limits.max_bytes => {
                        let (bytes, limit) = (bytes.len() as u64, limits.max_bytes);
                        Err(SkipReason::TooLong { bytes, limit })
                    }
                    Some(bytes) => Ok(bytes.to_vec()),
                };
                *row += 1;
                self.next += 1;
                return Ok(Some((self.next - 1, item)));
            }
            self.batch = None;
            let reader = &mut self.reader;
            let batch = read_caught(|| match reader.next() {
                None => Ok(None),
                Some(Ok(batch)) => Ok(Some(batch)),
                Some(Err(error)) => Err(unreadable(&error)),
            });
            match batch? {
                None => return Ok(None),
                Some(batch) => self.batch = Some((batch, 0)),
            }
        }
    }

    fn sound_from(&self) -> u64 {
        let group = self.firsts.partition_point(|&first| first <= self.next);
        self.firsts.get(group).copied().unwrap_or(u64::MAX)
    }
}

fn unreadable(error: &dyn std::fmt::Display) -> ReadFault {
    SkipReason::Unreadable(format!("the table is damaged: {error}")).into()
}
