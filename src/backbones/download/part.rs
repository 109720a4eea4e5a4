//! `NAME.part`: the beginning of a file whose download is incomplete.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, KnownFile, Result};
use crate::outputs::{self, Owner};

/// An open part. It stays on disk whatever happens, so that the next run can continue it.
pub(super) struct Part {
    file: File,
    path: PathBuf,
    position: u64,
    length: u64,
    whole: u64,
}

impl Part {
    /// Opens the part at `path` of a file of `whole` bytes, or creates it. A part that is too long is
    /// emptied. A link is not followed, and a part that belongs to another user is refused, since that user
    /// could change it after the check.
    pub(super) fn open(path: &Path, whole: u64) -> Result<Self> {
        let file = outputs::open_growing(path, Owner::Us).map_err(Error::io("write", path))?;
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        let mut part = Self {
            file,
            path: path.to_owned(),
            position: 0,
            length,
            whole,
        };
        if length > whole {
            part.clear()?;
        }
        Ok(part)
    }

    /// Returns how many bytes of the file are there.
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    pub(super) fn is_whole(&self) -> bool {
        self.length == self.whole
    }

    /// Returns how many bytes of the file follow the position of the next block.
    pub(super) fn missing(&self) -> u64 {
        self.whole - self.position
    }

    /// Sets the position of the next block. What follows it is kept until it is overwritten, so that nothing
    /// is lost to a server that can only start from the beginning.
    pub(super) fn go_to(&mut self, position: u64) -> Result<()> {
        let seek = self.file.seek(SeekFrom::Start(position));
        self.position = seek.map_err(Error::io("write", &self.path))?;
        Ok(())
    }

    pub(super) fn write(&mut self, block: &[u8]) -> Result<()> {
        let missing = self.missing();
        let written = self.file.write_all(block);
        written.map_err(|e| Error::on_disk(&self.path, missing, e))?;
        self.position += block.len() as u64;
        self.length = self.length.max(self.position);
        Ok(())
    }

    /// Discards the content.
    pub(super) fn clear(&mut self) -> Result<()> {
        let emptied = self.file.set_len(0);
        emptied.map_err(Error::io("write", &self.path))?;
        self.length = 0;
        self.go_to(0)
    }

    /// Returns what the part is instead of `file`; `None` if it is that file.
    pub(super) fn fault(&mut self, file: &KnownFile) -> Result<Option<String>> {
        if file.is_in(&mut self.file, &self.path)? {
            return Ok(None);
        }
        file.instead(&mut self.file, &self.path).map(Some)
    }

    /// Renames the checked part to `path`.
    pub(super) fn become_file(self, path: &Path) -> Result<()> {
        let synced = self.file.sync_all();
        synced.map_err(Error::io("write", &self.path))?;
        drop(self.file);
        outputs::take_place(&self.path, path)
    }

    /// Closes the part and leaves it for the next run; an empty one is removed.
    pub(super) fn close(self) {
        drop(self.file);
        if self.length == 0 {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
