//! Messages assembled from new bytes and ranges of files, and written without being held in memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use half::f16;

use super::wire::Open;
use super::wire::Span;
use crate::error::Error;

/// A range of one of several files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Extent {
    /// The index of the file.
    pub(super) file: usize,
    pub(super) span: Span,
}

impl Extent {
    /// Creates a range of the first file.
    pub(super) fn of(span: &Span) -> Self {
        let span = span.clone();
        Self { file: 0, span }
    }

    pub(super) fn len(&self) -> u64 {
        self.span.end - self.span.start
    }
}

/// A message to be written.
#[derive(Debug, Default)]
pub(super) struct Message {
    chunks: Vec<Chunk>,
}

#[derive(Debug)]
enum Chunk {
    Bytes(Vec<u8>),
    Copy(Extent),
    /// Values of `float32`, each written as `float16`.
    Halved(Extent),
}

impl Chunk {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Copy(extent) => extent.len(),
            Self::Halved(extent) => extent.len() / 4 * 2,
        }
    }
}

/// Wire types of protocol buffers.
const VARINT: u64 = 0;
const LENGTH: u64 = 2;
const FIXED: u64 = 5;

/// Protocol buffer messages are shorter than 2 GiB.
const LONGEST: u64 = 1 << 31;

/// Longer runs of bytes are not extended, since that might move them in memory.
const LONGEST_RUN: usize = 1 << 16;

