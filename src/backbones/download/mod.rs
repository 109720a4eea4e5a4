//! Downloads a file of known size and SHA-256. Downloads can be resumed, try several URLs in turn, and are
//! checked before use.
//!
//! `NAME.part` next to the file contains what has arrived so far, and `NAME.lock` keeps a second process
//! away. Whatever the servers say, only the SHA-256 of the whole file decides, so a part may be continued
//! from another server than the one it was started from.

mod client;
mod fault;
mod known_file;
mod options;
mod part;
mod proxies;
mod redirect;
mod token;
mod transfer;

use std::fs;
use std::path::{Path, PathBuf};

pub(super) use self::client::{Client, told_wait};
pub(super) use self::fault::Fault;
use self::part::Part;
use self::transfer::Transfer;
use crate::error::{BackboneError, Error, Result};
use crate::lock::WriteLock;
use crate::outputs::{self, Owner};
use crate::progress::Progress;

pub use self::options::{DownloadOptions, LeastRate};
pub use self::proxies::Proxies;
pub use self::token::Token;
pub use crate::error::KnownFile;

/// A file to download, and the folder it belongs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The file.
    pub file: KnownFile,
    /// The folder, which is created if it is missing.
    pub folder: PathBuf,
}

/// Whether a file was there before it was requested.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// The correct file was there already.
    BeforeNow,
    /// The file was downloaded or copied just now.
    Now,
}

impl Download {
    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.file.name)
    }

    /// Downloads the file from the first of `urls` that has it. If the correct file is there already, the
    /// network is not used.
    ///
    /// Progress counts the remaining bytes, and starts again with each connection.
    ///
    /// # Errors
    /// [`BackboneError::Download`] with the failure of each URL; [`Error::Locked`] while another process
    /// downloads the file; [`Error::Io`], [`BackboneError::DiskFull`]. What has arrived is kept and continued
    /// next time.
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

    /// Copies the file from a path on this machine, with the same checks as for a download.
    ///
    /// # Errors
    /// [`Error::File`] with what `file` is instead; [`Error::Locked`], [`Error::Io`],
    /// [`BackboneError::DiskFull`] as in [`Self::fetch`].
    pub fn adopt(&self, file: &Path) -> Result<Fetched> {
        self.file.check_size_and_start(file)?;
        let _lock = self.lock()?;
        if self.is_there()? {
            return Ok(Fetched::BeforeNow);
        }
        outputs::write(&self.path(), |out| self.file.copy(file, &self.path(), out))?;
        // The part is no longer needed, and does no harm if it cannot be removed.
        let _ = fs::remove_file(self.part_path());
        Ok(Fetched::Now)
    }

    /// Returns whether the correct file is there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn is_complete(&self) -> Result<bool> {
        let path = self.path();
        Ok(path.exists() && self.file.is_at(&path)?)
    }

    fn lock(&self) -> Result<WriteLock> {
        fs::create_dir_all(&self.folder).map_err(Error::io("create", &self.folder))?;
        WriteLock::take(&self.beside("lock"), &self.path())
    }

    /// Returns whether the correct file is there. A wrong one becomes the part if it is longer, since it may
    /// be an incomplete download. A wrong file behind a link is left alone, and the link is replaced at the
    /// end.
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
