//! The Arrow files of a store: one schema, record batches, and a checksum of the whole file in its footer.
//!
//! # Format
//! An Arrow IPC file: little-endian, not compressed, without dictionaries, its batches in the order of the
//! file and the buffers of each in the order of its columns. The schema's metadata carries `format_version`.
//! The footer's metadata carries `seal`: the BLAKE3 of the whole file as 64 hex digits, which count as zeros
//! themselves ([`crate::seal`]). The schema's metadata says `sealed`, so that a file whose footer has lost
//! the digits is not taken for one of version 1, which has none.
//!
//! It is read by own code over the verified flatbuffers of `arrow-ipc`, whose `FileReader` panics on damaged
//! files and believes the lengths in them: here every range is checked against the file's length before
//! memory is allocated.

mod contents;
mod footer;
mod source;
mod table;

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, Schema};

pub(super) use contents::{Batch, Contents};
pub(super) use footer::{Metadata, Seal, reseal, versioned};
use footer::{SEAL, SEALED};
pub(super) use source::{Failure, Source, open};
pub(super) use table::{Rows, Table};

use crate::error::{Error, Result, system_error};
use crate::{outputs, seal};

/// Writes a file of these bytes, which are those of a [`sealed`] one.
///
/// # Errors
/// [`Error::Io`] naming `path`.
pub(super) fn write(path: &Path, bytes: Result<Vec<u8>, ArrowError>) -> Result<()> {
    let bytes = bytes.map_err(|e| Error::io("write", path)(system_error(e)))?;
    outputs::write_bytes(path, &bytes)
}

/// The bytes of a sealed file of some batches, which may be made one after the other. They have the columns
/// of the schema; its metadata is that of the file.
pub(super) fn sealed(
    schema: &Schema,
    batches: impl IntoIterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<Vec<u8>, ArrowError> {
    let mut metadata = schema.metadata().clone();
    metadata.insert(SEALED.to_owned(), "blake3".to_owned());
    let schema = schema.clone().with_metadata(metadata);
    let mut writer = FileWriter::try_new(Vec::new(), &schema)?;
    writer.write_metadata(SEAL, seal::BLANK);
    for batch in batches {
        writer.write(&batch?)?;
    }
    writer.finish()?;
    let mut bytes = writer.into_inner()?;
    let place = footer::place_of_seal(&bytes).expect("a place for the checksum was written");
    seal::put(&mut bytes, place);
    Ok(bytes)
}

#[cfg(test)]
mod tests;
