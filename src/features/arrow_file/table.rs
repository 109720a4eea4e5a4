//! The rows of an Arrow file in memory.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::vec;

use arrow_schema::Schema;

use super::contents::{Batch, Column, Contents};
use super::footer::{Metadata, damaged};
use super::source::{Failure, Source, open, slice};
use crate::error::FileProblem;

/// A checked file, and the positions of its columns.
#[derive(Debug)]
pub(in crate::features) struct Table {
    held: Held,
    contents: Contents,
}

#[derive(Debug)]
enum Held {
    Bytes(Vec<u8>),
    File(File),
}

impl Held {
    fn source(&self) -> Source<'_> {
        match self {
            Self::Bytes(bytes) => Source::Bytes(bytes),
            Self::File(file) => Source::Checked(file),
        }
    }
}

impl Table {
    /// Opens a file of at most `limit` bytes, and verifies its checksum if it has one; see
    /// [`Contents::find`].
    ///
    /// # Errors
    /// [`Failure::File`] if the content is not as expected; [`Failure::System`] if the file cannot be read,
    /// is missing or is not a regular file.
    pub(in crate::features) fn open(
        path: &Path,
        limit: u64,
        schema: impl FnOnce(Metadata<'_>) -> Result<Schema, FileProblem>,
    ) -> Result<Self, Failure> {
        Self::held(Held::File(open(path, limit)?), schema)
    }

    /// Checks the bytes of a file, as [`Table::open`] does.
    pub(in crate::features) fn of(
        bytes: Vec<u8>,
        schema: impl FnOnce(Metadata<'_>) -> Result<Schema, FileProblem>,
    ) -> Result<Self, Failure> {
        Self::held(Held::Bytes(bytes), schema)
    }

    fn held(
        held: Held,
        schema: impl FnOnce(Metadata<'_>) -> Result<Schema, FileProblem>,
    ) -> Result<Self, Failure> {
        let contents = Contents::find(held.source(), schema)?;
        Ok(Self { held, contents })
    }

    /// Returns whether the checksum is correct or missing.
    #[cfg(test)]
    pub(in crate::features) fn seal(&self) -> super::footer::Seal {
        self.contents.seal
    }

    /// Passes the rows of a batch to `read`. Returns `None` after the last batch.
    ///
    /// # Errors
    /// [`FileProblem::Damaged`] if offsets, text or nulls are invalid; errors of reading the file and of
    /// `read`.
    pub(super) fn batch<T>(
        &self,
        number: usize,
        read: impl FnOnce(&Rows<'_>) -> Result<T, FileProblem>,
    ) -> Option<Result<T, Failure>> {
        let batch = self.contents.batches.get(number)?;
        let read = || {
            let range = batch.range();
            let bytes = self.held.source().range(&range)?;
            let rows = Rows::of((&bytes, range.start), batch)?;
            Ok(read(&rows)?)
        };
        Some(read())
    }

    /// Iterates over all rows, which `read` converts; it gets the rows of a batch, the number of a row in it,
    /// and its number in the file. A batch is in memory at a time.
    pub(in crate::features) fn into_rows<T>(self, read: ReadRow<T>) -> TableRows<T> {
        TableRows {
            table: self,
            read,
            next: 0,
            before: 0,
            rows: Vec::new().into_iter(),
        }
    }
}

/// Converts a row.
type ReadRow<T> = fn(&Rows<'_>, usize, usize) -> Result<T, FileProblem>;

/// Iterates over the rows of a table. It ends after an error.
pub(in crate::features) struct TableRows<T> {
    table: Table,
    read: ReadRow<T>,
    /// The number of the next batch.
    next: usize,
    /// How many rows the batches before it have.
    before: usize,
    rows: vec::IntoIter<T>,
}

impl<T> Iterator for TableRows<T> {
    type Item = Result<T, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok(row));
            }
            let (read, before) = (self.read, self.before);
            let rows = self.table.batch(self.next, |rows| {
                let rows = (0..rows.len()).map(|row| read(rows, row, before + row));
                rows.collect::<Result<Vec<T>, _>>()
            })?;
            match rows {
                Ok(rows) => {
                    self.next += 1;
                    self.before += rows.len();
                    self.rows = rows.into_iter();
                }
                Err(failure) => {
                    self.next = usize::MAX;
                    return Some(Err(failure));
                }
            }
        }
    }
}

/// The rows of a batch.
#[derive(Debug)]
pub(in crate::features) struct Rows<'a> {
    rows: usize,
    columns: Vec<Values<'a>>,
}

/// A column's values.
#[derive(Debug)]
struct Values<'a> {
    /// A bitmap that has a 0 for each null row; `None` if no row is null.
    valid: Option<&'a [u8]>,
    kind: Kind<'a>,
}

