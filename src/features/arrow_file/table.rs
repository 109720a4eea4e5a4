//! The rows of an Arrow file that is in memory.

use std::path::Path;

use arrow_schema::Schema;

use super::contents::{Batch, Column, Contents};
use super::footer::{Metadata, damaged};
use super::source::{Failure, Source, slice};
use crate::error::FileProblem;
use crate::inputs::{self, Links};

/// A file's bytes, checked, and where its columns lie in them.
#[derive(Debug)]
pub(in crate::features) struct Table {
    bytes: Vec<u8>,
    contents: Contents,
}

impl Table {
    /// Reads a file of at most `limit` bytes, and checks its checksum if it has one; see [`Contents::find`].
    ///
    /// # Errors
    /// [`Failure::System`] also for what is not a regular file, and where there is none.
    pub(in crate::features) fn read(
        path: &Path,
        limit: u64,
        schema: impl FnOnce(Metadata<'_>) -> Result<Schema, FileProblem>,
    ) -> Result<Self, Failure> {
        Self::of(inputs::read(path, Links::Follow, limit)?, schema)
    }

    /// The same of bytes.
    pub(in crate::features) fn of(
        bytes: Vec<u8>,
        schema: impl FnOnce(Metadata<'_>) -> Result<Schema, FileProblem>,
    ) -> Result<Self, Failure> {
        let contents = Contents::find(Source::Bytes(&bytes), schema)?;
        Ok(Self { bytes, contents })
    }

    /// Whether the checksum is right, or missing.
    #[cfg(test)]
    pub(in crate::features) fn seal(&self) -> super::footer::Seal {
        self.contents.seal
    }

    /// The rows, batch by batch.
    ///
    /// # Errors
    /// [`FileProblem::Damaged`] where texts or nulls are not what they should be.
    pub(in crate::features) fn batches(&self) -> Result<Vec<Rows<'_>>, FileProblem> {
        let batches = self.contents.batches.iter();
        batches.map(|batch| Rows::of(&self.bytes, batch)).collect()
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
    /// A bit for each row, 0 where it is null; nothing where no row is.
    valid: Option<&'a [u8]>,
    kind: Kind<'a>,
}

#[derive(Debug)]
enum Kind<'a> {
    /// The texts one behind the other, and where they begin and end.
    Text {
        offsets: &'a [[u8; 4]],
        texts: &'a str,
    },
    /// So many bytes each.
    Fixed { width: usize, bytes: &'a [u8] },
}

impl<'a> Rows<'a> {
    fn of(file: &'a [u8], batch: &Batch) -> Result<Self, FileProblem> {
        let columns = batch.columns.iter().map(|column| {
            let values = Values::of(file, column, batch.rows);
            values.ok_or_else(|| damaged("a column of it has wrong offsets, texts or nulls"))
        });
        Ok(Self {
            rows: batch.rows as usize,
            columns: columns.collect::<Result<_, _>>()?,
        })
    }

    /// How many there are.
    pub(in crate::features) fn len(&self) -> usize {
        self.rows
    }

    /// A row of a column of text; nothing where it is null, or the column is another.
    pub(in crate::features) fn text(&self, column: usize, row: usize) -> Option<&'a str> {
        match &self.valid(column, row)?.kind {
            Kind::Text { offsets, texts } => {
                texts.get(offset(*offsets.get(row)?)?..offset(*offsets.get(row + 1)?)?)
            }
            Kind::Fixed { .. } => None,
        }
    }

    /// A row of a column of N bytes each, such as `map(u32::from_le_bytes)` makes a number; nothing where it
    /// is null, or the column is another.
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

    /// All bytes of a column that is not of text, those of null rows as well.
    #[cfg(test)]
    pub(in crate::features) fn bytes(&self, column: usize) -> &'a [u8] {
        match self.columns.get(column).map(|values| &values.kind) {
            Some(Kind::Fixed { bytes, .. }) => bytes,
            Some(Kind::Text { .. }) | None => &[],
        }
    }

    /// The column, where it is not null in that row.
    fn valid(&self, column: usize, row: usize) -> Option<&Values<'a>> {
        let column = self.columns.get(column)?;
        let is_valid = |bits: &[u8]| bits.get(row / 8).is_some_and(|b| b >> (row % 8) & 1 == 1);
        column.valid.is_none_or(is_valid).then_some(column)
    }
}

impl<'a> Values<'a> {
    /// Nothing where they contradict each other.
    fn of(file: &'a [u8], column: &Column, rows: u64) -> Option<Self> {
        let valid = match &column.nulls {
            None => None,
            Some((bits, count)) => {
                let bits = slice(file, bits)?;
                (nulls(bits, rows) == *count).then_some(Some(bits))?
            }
        };
        let values = slice(file, &column.values)?;
        let kind = match &column.offsets {
            Some(offsets) => text(slice(file, offsets)?.as_chunks().0, values)?,
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

/// Offsets must not go back, and must lie between characters.
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
