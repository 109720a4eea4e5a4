//! Where the columns of an Arrow file lie.

use std::ops::Range;

use arrow_ipc::{Buffer, FieldNode, root_as_message};
use arrow_schema::{DataType, Field, Schema};

use super::footer::{self, Metadata, SEALED, Seal, damaged};
use super::source::{Failure, Source};
use crate::error::FileProblem;
use crate::seal;

/// What goes before a message: this, and its length.
const MARKER: [u8; 4] = [0xff; 4];

/// What an Arrow file holds, as far as that is known without its columns.
#[derive(Debug)]
pub(in crate::features) struct Contents {
    /// Whether the checksum was checked, which it is where all bytes are in memory.
    pub(in crate::features) seal: Seal,
    /// In the order of the file.
    pub(in crate::features) batches: Vec<Batch>,
}

/// A record batch; all of its columns have as many rows.
#[derive(Debug)]
pub(in crate::features) struct Batch {
    pub(in crate::features) rows: u64,
    pub(in crate::features) columns: Vec<Column>,
}

/// The place of a bit for each row, 0 where it is null, and how many are; nothing where no row is.
type Nulls = Option<(Range<u64>, u64)>;

/// A column's place, in bytes from the start of the file; all of it is within the file.
#[derive(Debug)]
pub(in crate::features) struct Column {
    /// Which rows are null.
    pub(super) nulls: Nulls,
    /// One more than rows, of 32 bits; for text alone.
    pub(in crate::features) offsets: Option<Range<u64>>,
    /// Text one behind the other, or `width` bytes for each row.
    pub(in crate::features) values: Range<u64>,
    /// Bytes of a row; 0 for text.
    pub(super) width: u64,
}