#[derive(Debug)]
enum Kind<'a> {
    /// The concatenated text, and the offsets of the rows in it.
    Text {
        offsets: &'a [[u8; 4]],
        texts: &'a str,
    },
    /// `width` bytes per row.
    Fixed { width: usize, bytes: &'a [u8] },
}

impl<'a> Rows<'a> {
    /// Finds the columns in the bytes of a file from a position on.
    fn of(file: (&'a [u8], u64), batch: &Batch) -> Result<Self, FileProblem> {
        let columns = batch.columns.iter().map(|column| {
            let values = Values::of(file, column, batch.rows);
            values.ok_or_else(|| damaged("one of its columns has invalid offsets, text or nulls"))
        });
        Ok(Self {
            rows: batch.rows as usize,
            columns: columns.collect::<Result<_, _>>()?,
        })
    }

    /// Returns the number of rows.
    pub(in crate::features) fn len(&self) -> usize {
        self.rows
    }

    /// Returns a row of a text column, or `None` if it is null or the column has another type.
    pub(in crate::features) fn text(&self, column: usize, row: usize) -> Option<&'a str> {
        match &self.valid(column, row)?.kind {
            Kind::Text { offsets, texts } => {
                texts.get(offset(*offsets.get(row)?)?..offset(*offsets.get(row + 1)?)?)
            }
            Kind::Fixed { .. } => None,
        }
    }

    /// Returns the bytes of a row of a column of N bytes per row, for example to convert with
    /// `map(u32::from_le_bytes)`. `None` if the row is null or the column has another type.
    pub(in crate::features) fn fixed<const N: usize>(
        &self,
        column: usize,
        row: usize,
    ) -> Option<[u8; N]> {
        match self.valid(column, row)?.kind {
            Kind::Fixed { width, bytes } if width == N => bytes.as_chunks().0.get(row).copied(),
            Kind::Fixed { .. } | Kind::Text { .. } => None,
        }
    }

    /// Returns all bytes of a column other than text, including those of null rows.
    #[cfg(test)]
    pub(in crate::features) fn bytes(&self, column: usize) -> &'a [u8] {
        match self.columns.get(column).map(|values| &values.kind) {
            Some(Kind::Fixed { bytes, .. }) => bytes,
            Some(Kind::Text { .. }) | None => &[],
        }
    }

    /// Returns the column, or `None` if it is null in this row.
    fn valid(&self, column: usize, row: usize) -> Option<&Values<'a>> {
        let column = self.columns.get(column)?;
        let is_valid = |bits: &[u8]| bits.get(row / 8).is_some_and(|b| b >> (row % 8) & 1 == 1);
        column.valid.is_none_or(is_valid).then_some(column)
    }
}

impl<'a> Values<'a> {
    /// Returns the values of a column, or `None` if they are inconsistent.
    fn of((file, start): (&'a [u8], u64), column: &Column, rows: u64) -> Option<Self> {
        let slice = |range: &Range<u64>| {
            let within = range.start.checked_sub(start)?..range.end.checked_sub(start)?;
            slice(file, &within)
        };
        let valid = match &column.nulls {
            None => None,
            Some((bits, count)) => {
                let bits = slice(bits)?;
                (nulls(bits, rows) == *count).then_some(Some(bits))?
            }
        };
        let values = slice(&column.values)?;
        let kind = match &column.offsets {
            Some(offsets) => text(slice(offsets)?.as_chunks().0, values)?,
            None => Kind::Fixed {
                width: usize::try_from(column.width).ok()?,
                bytes: values,
            },
        };
        Some(Self { valid, kind })
    }
}

fn nulls(bits: &[u8], rows: u64) -> u64 {
    let is_null = |row: &u64| bits[(row / 8) as usize] >> (row % 8) & 1 == 0;
    (0..rows).filter(is_null).count() as u64
}

fn offset(bytes: [u8; 4]) -> Option<usize> {
    usize::try_from(i32::from_le_bytes(bytes)).ok()
}

/// Checks text: its offsets must not decrease and must be at character boundaries.
fn text<'a>(offsets: &'a [[u8; 4]], values: &'a [u8]) -> Option<Kind<'a>> {
    let end = offsets.last().map_or(Some(0), |bytes| offset(*bytes))?;
    let texts = std::str::from_utf8(values.get(..end)?).ok()?;
    let mut from = 0;
    for bytes in offsets {
        let next = offset(*bytes)?;
        if next < from || !texts.is_char_boundary(next) {
            return None;
        }
        from = next;
    }
    Some(Kind::Text { offsets, texts })
}
