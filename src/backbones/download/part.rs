//! `NAME.part`: the beginning of a file that is not whole yet.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::fault;
use crate::error::{Error, KnownFile, Result};
use crate::outputs::{self, Owner};

/// The open part; it stays on disk whatever happens, so that the next run goes on with it.
pub(super) struct Part {
    file: File,
    path: PathBuf,
    position: u64,
    length: u64,
    whole: u64,
}

impl Part {
    /// Opens the part at `path` of a file of `whole` bytes, or begins it; one that is too long is emptied. A
    /// link is not followed, and a part of another user, who could change it after the check, is refused.
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

    /// How many bytes of the file are there.
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    pub(super) fn is_whole(&self) -> bool {
        self.length == self.whole
    }

    /// How many bytes of the file follow the place where the next block is written.
    pub(super) fn missing(&self) -> u64 {
        self.whole - self.position
    }

    /// Goes to where the next block is written. What lies behind it stays, and is written over: a server that
    /// can only begin anew must not cost what is there already.
    pub(super) fn go_to(&mut self, position: u64) -> Result<()> {
        let seek = self.file.seek(SeekFrom::Start(position));
        self.position = seek.map_err(Error::io("write", &self.path))?;
        Ok(())
    }

    pub(super) fn write(&mut self, block: &[u8]) -> Result<()> {
        let missing = self.missing();
        let written = self.file.write_all(block);
        written.map_err(|e| fault::on_disk(&self.path, missing, e))?;
        self.position += block.len() as u64;
        self.length = self.length.max(self.position);
        Ok(())
    }

    /// Throws away what is there.
    pub(super) fn clear(&mut self) -> Result<()> {
        let emptied = self.file.set_len(0);
        emptied.map_err(Error::io("write", &self.path))?;
        self.length = 0;
        self.go_to(0)
    }

    /// `None` where it is the file, and else what it is instead.
    pub(super) fn fault(&mut self, file: &KnownFile) -> Result<Option<String>> {
        if file.is_in(&mut self.file, &self.path)? {
            return Ok(None);
        }
        file.instead(&mut self.file, &self.path).map(Some)
    }

    /// Gives the checked file its name.
    pub(super) fn become_file(self, path: &Path) -> Result<()> {
        let synced = self.file.sync_all();
        synced.map_err(Error::io("write", &self.path))?;
        drop(self.file);
        outputs::take_place(&self.path, path)
    }

    /// Leaves it for the next run; an empty one is of no use.
    pub(super) fn close(self) {
        drop(self.file);
        if self.length == 0 {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
