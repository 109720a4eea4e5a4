//! Fetching a file that is known by its size and SHA-256: resumed, from one place after the other, checked
//! before use.
//!
//! `NAME.part` beside the file's place holds what has come so far, `NAME.lock` keeps a second process away.
//! Whatever the servers say, only the whole file's SHA-256 decides; so a part may be continued from another
//! place than it began at.

mod client;
mod fault;
mod known_file;
mod options;
mod part;
mod proxies;
mod redirect;
mod transfer;

use std::fs;
use std::path::{Path, PathBuf};

use self::client::Client;
use self::fault::Fault;
use self::part::Part;
use self::transfer::Transfer;
use crate::error::{BackboneError, Error, Result};
use crate::lock::WriteLock;
use crate::outputs::{self, Owner};
use crate::progress::Progress;

pub use self::options::{DownloadOptions, LeastRate};
pub use self::proxies::Proxies;
pub use crate::error::KnownFile;

/// A file, and the folder that it belongs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The file.
    pub file: KnownFile,
    /// Where it is put; made where it is missing.
    pub folder: PathBuf,
}

/// Whether a file was there already.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// It was there already, and right.
    BeforeNow,
    /// It came just now.
    Now,
}

impl Download {
    /// The file's place.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.file.name)
    }

    /// Fetches the file from the first of `urls` that has it; uses no network where it is there already, and
    /// right.
    ///
    /// Progress counts the bytes that are still to come, and begins anew with each connection.
    ///
    /// # Errors
    /// [`BackboneError::Download`] with what was wrong at each place; [`Error::Locked`] while another process
    /// fetches it; [`Error::Io`], [`BackboneError::DiskFull`]. What has come is kept and continued the next
    /// time.
    pub fn fetch(
        &self,
        urls: &[String],
        options: &DownloadOptions,
        progress: &dyn Progress,
    ) -> Result<Fetched> {
        let _lock = self.lock()?;
        if self.is_there()? {
            return Ok(Fetched::BeforeNow);
        }
        let mut part = Part::open(&self.part_path(), self.file.bytes)?;
        let mut failures = Vec::new();
        for url in urls {
            let mut transfer = Transfer {
                client: Client::new(url, options),
                file: &self.file,
                part: &mut part,
                progress,
            };
            match transfer.run() {
                Ok(()) => {
                    part.become_file(&self.path())?;
                    return Ok(Fetched::Now);
                }
                Err(Fault::Local(error)) => return Err(error),
                Err(Fault::Broken(why) | Fault::Refused(why)) => {
                    failures.push(format!("{url}: {why}"));
                }
            }
        }
        let kept = part.len();
        part.close();
        Err(self.failed(failures, kept))
    }

    /// Takes the file from another place on this machine: checked in the same way, and copied.
    ///
    /// # Errors
    /// [`Error::File`] saying what it is instead; [`Error::Locked`], [`Error::Io`],
    /// [`BackboneError::DiskFull`] as in [`Self::fetch`].
    pub fn adopt(&self, file: &Path) -> Result<Fetched> {
        self.file.check_size_and_start(file)?;
        let _lock = self.lock()?;
        if self.is_there()? {
            return Ok(Fetched::BeforeNow);
        }
        outputs::write(&self.path(), |out| self.file.copy(file, &self.path(), out))?;
        // Of no use any more, and of no harm where it cannot be removed.
        let _ = fs::remove_file(self.part_path());
        Ok(Fetched::Now)
    }

    fn lock(&self) -> Result<WriteLock> {
        fs::create_dir_all(&self.folder).map_err(Error::io("create", &self.folder))?;
        WriteLock::take(&self.beside("lock"), &self.path())
    }

    /// Whether the right file is at its place; a wrong one becomes the part, since it may be a longer
    /// beginning. Where a link leads to a wrong one, that is somebody's, and the link is replaced in the end.
    fn is_there(&self) -> Result<bool> {
        let (path, part) = (self.path(), self.part_path());
        if !path.exists() {
            return Ok(false);
        }
        if self.file.is_at(&path)? {
            return Ok(true);
        }
        if outputs::open_growing(&path, Owner::Us).is_err() {
            return Ok(false);
        }
        let length = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        if length(&path) > length(&part) {
            fs::rename(&path, &part).map_err(Error::io("rename", &path))?;
        } else {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
        Ok(false)
    }

    fn part_path(&self) -> PathBuf {
        self.beside("part")
    }

    fn beside(&self, extension: &str) -> PathBuf {
        self.path().with_added_extension(extension)
    }

    fn failed(&self, failures: Vec<String>, kept: u64) -> Error {
        let failed = BackboneError::Download {
            file: Box::new(self.file.clone()),
            failures,
            path: self.path(),
            kept,
        };
        failed.into()
    }
}
