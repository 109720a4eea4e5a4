//! Walks over a file of protocol buffer messages, reading only what is asked for.
//!
//! A network is cut by copying ranges of its file, so that unknown fields are preserved, and weights of any
//! size are never in memory as a whole. That needs the position of every field, which decoders do not report.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::Path;

/// Opens a file for reading. A network names other files, and is read again when it is written or loaded, so
/// the caller decides how files are opened.
pub type Open = fn(&Path) -> io::Result<File>;

/// A range of bytes in a file.
pub(super) type Span = Range<u64>;

/// Why a file cannot be walked over.
#[derive(Debug)]
pub(super) enum Fault {
    /// The operating system's error.
    Io(io::Error),
    /// The file ends in the middle of a field.
    Cut,
    /// What is wrong with the content.
    Damaged(&'static str),
    /// It contains a compiled engine.
    CompiledEngine,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// One field of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// Its number in the `.proto` file.
    pub(super) number: u64,
    /// Its value.
    pub(super) value: Value,
    /// Its position, including number and length.
    pub(super) whole: Span,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A varint.
    Number(u64),
    /// A number of four or eight bytes: its size.
    Fixed(u64),
    /// Text, bytes, a message, or packed numbers: their position.
    Span(Span),
}

/// The longest name or text that is read, in bytes.
const LONGEST_TEXT: u64 = 1 << 20;

/// A file and a position in it.
#[derive(Debug)]
pub(super) struct Wire {
    file: BufReader<File>,
    position: u64,
    length: u64,
}

impl Wire {
    pub(super) fn open(path: &Path, open: Open) -> Result<Self, Fault> {
        Ok(Self::of(open(path)?)?)
    }

    /// Wraps a file that is open.
    pub(super) fn of(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self {
            file: BufReader::new(file),
            position: 0,
            length,
        })
    }

    /// Returns the range of the whole file.
    pub(super) fn all(&self) -> Span {
        0..self.length
    }

    /// Returns the next field of a message; `rest` is the part not read yet, and is advanced past the field.
    pub(super) fn field(&mut self, rest: &mut Span) -> Result<Option<Field>, Fault> {
        if rest.is_empty() {
            return Ok(None);
        }
        let start = rest.start;
        self.seek(start)?;
        let tag = self.varint(rest.end)?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint(rest.end)?),
            1 => Value::Fixed(8),
            2 => {
                let length = self.varint(rest.end)?;
                Value::Span(self.position..self.position.saturating_add(length))
            }
            5 => Value::Fixed(4),
            _ => return Err(Fault::Damaged("a field has an unknown type")),
        };
        rest.start = match &value {
            Value::Span(span) => span.end,
            Value::Fixed(length) => self.position.saturating_add(*length),
            Value::Number(_) => self.position,
        };
        if rest.start > self.length {
            return Err(Fault::Cut);
        } else if rest.start > rest.end {
            return Err(Fault::Damaged(
                "a field is longer than the message that contains it",
            ));
        } else if tag >> 3 == 0 {
            return Err(Fault::Damaged("a field has no number"));
        }
        Ok(Some(Field {
            number: tag >> 3,
            value,
            whole: start..rest.start,
        }))
    }

    /// Reads the bytes of a short range.
    pub(super) fn bytes(&mut self, span: &Span) -> Result<Vec<u8>, Fault> {
        let length = span.end.saturating_sub(span.start);
        if length > LONGEST_TEXT || span.end > self.length {
            return Err(Fault::Damaged("a name is longer than 1 MiB"));
        }
        self.seek(span.start)?;
        let mut bytes = vec![0; length as usize];
        self.file.read_exact(&mut bytes)?;
        self.position = span.end;
        Ok(bytes)
    }

    /// Reads the text in a short range.
    pub(super) fn text(&mut self, span: &Span) -> Result<String, Fault> {
        let bytes = self.bytes(span)?;
        String::from_utf8(bytes).map_err(|_| Fault::Damaged("a name is not UTF-8"))
    }

    /// Reads the varints of a packed field.
    pub(super) fn packed(&mut self, span: &Span) -> Result<Vec<u64>, Fault> {
        let mut numbers = Vec::new();
        self.seek(span.start)?;
        while self.position < span.end {
            numbers.push(self.varint(span.end)?);
        }
        Ok(numbers)
    }

    fn seek(&mut self, to: u64) -> Result<(), Fault> {
        let by = i64::try_from(i128::from(to) - i128::from(self.position));
        let by = by.map_err(|_| Fault::Damaged("a field is outside the file"))?;
        self.file.seek_relative(by)?;
        self.position = to;
        Ok(())
    }

    fn varint(&mut self, end: u64) -> Result<u64, Fault> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            if self.position >= self.length {
                return Err(Fault::Cut);
            } else if self.position >= end {
                return Err(Fault::Damaged("a message ends in the middle of a field"));
            }
            let mut byte = [0];
            self.file.read_exact(&mut byte)?;
            self.position += 1;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Fault::Damaged("a number is longer than ten bytes"))
    }
}