impl Contents {
    /// Finds the columns that are wanted, and checks that they lie within the file and fit its rows.
    ///
    /// `schema` sees the file's metadata, of a format version that is known, and says what columns are
    /// wanted. The checksum is checked before, where all bytes are in memory.
    pub(in crate::features) fn find(
        source: Source<'_>,
        schema: impl FnOnce(Metadata<'_>) -> Result<Schema, FileProblem>,
    ) -> Result<Self, Failure> {
        let (bytes, start) = footer::find(source)?;
        let footer = footer::parse(&bytes)?;
        let metadata = Metadata::of(footer);
        metadata.version()?;
        let seal = match footer::place(footer, &bytes, start) {
            Some(place) => check(source, place)?,
            None if metadata.schema(SEALED).is_none() => Seal::Missing,
            None => return Err(damaged("it has lost its checksum").into()),
        };
        let schema = schema(metadata)?;
        if !footer::has_columns(footer, &schema) {
            return Err(damaged("its columns are others than those of its format").into());
        }
        let batches = footer::batches(footer, start)?
            .into_iter()
            .map(|(message, body)| Batch::find(&source.range(&message)?, body, &schema))
            .collect::<Result<_, _>>()?;
        Ok(Self { seal, batches })
    }
}

fn check(source: Source<'_>, place: Range<usize>) -> Result<Seal, FileProblem> {
    match source {
        Source::File(_) => Ok(Seal::Unchecked),
        Source::Bytes(file) if seal::is_right(file, place) => Ok(Seal::Right),
        Source::Bytes(_) => Err(damaged("its content does not match its checksum")),
    }
}

impl Batch {
    fn find(message: &[u8], body: Range<u64>, schema: &Schema) -> Result<Self, Failure> {
        let unreadable = || damaged("a batch of it cannot be read");
        let (marker, message) = message.split_first_chunk().ok_or_else(unreadable)?;
        let (_, message) = message.split_first_chunk::<4>().ok_or_else(unreadable)?;
        let message = root_as_message(message).map_err(|_| unreadable())?;
        let batch = message
            .header_as_record_batch()
            .filter(|batch| *marker == MARKER && batch.compression().is_none());
        let batch = batch.ok_or_else(unreadable)?;
        let rows = u64::try_from(batch.length()).map_err(|_| unreadable())?;
        let mut walk = Walk {
            nodes: batch.nodes().unwrap_or_default().iter(),
            buffers: batch.buffers().unwrap_or_default().iter(),
            from: body.start,
            body,
        };
        let mut column = |field: &Field| {
            let misfit = || format!("its column `{}` does not fit its {rows} rows", field.name());
            let found = walk.column(field, rows);
            found.ok_or_else(|| FileProblem::Damaged(misfit()))
        };
        let columns = schema
            .fields()
            .iter()
            .map(|field| column(field))
            .collect::<Result<_, _>>()?;
        Ok(Self { rows, columns })
    }
}

/// The nodes and buffers of a batch, taken one after the other.
struct Walk<N, B> {
    nodes: N,
    buffers: B,
    /// The end of the buffer taken last.
    from: u64,
    body: Range<u64>,
}

impl<'a, N, B> Walk<N, B>
where
    N: Iterator<Item = &'a FieldNode>,
    B: Iterator<Item = &'a Buffer>,
{
    /// Takes a column: the buffers of a flat one are its nulls and its values, text has its offsets between
    /// them, and a list has its nulls before the buffers of what it lists.
    fn column(&mut self, field: &Field, rows: u64) -> Option<Column> {
        let nulls = self.nulls(field, rows)?;
        match field.data_type() {
            DataType::Utf8 => {
                let offsets = self.buffer(rows.checked_add(1)?.checked_mul(4)?);
                // Without rows there need not be an offset.
                let offsets = offsets.or_else(|| (rows == 0).then_some(self.from..self.from))?;
                let values = self.whole_buffer()?;
                Some(Column {
                    nulls,
                    offsets: Some(offsets),
                    values,
                    width: 0,
                })
            }
            DataType::FixedSizeList(item, length) if nulls.is_none() => {
                let length = u64::try_from(*length).ok()?;
                let inner = self.column(item, rows.checked_mul(length)?)?;
                Some(Column {
                    nulls: None,
                    width: inner.width.checked_mul(length)?,
                    ..inner
                })
            }
            kind => {
                let width = match kind {
                    DataType::FixedSizeBinary(width) => u64::try_from(*width).ok()?,
                    _ => kind.primitive_width()? as u64,
                };
                let values = self.buffer(rows.checked_mul(width)?)?;
                Some(Column {
                    nulls,
                    offsets: None,
                    values,
                    width,
                })
            }
        }
    }

    /// Takes a node and its nulls, where it may have some.
    fn nulls(&mut self, field: &Field, rows: u64) -> Option<Nulls> {
        let node = self.nodes.next()?;
        let count = u64::try_from(node.null_count()).ok()?;
        if u64::try_from(node.length()) != Ok(rows) || (count > 0 && !field.is_nullable()) {
            return None;
        }
        if count == 0 {
            self.whole_buffer()?;
            return Some(None);
        }
        let bits = self.buffer(rows.div_ceil(8))?;
        Some(Some((bits, count)))
    }

    /// Takes a buffer that has at least so many bytes, and gives those.
    fn buffer(&mut self, bytes: u64) -> Option<Range<u64>> {
        let whole = self.whole_buffer()?;
        let end = whole.start.checked_add(bytes)?;
        (end <= whole.end).then_some(whole.start..end)
    }

    /// Takes a buffer; it lies behind the one before, within the body.
    fn whole_buffer(&mut self) -> Option<Range<u64>> {
        let buffer = self.buffers.next()?;
        let offset = u64::try_from(buffer.offset()).ok()?;
        let start = self.body.start.checked_add(offset)?;
        let end = start.checked_add(u64::try_from(buffer.length()).ok()?)?;
        if start < self.from || end > self.body.end {
            return None;
        }
        self.from = end;
        Some(start..end)
    }
}
