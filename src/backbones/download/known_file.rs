//! Checks whether a file is the expected one, by its size and SHA-256.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use crate::backbones::checksum::{Checksum, each_block};
use crate::backbones::sniff::{self, Kind};
use crate::error::{Error, FileKind, FileProblem, KnownFile, Result};
use crate::inputs::{self, Links};

impl KnownFile {
    /// Returns whether the file at `path` is this one.
    ///
    /// # Errors
    /// [`Error::Io`], also if it is not a regular file.
    pub fn is_at(&self, path: &Path) -> Result<bool> {
        self.is_in(&mut open(path)?, path)
    }

    /// Returns whether the open file is this one; `path` is its name in errors.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn is_in(&self, file: &mut File, path: &Path) -> Result<bool> {
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        Ok(length == self.bytes && sum_of(file, path)? == self.sha256)
    }

    /// Describes what the open file is instead of this one: `its SHA-256 is …`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn instead(&self, file: &mut File, path: &Path) -> Result<String> {
        let (kind, length) = look(file).map_err(Error::io("read", path))?;
        if let Some(words) = self.otherwise(kind, Some(length)) {
            return Ok(words);
        }
        let sum = sum_of(file, path)?;
        Ok(format!("its SHA-256 is {sum} instead of {}", self.sha256))
    }

    /// Refuses a file that is recognisably wrong by its size or first bytes.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Io`], also if it is not a regular file.
    pub(super) fn check_size_and_start(&self, path: &Path) -> Result<()> {
        let (kind, length) = look(&mut open(path)?).map_err(Error::io("read", path))?;
        let cut = length < self.bytes && foreign(kind).is_none();
        match self.otherwise(kind, Some(length)) {
            Some(words) if cut => Err(self.refused(path, FileProblem::Cut(words))),
            Some(words) if length != self.bytes => Err(self.refused(path, another(words))),
            _ => Ok(()),
        }
    }

    /// Copies the file `from` to `out`, which will become `to`.
    ///
    /// # Errors
    /// [`Error::File`] if it is not this file; [`Error::Io`].
    pub(super) fn copy(&self, from: &Path, to: &Path, out: &mut impl Write) -> Result<()> {
        let mut file = open(from)?;
        let (mut checksum, mut missing) = (Checksum::default(), self.bytes);
        // A file that grows in the meantime is not copied without end.
        let start = (&file).take(self.bytes.saturating_add(1));
        each_block(start, from, |block| {
            checksum.add(block);
            let written = out.write_all(block);
            written.map_err(|e| Error::on_disk(to, missing, e))?;
            missing = missing.saturating_sub(block.len() as u64);
            Ok(())
        })?;
        if checksum.hex() == self.sha256 {
            return Ok(());
        }
        let instead = self.instead(&mut file, from)?;
        Err(self.refused(from, another(instead)))
    }

    /// Describes what a response is instead of this file; `None` if it may be this file. `length` is its
    /// size, if it is known.
    pub(super) fn mismatch(&self, length: Option<u64>, start: &[u8]) -> Option<String> {
        if length == Some(self.bytes) {
            return None;
        }
        self.otherwise(sniff::kind(start), length)
    }

    /// Describes what content of this kind and length is instead of this file, if that shows.
    fn otherwise(&self, kind: Kind, length: Option<u64>) -> Option<String> {
        let other = length.filter(|length| *length != self.bytes);
        let size = other.map(|length| format!("it has {length} bytes instead of {}", self.bytes));
        foreign(kind).map(ToOwned::to_owned).or(size)
    }

    fn refused(&self, path: &Path, problem: FileProblem) -> Error {
        Error::File {
            path: path.to_owned(),
            problem,
            kind: FileKind::Known(Box::new(self.clone())),
        }
    }
}

fn another(found: String) -> FileProblem {
    FileProblem::Foreign {
        wanted: "the expected file",
        found,
    }
}

/// Describes content that is neither weights nor a network.
fn foreign(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::LfsPointer => Some("it is a Git LFS pointer, not the file itself"),
        Kind::Other(words) => Some(words),
        _ => None,
    }
}

fn open(path: &Path) -> Result<File> {
    inputs::open(path, Links::Follow).map_err(Error::io("read", path))
}

/// Returns the kind and size of a file.
fn look(file: &mut File) -> io::Result<(Kind, u64)> {
    let mut start = Vec::new();
    file.rewind()?;
    file.take(sniff::START).read_to_end(&mut start)?;
    Ok((sniff::kind(&start), file.metadata()?.len()))
}

fn sum_of(file: &mut File, path: &Path) -> Result<String> {
    let mut checksum = Checksum::default();
    file.rewind().map_err(Error::io("read", path))?;
    each_block(file, path, |block| {
        checksum.add(block);
        Ok(())
    })?;
    Ok(checksum.hex())
}
