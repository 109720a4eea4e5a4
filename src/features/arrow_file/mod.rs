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

/// Writes the bytes of a [`sealed`] file.
///
/// # Errors
/// [`Error::Io`] naming `path`.
pub(super) fn write(path: &Path, bytes: Result<Vec<u8>, ArrowError>) -> Result<()> {
    let bytes = bytes.map_err(|e| Error::io("write", path)(system_error(e)))?;
    outputs::write_bytes(path, &bytes)
}

/// Serialises record batches as a file with a checksum. The batches must have the columns of the schema,
/// whose metadata becomes that of the file; they can be created lazily, one after the other.
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
    let place = footer::place_of_seal(&bytes).expect("the placeholder was written above");
    seal::put(&mut bytes, place);
    Ok(bytes)
}

#[cfg(test)]
mod tests;
