//! The Arrow files of a store: a schema, record batches, and a checksum of the entire file in its footer.
//!
//! # Format
//! An Arrow IPC file: little-endian, uncompressed and without dictionaries. The footer lists the record
//! batches in file order, and the buffers of each batch are in the order of its columns. The schema's
//! metadata contains `format_version`. The footer's metadata contains `seal`, the BLAKE3 hash of the entire
//! file as 64 hex digits, which are zeros while it is computed (see [`crate::seal`]). The schema's metadata
//! also contains `sealed`, so that a file that has lost its checksum is not mistaken for one of version 1,
//! which has none.
//!
//! The reader is frostline's own, on top of the verified flatbuffers of `arrow-ipc`. The `FileReader` of
//! `arrow-ipc` panics on damaged files and trusts the lengths in them; here, every range is checked against
//! the file's length before memory is allocated.

mod contents;
mod footer;
mod one_batch;
mod source;
mod table;
mod write;

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema};

pub(super) use contents::{Batch, Contents};
pub(super) use footer::{Metadata, Seal, check_blocks, reseal, versioned};
pub(super) use one_batch::BatchWriter;
pub(super) use source::{Failure, Source, open};
pub(super) use table::{Rows, Table, TableRows};
pub(super) use write::{Digits, SealedWriter};

use crate::error::{Error, Result, system_error};
use crate::outputs;

/// Writes the bytes of a [`sealed`] file.
///
/// # Errors
/// [`Error::Io`] naming `path`.
pub(super) fn write(path: &Path, bytes: Result<Vec<u8>, ArrowError>) -> Result<()> {
    let bytes = bytes.map_err(|e| Error::io("write", path)(system_error(e)))?;
    outputs::write_bytes(path, &bytes)
}

/// Returns the checksum of a file of at most `limit` bytes, after verifying it. `None` if it has none.
///
/// # Errors
/// As [`Table::open`].
pub(super) fn checksum(path: &Path, limit: u64) -> Result<Option<String>, Failure> {
    let file = open(path, limit)?;
    contents::checksum(Source::Checked(&file))
}

/// Serialises record batches as a file with a checksum. The batches must have the columns of the schema,
/// whose metadata becomes that of the file; they can be created lazily, one after the other.
pub(super) fn sealed(
    schema: &Schema,
    batches: impl IntoIterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<Vec<u8>, ArrowError> {
    let mut writer = SealedWriter::new(Vec::new(), schema)?;
    for batch in batches {
        writer.write(&batch?)?;
    }
    let (mut bytes, digits) = writer.finish()?;
    bytes[digits.at as usize..][..digits.text.len()].copy_from_slice(digits.text.as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests;
