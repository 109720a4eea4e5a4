//! The footer of an Arrow file, which contains its schema, its checksum and the positions of its batches.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;

use arrow_ipc::{Block, Endianness, Footer, Precision, Type, root_as_footer};
use arrow_schema::{DataType, Field, Schema};

use super::source::{Failure, Source};
use crate::error::FileProblem;
use crate::features::names::VERSION;
use crate::phrases::counted;
use crate::seal;

/// The key of the checksum in the footer's metadata.
pub(super) const SEAL: &str = "seal";
/// The key in the schema's metadata of a file that has a checksum.
pub(super) const SEALED: &str = "sealed";
/// The key of the version in the schema's metadata.
pub(super) const VERSION_KEY: &str = "format_version";

/// Returns the metadata of a schema of the current format version.
pub(in crate::features) fn versioned() -> HashMap<String, String> {
    HashMap::from([(VERSION_KEY.to_owned(), VERSION.to_string())])
}

/// Whether a file's checksum was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::features) enum Seal {
    /// The checksum is correct.
    Right,
    /// The checksum exists, but only some ranges of the file were read.
    Unchecked,
    /// The file was written before checksums of entire files were introduced.
    Missing,
}

/// The bytes at the start and end of an Arrow file.
pub(super) const MAGIC: &[u8] = b"ARROW1";
/// The size of the footer's length and the magic bytes after it.
const TAIL: u64 = 10;
/// The size limit of a footer, in bytes. Most of a footer is the manifest.
const LARGEST: u64 = 8 << 20;
/// How many appended bytes are recognised as such.
const APPENDED: u64 = 64 << 10;

/// Returns the footer's bytes and their position.
pub(super) fn find(source: Source<'_>) -> Result<(Cow<'_, [u8]>, u64), Failure> {
    let length = source.length()?;
    let magic = MAGIC.len() as u64;
    let start = source.range(&(0..length.min(magic)))?;
    let tail = source.range(&(length.saturating_sub(TAIL)..length))?;
    if !MAGIC.starts_with(&start) {
        return Err(foreign("it does not start like an Arrow file").into());
    }
    let Some((size, MAGIC)) = tail.split_first_chunk() else {
        return Err(without_end(source, length)?.into());
    };
    let end = length - TAIL;
    let size = u64::from(u32::from_le_bytes(*size));
    match end.checked_sub(size) {
        Some(start) if start >= magic && size <= LARGEST => {
            Ok((source.range(&(start..end))?, start))
        }
        _ => Err(damaged("its footer has the wrong length").into()),
    }
}

/// Returns what is wrong with a file that does not end with a footer.
fn without_end(source: Source<'_>, length: u64) -> Result<FileProblem, Failure> {
    let start = length.saturating_sub(APPENDED).max(MAGIC.len() as u64);
    let tail = source.range(&(start.min(length)..length))?;
    let end = tail.windows(MAGIC.len()).rposition(|bytes| bytes == MAGIC);
    Ok(match end {
        Some(end) => {
            let extra = counted(tail.len() - end - MAGIC.len(), "byte");
            FileProblem::Damaged(format!("it has {extra} after its end"))
        }
        None => FileProblem::Cut(format!("it ends at byte {length}, without an Arrow footer")),
    })
}

pub(super) fn parse(bytes: &[u8]) -> Result<Footer<'_>, FileProblem> {
    root_as_footer(bytes).map_err(|_| damaged("its footer cannot be read"))
}

pub(super) fn damaged(problem: &str) -> FileProblem {
    FileProblem::Damaged(problem.to_owned())
}

fn foreign(found: &str) -> FileProblem {
    FileProblem::Foreign {
        wanted: "a file of a feature store",
        found: found.to_owned(),
    }
}

/// The metadata in the schema and in the footer of an Arrow file.
#[derive(Debug, Clone, Copy)]
pub(in crate::features) struct Metadata<'a>(Footer<'a>);

impl<'a> Metadata<'a> {
    pub(super) fn of(footer: Footer<'a>) -> Self {
        Self(footer)
    }

    /// Returns a value in the schema's metadata.
    pub(in crate::features) fn schema(&self, key: &str) -> Option<&'a str> {
        let list = self.0.schema()?.custom_metadata()?;
        let found = list.iter().find(|entry| entry.key() == Some(key))?;
        found.value()
    }

    /// Returns a value in the footer's metadata.
    pub(in crate::features) fn footer(&self, key: &str) -> Option<&'a str> {
        let list = self.0.custom_metadata()?;
        let found = list.iter().find(|entry| entry.key() == Some(key))?;
        found.value()
    }

    /// Returns the digits of the checksum.
    pub(in crate::features) fn checksum(&self) -> Option<&'a str> {
        self.footer(SEAL)
    }

    /// Returns the format version if it is supported.
    pub(in crate::features) fn version(&self) -> Result<u64, FileProblem> {
        let version = self.schema(VERSION_KEY).map(str::parse);
        match version {
            Some(Ok(found)) if found > VERSION => Err(FileProblem::Newer {
                found,
                known: VERSION,
            }),
            Some(Ok(version @ 1..)) => Ok(version),
            Some(_) => Err(damaged("its format version is not a positive integer")),
            None => Err(foreign("it is an Arrow file without `format_version`")),
        }
    }
}

