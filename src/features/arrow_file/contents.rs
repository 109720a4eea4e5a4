//! Finds the positions of the columns in an Arrow file.

use std::io::{BufReader, Seek};
use std::ops::Range;

use arrow_ipc::{Buffer, FieldNode, root_as_message};
use arrow_schema::{DataType, Field, Schema};

use super::footer::{self, Metadata, SEALED, Seal, damaged};
use super::source::{Failure, Source};
use crate::error::FileProblem;
use crate::seal;

/// How much of a file is read at a time to verify its checksum.
const PIECE: usize = 1 << 18;

/// The bytes before a message, followed by its length.
pub(super) const MARKER: [u8; 4] = [0xff; 4];

/// The structure of an Arrow file, without the content of its columns.
#[derive(Debug)]
pub(in crate::features) struct Contents {
    /// Whether the checksum was checked, which requires all bytes in memory.
    pub(in crate::features) seal: Seal,
    /// The record batches, in the order of the file.
    pub(in crate::features) batches: Vec<Batch>,
}

/// A record batch. All its columns have `rows` rows.
#[derive(Debug)]
pub(in crate::features) struct Batch {
    pub(in crate::features) rows: u64,
    pub(in crate::features) columns: Vec<Column>,
}

/// The position of the bitmap that has a 0 for each null row, and the number of null rows. `None` if no row
/// is null.
type Nulls = Option<(Range<u64>, u64)>;

/// The position of a column, in bytes from the start of the file. It is entirely within the file.
#[derive(Debug)]
pub(in crate::features) struct Column {
    /// Which rows are null.
    pub(super) nulls: Nulls,
    /// One 32-bit offset more than there are rows; only for text.
    pub(in crate::features) offsets: Option<Range<u64>>,
    /// The concatenated text, or `width` bytes for each row.
    pub(in crate::features) values: Range<u64>,
    /// Bytes per row; 0 for text.
    pub(super) width: u64,
}

impl Contents {
    /// Finds the expected columns, and checks that they are within the file and match the number of rows.
    ///
    /// `schema` receives the file's metadata, which has a supported format version, and returns the expected
    /// columns. If all bytes are in memory, the checksum is checked first.
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
            None => return Err(damaged("its checksum is missing").into()),
        };
        let schema = schema(metadata)?;
        if !footer::has_columns(footer, &schema) {
            return Err(damaged("its columns do not match its format").into());
        }
        let batches = footer::batches(footer, start)?
            .into_iter()
            .map(|(message, body)| Batch::find(&source.range(&message)?, body, &schema))
            .collect::<Result<_, _>>()?;
        Ok(Self { seal, batches })
    }
}

/// Returns the verified checksum of a file, if it has one.
pub(super) fn checksum(source: Source<'_>) -> Result<Option<String>, Failure> {
    let (bytes, start) = footer::find(source)?;
    let footer = footer::parse(&bytes)?;
    let Some(place) = footer::place(footer, &bytes, start) else {
        return Ok(None);
    };
    check(source, place)?;
    Ok(Metadata::of(footer).checksum().map(str::to_owned))
}

fn check(source: Source<'_>, place: Range<usize>) -> Result<Seal, Failure> {
    let is_right = match source {
        Source::File(_) => return Ok(Seal::Unchecked),
        Source::Bytes(file) => seal::is_right(file, place),
        Source::Checked(mut file) => {
            file.rewind()?;
            seal::is_right_in(&mut BufReader::with_capacity(PIECE, file), place)?
        }
    };
    if is_right {
        return Ok(Seal::Right);
    }
    Err(damaged("its content does not match its checksum").into())
}

impl Batch {
    /// Returns the range of bytes with all columns.
    pub(super) fn range(&self) -> Range<u64> {
        let ranges = self.columns.iter().flat_map(|column| {
            let nulls = column.nulls.as_ref().map(|(bits, _)| bits);
            let optional = nulls.into_iter().chain(&column.offsets);
            optional.chain([&column.values])
        });
        let start = ranges.clone().map(|range| range.start).min();
        let end = ranges.map(|range| range.end).max();
        start.unwrap_or(0)..end.unwrap_or(0)
    }

    fn find(message: &[u8], body: Range<u64>, schema: &Schema) -> Result<Self, Failure> {
        let unreadable = || damaged("one of its record batches cannot be read");
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
            let misfit = || format!("its column `{}` does not have length {rows}", field.name());
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

/// Iterates over the nodes and buffers of a batch.
struct Walk<N, B> {
    nodes: N,
    buffers: B,
    /// The end of the previous buffer.
    from: u64,
    body: Range<u64>,
}

impl<'a, N, B> Walk<N, B>
where
    N: Iterator<Item = &'a FieldNode>,
    B: Iterator<Item = &'a Buffer>,
{
    /// Reads the next column. A flat column has a buffer of nulls and one of values, with the offsets between
    /// them for text. A list has its nulls before the buffers of its items.
    fn column(&mut self, field: &Field, rows: u64) -> Option<Column> {
        let nulls = self.nulls(field, rows)?;
        match field.data_type() {
            DataType::Utf8 => {
                let offsets = self.buffer(rows.checked_add(1)?.checked_mul(4)?);
                // A column without rows may have no offsets.
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

    /// Reads the next node and its nulls. Returns `None` if it has nulls but must not have any.
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

    /// Reads the next buffer, which must have at least `bytes` bytes, and returns the range of these.
    fn buffer(&mut self, bytes: u64) -> Option<Range<u64>> {
        let whole = self.whole_buffer()?;
        let end = whole.start.checked_add(bytes)?;
        (end <= whole.end).then_some(whole.start..end)
    }

    /// Reads the next buffer, which must come after the previous one and be within the body.
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
