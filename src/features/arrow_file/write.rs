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
        let mut metadata = schema.metadata().clone();
        metadata.insert(SEALED.to_owned(), "blake3".to_owned());
        let schema = schema.clone().with_metadata(metadata);
        let hashing = Hashing {
            out,
            hasher: blake3::Hasher::new(),
            written: 0,
            end: None,
        };
        let mut writer = FileWriter::try_new(hashing, &schema)?;
        writer.write_metadata(SEAL, seal::BLANK);
        Ok(Self(writer))
    }

    /// Adds a batch, which must have the columns of the schema.
    pub(in crate::features) fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        self.0.write(batch)
    }

    /// Completes the file, except for the digits of its checksum.
    pub(in crate::features) fn finish(mut self) -> Result<(W, Digits), ArrowError> {
        self.0.get_mut().end = Some(Vec::new());
        self.0.finish()?;
        let Hashing {
            out,
            hasher,
            written,
            end,
        } = self.0.into_inner()?;
        let place = footer::place_of_seal(&end.unwrap_or_default(), written);
        let place = place.expect("the placeholder was written at the beginning");
        let digits = Digits {
            at: place.start as u64,
            text: hasher.finalize().to_hex().to_string(),
        };
        Ok((out, digits))
    }
}

/// Passes bytes on, and hashes them.
struct Hashing<W> {
    out: W,
    hasher: blake3::Hasher,
    written: u64,
    /// The last bytes, from the end of the last batch on.
    end: Option<Vec<u8>>,
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
