//! The source of an Arrow file's bytes, and the errors of reading it.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::Path;

use crate::error::{Error, FileKind, FileProblem};
use crate::inputs::{self, Links};

/// Opens a file of at most `limit` bytes.
///
/// # Errors
/// As [`inputs::open`] and [`inputs::length`].
pub(in crate::features) fn open(path: &Path, limit: u64) -> io::Result<File> {
    let file = inputs::open(path, Links::Follow)?;
    inputs::length(&file, limit)?;
    Ok(file)
}

/// A file's bytes.
#[derive(Debug, Clone, Copy)]
pub(in crate::features) enum Source<'a> {
    /// All bytes, in memory.
    Bytes(&'a [u8]),
    /// An open file, of which only the requested ranges are read.
    File(&'a File),
    /// An open file that is read once to verify its checksum, and then as ranges.
    Checked(&'a File),
}

impl<'a> Source<'a> {
    pub(super) fn length(self) -> io::Result<u64> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
            Self::File(file) | Self::Checked(file) => Ok(file.metadata()?.len()),
        }
    }

    /// Returns a range of bytes. The caller must have checked it against the file's length.
    pub(in crate::features) fn range(self, range: &Range<u64>) -> io::Result<Cow<'a, [u8]>> {
        match self {
            Self::Bytes(bytes) => {
                let ends_early = || io::Error::from(ErrorKind::UnexpectedEof);
                slice(bytes, range)
                    .map(Cow::Borrowed)
                    .ok_or_else(ends_early)
            }
            Self::File(file) | Self::Checked(file) => {
                let length = usize::try_from(range.end.saturating_sub(range.start));
                let mut bytes = vec![0; length.map_err(|_| ErrorKind::OutOfMemory)?];
                inputs::read_at(file, &mut bytes, range.start)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

/// Returns a range of bytes, or `None` if it is out of bounds.
pub(super) fn slice<'a>(bytes: &'a [u8], range: &Range<u64>) -> Option<&'a [u8]> {
    let start = usize::try_from(range.start).ok()?;
    bytes.get(start..usize::try_from(range.end).ok()?)
}

/// Why a file cannot be read.
#[derive(Debug)]
pub(in crate::features) enum Failure {
    /// The file is not what it should be.
    File(FileProblem),
    /// The system cannot read it.
    System(io::Error),
}

impl Failure {
    /// Converts the failure to an error that names the file.
    pub(in crate::features) fn of(self, path: &Path, kind: FileKind) -> Error {
        match self {
            Self::File(problem) => Error::File {
                path: path.to_owned(),
                problem,
                kind,
            },
            Self::System(error) => Error::io("read", path)(error),
        }
    }
}

impl From<FileProblem> for Failure {
    fn from(problem: FileProblem) -> Self {
        Self::File(problem)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => {
                Self::File(FileProblem::Cut("it ends within its columns".to_owned()))
            }
            ErrorKind::FileTooLarge => Self::File(FileProblem::Damaged(error.to_string())),
            _ => Self::System(error),
        }
    }
}
