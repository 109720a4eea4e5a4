//! A file that is known before it comes: its name, size and SHA-256, and whether what came is that file.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use super::fault;
use crate::backbones::checksum::Checksum;
use crate::backbones::sniff::{self, Kind};
use crate::error::{Error, FileProblem, Result};

/// A file by its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// Its name, without folders.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hex.
    pub sha256: String,
}

impl KnownFile {
    /// Whether the file at `path` is this one.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn is_at(&self, path: &Path) -> Result<bool> {
        let length = path.metadata().map_err(Error::io("read", path))?.len();
        Ok(length == self.bytes && sum_of(path)? == self.sha256)
    }

    /// What is at `path` instead of this file, for people: `it has the SHA-256 …`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn instead(&self, path: &Path) -> Result<String> {
        let (kind, length) = look(path)?;
        Ok(match foreign(kind) {
            Some(words) => words.to_owned(),
            None if length != self.bytes => self.size_words(length),
            None => format!("its SHA-256 is {}, and not {}", sum_of(path)?, self.sha256),
        })
    }

    /// Refuses what can be told from size and first bytes.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Io`].
    pub(super) fn check_size_and_start(&self, path: &Path) -> Result<()> {
        let (kind, length) = look(path)?;
        let problem = match foreign(kind) {
            _ if length == self.bytes => return Ok(()),
            None if length < self.bytes => FileProblem::Cut(self.size_words(length)),
            Some(words) => another(words.to_owned()),
            None => another(self.size_words(length)),
        };
        Err(self.refused(path, problem))
    }

    /// Copies the file `from` into `out`, which stands for `to`.
    ///
    /// # Errors
    /// [`Error::File`] where it is not this file; [`Error::Io`].
    pub(super) fn copy(&self, from: &Path, to: &Path, out: &mut impl Write) -> Result<()> {
        let mut file = File::open(from).map_err(Error::io("read", from))?;
        let mut checksum = Checksum::default();
        let (mut block, mut missing) = (vec![0; 1 << 20], self.bytes);
        loop {
            let read = file.read(&mut block).map_err(Error::io("read", from))?;
            if read == 0 {
                break;
            }
            checksum.add(&block[..read]);
            out.write_all(&block[..read])
                .map_err(|e| fault::on_disk(to, missing, e))?;
            missing = missing.saturating_sub(read as u64);
        }
        if checksum.hex() == self.sha256 {
            return Ok(());
        }
        Err(self.refused(from, another(self.instead(from)?)))
    }

    /// What an answer of `length` bytes, if that is known, is instead of this file; `None` where it may be this file.
    pub(super) fn mismatch(&self, length: Option<u64>, start: &[u8]) -> Option<String> {
        if length == Some(self.bytes) {
            return None;
        }
        let size = || length.map(|length| self.size_words(length));
        match foreign(sniff::kind(start)) {
            Some(words) => Some(words.to_owned()),
            None => size(),
        }
    }

    fn size_words(&self, length: u64) -> String {
        format!("it has {length} bytes, and not {}", self.bytes)
    }

    fn refused(&self, path: &Path, problem: FileProblem) -> Error {
        Error::File {
            path: path.to_owned(),
            problem,
            hint: format!(
                "`{}` has {} bytes and the SHA-256 {}",
                self.name, self.bytes, self.sha256
            ),
        }
    }
}

fn another(found: String) -> FileProblem {
    FileProblem::Foreign {
        wanted: "the file that is wanted",
        found,
    }
}

/// What comes in place of weights and networks, in words.
fn foreign(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::LfsPointer => Some("it is a Git LFS pointer, and not the file that it stands for"),
        Kind::Other(words) => Some(words),
        Kind::Pickle | Kind::Zip | Kind::Safetensors | Kind::Onnx | Kind::Unknown => None,
    }
}

/// Kind and size.
fn look(path: &Path) -> Result<(Kind, u64)> {
    let look = || -> io::Result<_> {
        let file = File::open(path)?;
        let mut start = Vec::new();
        (&file).take(sniff::START).read_to_end(&mut start)?;
        Ok((sniff::kind(&start), file.metadata()?.len()))
    };
    look().map_err(Error::io("read", path))
}

fn sum_of(path: &Path) -> Result<String> {
    let mut checksum = Checksum::default();
    checksum.add_file(path)?;
    Ok(checksum.hex())
}
