//! The bundle: a head, its backbone and the backbone's manifest in one file.
//!
//! # Format
//!
//! A safetensors file (`frostline-bundle`, format version 1): the length of the JSON header as 8 bytes,
//! little-endian; the header, padded with spaces to a multiple of 8 bytes; the entries one after another,
//! uncompressed; and nothing after them. Each entry is a tensor of type U8 and shape (bytes):
//!
//! | entry | content |
//! |---|---|
//! | `head` | a head file (see [`HeadFile`](crate::HeadFile)), at most 2 GiB |
//! | `network` | the ONNX file of the head's backbone |
//! | `data/NAME` | the network's external data file `NAME`, if it has any; up to 1,000 of them |
//!
//! The entries are in this order, those of data in the order of
//! [`BackboneFile::sha256`](super::BackboneFile::sha256). `NAME` is a plain file name without folders. The
//! header's `__metadata__` holds strings:
//!
//! | key | value |
//! |---|---|
//! | `format` | `frostline-bundle` |
//! | `format_version` | `1`; a reader refuses newer versions than it knows |
//! | `checksum` | the BLAKE3 of all bytes before the entries as 64 hex digits, which count as zeros |
//! | `sha256` | JSON: the SHA-256 of each entry by its name, in lower-case hex |
//! | `manifest` | the backbone's manifest as TOML, with its licence and source |
//! | `created_by` | `frostline` and its version |
//!
//! The header starts with `{"__metadata__":{"format":"frostline-bundle",`, without spaces, by which a bundle
//! is recognised. It has at most 1 MiB. Lengths and offsets are checked against the length of the file before
//! memory is allocated. The header is verified whenever a bundle is opened; an entry is verified when it is
//! read, before it is used. The checksums detect damage; they are not signatures. Equal inputs are written as
//! equal bytes.
//!
//! In Python, `safetensors.safe_open(path, "np").get_tensor("network").tobytes()` is the network.
//!
//! # Opening
//!
//! A backbone that is installed with the same SHA-256 is used in its place. Otherwise the network is copied
//! to a private temporary folder, verified on the way, and removed when it is no longer used. ONNX Runtime
//! opens networks and their external data by path, and so does the reader of frostline's operators, so a
//! network must be a separate file. It costs the size of the network on the disk while a command runs, 1 MiB
//! of memory, and about as long as reading the network once more. Nothing is installed.

mod header;
mod write;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use self::header::{Entry, HEAD, NETWORK_FILE};
pub(crate) use self::write::write;
use super::checksum::{Checksum, each_block};
use super::home::Home;
use super::manifest::BackboneManifest;
use crate::error::{Error, FileKind, FileProblem, Result};
use crate::inputs::{self, Links};
use crate::outputs::{self, TemporaryFolder};

/// The largest head in bytes, the same limit as for a head file.
const LARGEST_HEAD: u64 = 2 << 30;

/// A bundle whose header has been verified.
#[derive(Debug)]
pub(crate) struct Bundle {
    path: PathBuf,
    file: File,
    /// The head, the network and its data files.
    entries: Vec<Entry>,
    manifest: String,
}

/// A network that was copied out of a bundle. It is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Unpacked {
    /// The path of the network.
    pub(crate) path: PathBuf,
    /// The SHA-256 of its files.
    pub(crate) sha256: String,
    /// The folder that holds it.
    pub(crate) folder: TemporaryFolder,
}