impl Message {
    /// Creates a message from ranges of the first file.
    pub(super) fn of<'a>(spans: impl IntoIterator<Item = &'a Span>) -> Self {
        let mut message = Self::default();
        for span in spans {
            message.copy(0, span);
        }
        message
    }

    /// Copies fields from a file.
    pub(super) fn copy(&mut self, file: usize, span: &Span) {
        let span = span.clone();
        self.extent(Extent { file, span });
    }

    /// Adds a range of a file.
    pub(super) fn extent(&mut self, extent: Extent) {
        self.chunks.push(Chunk::Copy(extent));
    }

    /// Adds a field with a number.
    pub(super) fn number(&mut self, field: u64, number: u64) {
        self.varint(field << 3 | VARINT);
        self.varint(number);
    }

    /// Adds a field with an integer.
    pub(super) fn int(&mut self, field: u64, int: i64) {
        self.number(field, int.cast_unsigned());
    }

    /// Adds a field with a float.
    pub(super) fn float(&mut self, field: u64, float: f32) {
        self.varint(field << 3 | FIXED);
        self.bytes(&float.to_le_bytes());
    }

    /// Adds a field for each integer.
    pub(super) fn ints(&mut self, field: u64, ints: &[i64]) {
        for int in ints {
            self.int(field, *int);
        }
    }

    /// Adds a field for each text.
    pub(super) fn texts<'a>(&mut self, field: u64, texts: impl IntoIterator<Item = &'a str>) {
        for text in texts {
            self.text(field, text);
        }
    }

    /// Adds a text field.
    pub(super) fn text(&mut self, field: u64, text: &str) {
        self.long(field, text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// Adds a packed field of integers, unless there are none.
    pub(super) fn packed(&mut self, field: u64, integers: &[i64]) {
        let mut inner = Self::default();
        for int in integers {
            inner.varint(int.cast_unsigned());
        }
        if !integers.is_empty() {
            self.message(field, inner);
        }
    }

    /// Adds a field with bytes.
    pub(super) fn blob(&mut self, field: u64, bytes: Vec<u8>) {
        self.long(field, bytes.len() as u64);
        self.chunks.push(Chunk::Bytes(bytes));
    }

    /// Adds a field with bytes of a file.
    pub(super) fn payload(&mut self, field: u64, extent: Extent) {
        self.long(field, extent.len());
        self.extent(extent);
    }

    /// Adds a field with the `float32` values in these ranges of a file, written as `float16`.
    pub(super) fn halved(&mut self, field: u64, extents: impl Iterator<Item = Extent>) {
        let chunks = extents.map(Chunk::Halved).collect();
        self.message(field, Self { chunks });
    }

    /// Adds a field with a message.
    pub(super) fn message(&mut self, field: u64, inner: Self) {
        self.long(field, inner.len());
        self.append(inner);
    }

    /// Adds the fields of another message.
    pub(super) fn append(&mut self, other: Self) {
        for chunk in other.chunks {
            match chunk {
                Chunk::Bytes(bytes) if bytes.len() < LONGEST_RUN => self.bytes(&bytes),
                chunk => self.chunks.push(chunk),
            }
        }
    }

    /// Returns its length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.chunks.iter().map(Chunk::len).sum()
    }

    /// Returns the message as a file that copies nothing from other files.
    pub(super) fn whole(self) -> Spliced {
        Spliced {
            message: self,
            sources: Vec::new(),
            open: |_| Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Returns the message as a file that copies ranges of these files.
    pub(super) fn spliced(self, sources: Vec<PathBuf>, open: Open) -> Spliced {
        Spliced {
            message: self,
            sources,
            open,
        }
    }

    fn long(&mut self, field: u64, len: u64) {
        self.varint(field << 3 | LENGTH);
        self.varint(len);
    }

    fn varint(&mut self, mut number: u64) {
        let mut bytes = Vec::with_capacity(10);
        while number >= 0x80 {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
        self.bytes(&bytes);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        match self.chunks.last_mut() {
            Some(Chunk::Bytes(last)) if last.len() < LONGEST_RUN => last.extend_from_slice(bytes),
            _ => self.chunks.push(Chunk::Bytes(bytes.to_vec())),
        }
    }
}

/// Which side of writing a [`Spliced`] file failed. The enum is exhaustive, so that callers handle both.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Reading a file from which ranges are copied.
    #[error(transparent)]
    Read(Error),
    /// Writing the new file.
    #[error(transparent)]
    Write(io::Error),
}

/// A file assembled from new bytes and ranges of other files.
#[derive(Debug)]
pub struct Spliced {
    message: Message,
    sources: Vec<PathBuf>,
    open: Open,
}

impl Spliced {
    /// Writes the file; copied ranges pass through 64 KiB of memory.
    ///
    /// # Errors
    /// [`WriteError`], which says which side failed.
    pub fn write_to(&self, out: &mut (impl Write + ?Sized)) -> Result<(), WriteError> {
        let mut sources = Sources::new(self);
        for chunk in &self.message.chunks {
            match chunk {
                Chunk::Bytes(bytes) => out.write_all(bytes).map_err(WriteError::Write)?,
                Chunk::Copy(extent) => sources.read(extent, |piece| out.write_all(piece))?,
                Chunk::Halved(extent) => {
                    sources.read(extent, |piece| out.write_all(&halved(piece)))?;
                }
            }
        }
        Ok(())
    }

    /// Returns the length of the file in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a model is never empty")]
    pub fn len(&self) -> u64 {
        self.message.len()
    }

    /// Returns the bytes of the file, to keep them in memory.
    ///
    /// # Errors
    /// [`Error::Io`], also if the file is longer than protocol buffer messages may be.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let length = self.message.len();
        if length > LONGEST {
            let text = format!("it has {length} bytes, more than the limit of {LONGEST}");
            let error = io::Error::new(io::ErrorKind::FileTooLarge, text);
            let path = self.sources.first().map_or(Path::new(""), PathBuf::as_path);
            return Err(Error::io(path)(error));
        }
        let mut bytes = Vec::with_capacity(length as usize);
        match self.write_to(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(WriteError::Read(error)) => Err(error),
            Err(WriteError::Write(error)) => unreachable!("writes to memory cannot fail: {error}"),
        }
    }
}

fn halved(floats: &[u8]) -> Vec<u8> {
    let floats = floats.as_chunks::<4>().0.iter();
    floats
        .flat_map(|&float| f16::from_f32(f32::from_le_bytes(float)).to_le_bytes())
        .collect()
}

/// The files to copy from, each opened once.
struct Sources<'a> {
    files: Vec<(&'a Path, Option<File>)>,
    open: Open,
    buffer: Vec<u8>,
}

/// The number of bytes read at a time, a multiple of the size of every type.
const PIECE: usize = 1 << 16;

impl<'a> Sources<'a> {
    fn new(spliced: &'a Spliced) -> Self {
        let paths = spliced.sources.iter();
        Self {
            files: paths.map(|path| (path.as_path(), None)).collect(),
            open: spliced.open,
            buffer: vec![0; PIECE],
        }
    }

    /// Reads a range piece by piece.
    fn read(
        &mut self,
        extent: &Extent,
        mut write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        let (path, file) = &mut self.files[extent.file];
        let failed = |error| WriteError::Read(Error::io(&*path)(error));
        let file = match file {
            Some(file) => file,
            none => none.insert((self.open)(path).map_err(failed)?),
        };
        file.seek(SeekFrom::Start(extent.span.start))
            .map_err(failed)?;
        let mut left = extent.len();
        while left > 0 {
            let piece = &mut self.buffer[..PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
            file.read_exact(piece).map_err(failed)?;
            write(piece).map_err(WriteError::Write)?;
            left -= piece.len() as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::sample::open;

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
        let len = outer.len();
        outer.spliced(vec![path], open).write_to(&mut out).unwrap();
        // 300 is 0xac 0x02; the inner message has 2 + 2 and 2 + 3 bytes.
        let expected = b"\x08\xac\x02\x3a\x09\x0a\x02ab\x4a\x03456\x00"
            .split_last()
            .unwrap()
            .1;
        assert_eq!(out, [expected, b"89"].concat());
        assert_eq!(len, out.len() as u64);
    }
}