/// Returns the position of the checksum's digits in the file, if it has a checksum. They are a string in the
/// footer, so they are within its bytes.
pub(super) fn place(footer: Footer<'_>, bytes: &[u8], start: u64) -> Option<Range<usize>> {
    let digits = Metadata(footer).footer(SEAL)?;
    let within = digits.as_ptr().addr() - bytes.as_ptr().addr();
    let start = usize::try_from(start).ok()? + within;
    Some(start..start + digits.len())
}

/// Returns the position of the checksum's digits in a file of this length, from the last bytes of the file.
pub(super) fn place_of_seal(end: &[u8], length: u64) -> Option<Range<usize>> {
    let (rest, tail) = end.split_last_chunk::<{ TAIL as usize }>()?;
    let size = u32::from_le_bytes(*tail.first_chunk()?);
    let footer = &rest[rest.len().checked_sub(size as usize)?..];
    let start = length.checked_sub(TAIL + u64::from(size))?;
    place(parse(footer).ok()?, footer, start)
}

/// Recomputes the checksum of a file after its content was changed. Returns false if it has none.
pub(in crate::features) fn reseal(file: &mut [u8]) -> bool {
    let place =
        place_of_seal(file, file.len() as u64).filter(|place| place.len() == seal::BLANK.len());
    place.is_some_and(|place| {
        file[place.clone()].copy_from_slice(seal::BLANK.as_bytes());
        seal::put(file, place);
        true
    })
}

/// Returns whether the columns match the expected ones in name, type and nullability.
pub(super) fn has_columns(footer: Footer<'_>, wanted: &Schema) -> bool {
    let Some(schema) = footer.schema() else {
        return false;
    };
    let Some(fields) = schema.fields() else {
        return false;
    };
    let wanted = wanted.fields();
    schema.endianness() == Endianness::Little
        && fields.len() == wanted.len()
        && fields
            .iter()
            .zip(wanted)
            .all(|(field, wanted)| is(field, wanted))
}

fn is(field: arrow_ipc::Field<'_>, wanted: &Field) -> bool {
    field.name() == Some(wanted.name())
        && field.nullable() == wanted.is_nullable()
        && field.dictionary().is_none()
        && is_type(field, wanted.data_type()).unwrap_or(false)
}

/// Returns whether a field has the expected type. `None` means that it does not.
fn is_type(field: arrow_ipc::Field<'_>, wanted: &DataType) -> Option<bool> {
    let int = |bits: i32, signed: bool| {
        let int = field.type_as_int()?;
        Some(int.bitWidth() == bits && int.is_signed() == signed)
    };
    let float = |precision| Some(field.type_as_floating_point()?.precision() == precision);
    match wanted {
        DataType::Utf8 => Some(field.type_type() == Type::Utf8),
        DataType::UInt32 => int(32, false),
        DataType::UInt64 => int(64, false),
        DataType::Int64 => int(64, true),
        DataType::Float32 => float(Precision::SINGLE),
        DataType::Float16 => float(Precision::HALF),
        DataType::FixedSizeBinary(width) => {
            Some(field.type_as_fixed_size_binary()?.byteWidth() == *width)
        }
        DataType::FixedSizeList(item, length) => {
            let children = field.children()?;
            let one = children.len() == 1 && is(children.get(0), item);
            Some(one && field.type_as_fixed_size_list()?.listSize() == *length)
        }
        _ => None,
    }
}

/// The positions of a batch's message and body.
type BatchPlace = (Range<u64>, Range<u64>);

/// Returns the positions of the batches. They must not overlap, so that no bytes are read twice.
pub(super) fn batches(footer: Footer<'_>, end: u64) -> Result<Vec<BatchPlace>, FileProblem> {
    if footer
        .dictionaries()
        .is_some_and(|blocks| !blocks.is_empty())
    {
        return Err(damaged("it contains dictionaries"));
    }
    let mut from = MAGIC.len() as u64;
    let mut next = |block: &Block| {
        let start = u64::try_from(block.offset())
            .ok()
            .filter(|start| *start >= from)?;
        let body = start.checked_add(u64::try_from(block.metaDataLength()).ok()?)?;
        from = body.checked_add(u64::try_from(block.bodyLength()).ok()?)?;
        (from <= end).then_some((start..body, body..from))
    };
    let blocks = footer.recordBatches().unwrap_or_default();
    let all: Option<_> = blocks.iter().map(&mut next).collect();
    all.ok_or_else(|| damaged("its batches overlap, are out of order or end outside it"))
}

/// Checks that the batches and dictionaries of any Arrow file are within it, as its footer says.
///
/// # Errors
/// [`Failure`] if they are not, or if the file cannot be read.
pub(in crate::features) fn check_blocks(file: &File) -> Result<(), Failure> {
    let (bytes, end) = find(Source::File(file))?;
    let footer = parse(&bytes)?;
    let is_within = |block: &Block| {
        let lengths = [block.metaDataLength().into(), block.bodyLength()];
        let after = |at: u64, length: i64| at.checked_add(u64::try_from(length).ok()?);
        let start = u64::try_from(block.offset()).ok();
        let last = lengths.into_iter().try_fold(start?, after);
        last.filter(|last| *last <= end)
    };
    let blocks = [footer.recordBatches(), footer.dictionaries()];
    let mut blocks = blocks.into_iter().flatten().flatten();
    if blocks.all(|block| is_within(block).is_some()) {
        return Ok(());
    }
    Err(damaged("a batch ends outside the file").into())
}
