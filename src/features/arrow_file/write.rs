//! Writes Arrow files with a checksum, batch by batch.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, Schema};

use super::footer::{self, SEAL, SEALED};
use crate::seal;

/// A file that is being written to `W`. Its checksum is computed meanwhile.
pub(in crate::features) struct SealedWriter<W: Write>(FileWriter<Hashing<W>>);

/// The checksum of a file, and the position of its digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::features) struct Digits {
    pub(in crate::features) at: u64,
    pub(in crate::features) text: String,
}

impl<W: Write> SealedWriter<W> {
    /// Begins a file with the columns and the metadata of a schema.
    pub(in crate::features) fn new(out: W, schema: &Schema) -> Result<Self, ArrowError> {
        let mut writer = FileWriter::try_new(Hashing::new(out), &to_be_sealed(schema))?;
        writer.write_metadata(SEAL, seal::BLANK);
        Ok(Self(writer))
    }

    /// Adds a batch, which must have the columns of the schema.
    pub(in crate::features) fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        self.0.write(batch)
    }

    /// Completes the file, except for the digits of its checksum.
    pub(in crate::features) fn finish(mut self) -> Result<(W, Digits), ArrowError> {
        self.0.get_mut().begin_end();
        self.0.finish()?;
        Ok(self.0.into_inner()?.finish())
    }
}

/// Returns a schema with the metadata of a file that has a checksum.
pub(super) fn to_be_sealed(schema: &Schema) -> Schema {
    let mut metadata = schema.metadata().clone();
    metadata.insert(SEALED.to_owned(), "blake3".to_owned());
    schema.clone().with_metadata(metadata)
}

/// Passes bytes on, and hashes them.
pub(super) struct Hashing<W> {
    out: W,
    hasher: blake3::Hasher,
    pub(super) written: u64,
    /// The last bytes, from the end of the last batch on.
    end: Option<Vec<u8>>,
}

impl<W> Hashing<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            hasher: blake3::Hasher::new(),
            written: 0,
            end: None,
        }
    }

    /// Says that the last batch was written.
    pub(super) fn begin_end(&mut self) {
        self.end = Some(Vec::new());
    }

    /// Returns the checksum of a file with a footer, which has the placeholder of its digits.
    pub(super) fn finish(self) -> (W, Digits) {
        let place = footer::place_of_seal(&self.end.unwrap_or_default(), self.written);
        let place = place.expect("the placeholder is in the footer");
        let digits = Digits {
            at: place.start as u64,
            text: self.hasher.finalize().to_hex().to_string(),
        };
        (self.out, digits)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        self.written += n as u64;
        if let Some(end) = &mut self.end {
            end.extend_from_slice(&bytes[..n]);
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
