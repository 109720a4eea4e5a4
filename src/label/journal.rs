//! The journal of a session: every deed, on disk before it is acknowledged.
//!
//! # Format
//! A text file beside the label file, `labels.csv.journal`. Each line has a checksum, a space, and an entry
//! as JSON. The checksum is the first 16 hex digits of the BLAKE3 hash of the checksum of the line before and
//! the JSON, so that a changed, missing or moved line is noticed. The first entry names the format and its
//! version. A last line that is cut off or damaged was being written when the process ended; it is dropped.
//! The file is locked while a process uses it.

mod entry;
mod lines;

use std::fs::{File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub(super) use self::entry::Entry;
pub(super) use self::lines::reseal;
use self::lines::{Lines, VERSION, checksum};
use crate::error::{Error, FileKind, Result};
use crate::inputs;
use crate::outputs::{self, Owner};

/// The largest journal, in bytes.
const LIMIT: u64 = 4 << 30;

/// An open journal, locked for this process.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    length: u64,
    /// The checksum of the last line.
    last: String,
}

/// What a journal contained when it was opened.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Its entries, without the first line.
    pub(super) entries: Vec<Entry>,
    /// The bytes of a line that was being written when the process ended, now removed.
    pub(super) torn: usize,
}

impl Journal {
    /// Opens or creates the journal at `path`, and locks it on behalf of `labels`.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process uses it, with its port if the journal names it;
    /// [`Error::File`] if it is no journal, newer, or damaged; [`Error::Io`].
    pub(super) fn open(path: &Path, labels: &Path) -> Result<(Self, Found)> {
        let io = |action| Error::io(action, path);
        let file = outputs::open_growing(path, Owner::Anyone).map_err(io("write"))?;
        let locked = match file.try_lock() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(error)) => return Err(io("lock")(error)),
        };
        let copy = file.try_clone().map_err(io("read"))?;
        let bytes = inputs::read_all(copy, LIMIT);
        if locked {
            let owner = bytes.ok().and_then(|bytes| owner(&bytes));
            return Err(Error::Locked {
                path: labels.to_owned(),
                owner: owner.unwrap_or_else(|| "another process".to_owned()),
            });
        }
        let bytes = bytes.map_err(io("read"))?;
        let read = Lines::of(&bytes).map_err(|problem| Error::File {
            path: path.to_owned(),
            kind: FileKind::LabelJournal,
            problem,
        })?;
        let mut journal = Self {
            file,
            path: path.to_owned(),
            length: read.length as u64,
            last: read.last,
        };
        let torn = bytes.len() - read.length;
        if torn > 0 {
            journal.cut().map_err(io("write"))?;
        }
        if journal.length == 0 {
            let version = VERSION;
            journal.append(&Entry::Journal { version })?;
        }
        let entries = read.entries;
        Ok((journal, Found { entries, torn }))
    }

    /// Adds an entry and waits until it is on disk. If that fails, the journal is as it was before.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn append(&mut self, entry: &Entry) -> Result<()> {
        self.add(entry, true)
    }

    /// Adds an entry that may be lost if the system stops.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn note(&mut self, entry: &Entry) -> Result<()> {
        self.add(entry, false)
    }

    fn add(&mut self, entry: &Entry, sync: bool) -> Result<()> {
        let json = serde_json::to_string(entry).expect("text and numbers have a JSON form");
        let sum = checksum(&self.last, json.as_bytes());
        let line = format!("{sum} {json}\n");
        let written = self.write(line.as_bytes(), sync);
        if let Err(error) = written {
            // What was written of the line is cut off now, or before the next one.
            let _ = self.cut();
            return Err(Error::io("write", &self.path)(error));
        }
        self.length += line.len() as u64;
        self.last = sum;
        Ok(())
    }

    fn write(&mut self, line: &[u8], sync: bool) -> io::Result<()> {
        let there = self.file.metadata()?;
        if !outputs::is_at(&there, &self.path) {
            let why = "it was moved or removed; end this session and start it again";
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        }
        if there.len() != self.length {
            self.cut()?;
        }
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(line)?;
        if sync { self.file.sync_data() } else { Ok(()) }
    }

    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)
    }
}

/// Names the process that uses a journal.
fn owner(bytes: &[u8]) -> Option<String> {
    let lines = Lines::of(bytes).ok()?;
    lines.entries.iter().rev().find_map(|entry| match entry {
        Entry::Opened {
            process,
            address: Some(address),
        } => {
            // Without its token, the address opens nothing.
            let port = address.rsplit(':').next()?;
            Some(format!("process {process}, on port {port}"))
        }
        Entry::Opened { process, .. } => Some(format!("process {process}")),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