impl Bundle {
    /// Opens a bundle and verifies its header; `None` if the file does not start like a bundle.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::File`] if the bundle is truncated, damaged or of a newer version.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>> {
        let file = inputs::open(path, Links::Follow).map_err(Error::io("read", path))?;
        let Some(header) = header::read(&file).map_err(Error::io("read", path))? else {
            return Ok(None);
        };
        let header = header.map_err(|problem| at(path, problem))?;
        Ok(Some(Self {
            path: path.to_owned(),
            file,
            entries: header.entries,
            manifest: header.manifest,
        }))
    }

    /// Returns whether a file that starts with these bytes is a bundle.
    pub(crate) fn is_start(start: &[u8]) -> bool {
        header::is_start(start)
    }

    /// Returns the bytes of the head file.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::File`] if it does not match its checksum.
    pub(crate) fn head(&self) -> Result<Vec<u8>> {
        let entry = self.entry(HEAD);
        if entry.length > LARGEST_HEAD {
            let problem = format!(
                "its head has {} bytes, more than the limit of {LARGEST_HEAD}",
                entry.length
            );
            return Err(at(&self.path, FileProblem::Damaged(problem)));
        }
        let mut head = Vec::with_capacity(entry.length as usize);
        self.each_block(entry, |block| {
            head.extend_from_slice(block);
            Ok(())
        })?;
        Ok(head)
    }

    /// Returns the manifest of the network.
    ///
    /// # Errors
    /// [`Error::File`] if it is not one.
    pub(crate) fn manifest(&self) -> Result<BackboneManifest> {
        let parsed = self.manifest.parse::<BackboneManifest>();
        parsed.map_err(|error| {
            let problem = format!("its manifest cannot be used ({})", error.message());
            at(&self.path, FileProblem::Damaged(problem))
        })
    }

    /// Copies the network to a private temporary folder: in the cache of the home, or that of the system if
    /// the cache cannot be written or other users can write to it.
    ///
    /// # Errors
    /// [`Error::Io`], or [`BackboneError::DiskFull`](crate::error::BackboneError::DiskFull);
    /// [`Error::File`] if an entry does not match its checksum.
    pub(crate) fn unpack(&self, home: &Home) -> Result<Unpacked> {
        let folder = temporary_folder(home)?;
        let (mut sums, mut network) = (Vec::new(), None);
        for entry in self.entries.iter().filter(|entry| entry.name != HEAD) {
            let path = folder.path().join(entry.file_name());
            let made = folder.create(entry.file_name());
            let mut out = made.map_err(Error::io("create", &path))?;
            sums.push(self.each_block(entry, |block| {
                std::io::Write::write_all(&mut out, block)
                    .map_err(|error| Error::on_disk(&path, entry.length, error))
            })?);
            network.get_or_insert(path);
        }
        Ok(Unpacked {
            path: network.expect("the network is an entry"),
            sha256: Checksum::joined(sums),
            folder,
        })
    }

    fn entry(&self, name: &str) -> &Entry {
        let found = self.entries.iter().find(|entry| entry.name == name);
        found.expect("the header was checked")
    }

    /// Passes on an entry block by block, verifies it, and returns its sum.
    fn each_block(
        &self,
        entry: &Entry,
        mut each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<Checksum> {
        let mut file = &self.file;
        let start = file.seek(SeekFrom::Start(entry.start));
        start.map_err(Error::io("read", &self.path))?;
        let mut sum = Checksum::default();
        each_block(file.take(entry.length), &self.path, |block| {
            sum.add(block);
            each(block)
        })?;
        if sum.clone().hex() == entry.sha256 {
            return Ok(sum);
        }
        let problem = format!("its `{}` does not match its checksum", entry.name);
        Err(at(&self.path, FileProblem::Damaged(problem)))
    }
}

/// Creates the folder for an unpacked network.
pub(crate) fn temporary_folder(home: &Home) -> Result<TemporaryFolder> {
    let cache = home.cache();
    let made = home
        .require_private(&cache)
        .and_then(|()| home.make(&cache));
    if made.is_ok()
        && let Ok(folder) = outputs::temporary_folder(&cache)
    {
        return Ok(folder);
    }
    let system = std::env::temp_dir();
    outputs::temporary_folder(&system).map_err(Error::io("create a folder in", &system))
}

impl Entry {
    /// Returns the name of the entry's file in the folder that the bundle is unpacked to.
    fn file_name(&self) -> &str {
        match self.name.strip_prefix(header::DATA) {
            Some(name) => name,
            None => NETWORK_FILE,
        }
    }
}

fn at(path: &Path, problem: FileProblem) -> Error {
    Error::File {
        path: path.to_owned(),
        problem,
        kind: FileKind::Bundle,
    }
}

/// Corrects the checksum of the header, for fuzzing.
pub(super) fn reseal(bytes: &mut [u8]) {
    header::reseal(bytes);
}

#[cfg(test)]
mod tests;
