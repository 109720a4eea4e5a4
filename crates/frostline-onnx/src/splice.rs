//! Messages put together from new bytes and from ranges of files, and written without holding them in memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use rten_onnx::protobuf::varint::{MAX_VARINT_LEN, encode_varint};
use rten_onnx::protobuf::{EncodeMessage, ValueWriter};

use super::files::Open;
use super::wire::Span;
use crate::error::Error;

/// A range of one of some files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Extent {
    /// Which file.
    pub(super) file: usize,
    pub(super) span: Span,
}

impl Extent {
    pub(super) fn len(&self) -> u64 {
        self.span.end - self.span.start
    }
}

/// A message that is to be written.
#[derive(Debug, Default)]
pub(super) struct Message {
    chunks: Vec<Chunk>,
}

#[derive(Debug)]
enum Chunk {
    Bytes(Vec<u8>),
    Copy(Extent),
}

/// Wire types of protocol buffers.
const VARINT: u64 = 0;
const LENGTH: u64 = 2;

impl Message {
    /// Fields as they stand in a file.
    pub(super) fn copy(&mut self, file: usize, span: &Span) {
        let span = span.clone();
        self.extent(Extent { file, span });
    }

    /// A range of a file.
    pub(super) fn extent(&mut self, extent: Extent) {
        self.chunks.push(Chunk::Copy(extent));
    }

    /// A field of one number.
    pub(super) fn number(&mut self, field: u64, number: u64) {
        self.varint(field << 3 | VARINT);
        self.varint(number);
    }

    /// A field of text.
    pub(super) fn text(&mut self, field: u64, text: &str) {
        self.varint(field << 3 | LENGTH);
        self.varint(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// A field of the bytes that stand in a file.
    pub(super) fn payload(&mut self, field: u64, extent: Extent) {
        self.varint(field << 3 | LENGTH);
        self.varint(extent.len());
        self.extent(extent);
    }

    /// A message inside of this one.
    pub(super) fn message(&mut self, field: u64, inner: Self) {
        self.varint(field << 3 | LENGTH);
        self.varint(inner.len());
        self.chunks.extend(inner.chunks);
    }

    /// A message of our own inside of this one.
    pub(super) fn encoded(&mut self, field: u64, inner: &impl EncodeMessage) {
        let mut bytes = Vec::new();
        inner
            .encode(ValueWriter::new(&mut bytes))
            .expect("writing to memory does not fail");
        self.varint(field << 3 | LENGTH);
        self.varint(bytes.len() as u64);
        self.bytes(&bytes);
    }

    /// How many bytes it will be.
    pub(super) fn len(&self) -> u64 {
        let len = |chunk: &Chunk| match chunk {
            Chunk::Bytes(bytes) => bytes.len() as u64,
            Chunk::Copy(extent) => extent.len(),
        };
        self.chunks.iter().map(len).sum()
    }

    /// Writes it.
    pub(super) fn write(
        &self,
        sources: &mut Sources,
        out: &mut (impl Write + ?Sized),
    ) -> Result<(), WriteError> {
        for chunk in &self.chunks {
            match chunk {
                Chunk::Bytes(bytes) => out.write_all(bytes).map_err(WriteError::Write)?,
                Chunk::Copy(extent) => sources.copy(extent, out)?,
            }
        }
        Ok(())
    }

    fn varint(&mut self, number: u64) {
        self.bytes(encode_varint(number, &mut [0; MAX_VARINT_LEN]));
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        match self.chunks.last_mut() {
            Some(Chunk::Bytes(last)) => last.extend_from_slice(bytes),
            _ => self.chunks.push(Chunk::Bytes(bytes.to_vec())),
        }
    }
}

/// Which side of writing a [`Spliced`] file failed.
#[derive(Debug)]
pub enum WriteError {
    /// Reading a file that ranges are copied from.
    Read(Error),
    /// Writing.
    Write(io::Error),
}

/// A file that is written out of new bytes and ranges of other files.
#[derive(Debug)]
pub struct Spliced {
    pub(super) message: Message,
    pub(super) sources: Vec<PathBuf>,
    pub(super) open: Open,
}

impl Spliced {
    /// Writes it; what is copied passes through 64 KiB of memory.
    ///
    /// # Errors
    /// [`WriteError`], which says which side failed.
    pub fn write_to(&self, out: &mut (impl Write + ?Sized)) -> Result<(), WriteError> {
        self.message
            .write(&mut Sources::new(&self.sources, self.open), out)
    }

    /// Its bytes, for a file that is not written anywhere.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(self.message.len() as usize);
        match self.write_to(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(WriteError::Read(error)) => Err(error),
            Err(WriteError::Write(error)) => unreachable!("memory takes what is written: {error}"),
        }
    }
}

/// The files that are copied from, each opened once.
#[derive(Debug)]
pub(super) struct Sources {
    files: Vec<(PathBuf, Option<File>)>,
    open: Open,
}

impl Sources {
    pub(super) fn new(paths: &[PathBuf], open: Open) -> Self {
        let files = paths.iter().map(|path| (path.clone(), None)).collect();
        Self { files, open }
    }

    pub(super) fn copy(
        &mut self,
        extent: &Extent,
        out: &mut (impl Write + ?Sized),
    ) -> Result<(), WriteError> {
        let (path, file) = &mut self.files[extent.file];
        let failed = |path: &PathBuf| {
            let path = path.clone();
            move |error| WriteError::Read(Error::io(path)(error))
        };
        let file = match file {
            Some(file) => file,
            none => none.insert((self.open)(path).map_err(failed(path))?),
        };
        file.seek(SeekFrom::Start(extent.span.start))
            .map_err(failed(path))?;
        let (mut left, mut buffer) = (extent.len(), vec![0; 1 << 16]);
        while left > 0 {
            let piece = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            file.read_exact(&mut buffer[..piece])
                .map_err(failed(path))?;
            out.write_all(&buffer[..piece]).map_err(WriteError::Write)?;
            left -= piece as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::open;
    use super::*;

    #[test]
    fn new_bytes_and_ranges_of_a_file_make_one_message() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"0123456789").unwrap();
        let mut inner = Message::default();
        inner.text(1, "ab");
        inner.payload(
            9,
            Extent {
                file: 0,
                span: 4..7,
            },
        );
        let mut outer = Message::default();
        outer.number(1, 300);
        outer.message(7, inner);
        outer.copy(0, &(8..10));
        let mut out = Vec::new();
        let mut sources = Sources::new(&[path], open);
        outer.write(&mut sources, &mut out).unwrap();
        // 300 is 0xac 0x02; the inner message has 2 + 2 and 2 + 3 bytes.
        let expected = b"\x08\xac\x02\x3a\x09\x0a\x02ab\x4a\x03456\x00"
            .split_last()
            .unwrap()
            .1;
        assert_eq!(out, [expected, b"89"].concat());
        assert_eq!(outer.len(), out.len() as u64);
    }
}
