//! The journal of a session: every deed, on disk before it is acknowledged.
//!
//! # Format
//! A text file beside the label file, `labels.csv.journal`. Each line has a checksum, a space, and an entry
//! as JSON. The checksum is the first 16 hex digits of the BLAKE3 hash of the checksum of the line before and
//! the JSON, so that a changed, missing or moved line is noticed. The first entry names the format and its
//! version. A last line that is cut off or damaged was being written when the process ended; it is dropped.
//! The file is locked while a process uses it.

use std::fs::{File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::deed::Deed;
use crate::error::{Error, FileKind, FileProblem, Result};
use crate::inputs;
use crate::outputs::{self, Owner};

/// The version of the format.
const VERSION: u64 = 1;
/// The number of digits of a checksum.
const DIGITS: usize = 16;
/// The largest journal, in bytes.
const LIMIT: u64 = 4 << 30;

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Entry {
    /// The first line.
    Journal { version: u64 },
    /// What was there before the first deed: classes, and images with their labels.
    Begin {
        classes: Vec<String>,
        labels: Vec<(String, String)>,
    },
    /// A process began to use the file.
    Opened {
        process: u32,
        address: Option<String>,
    },
    /// The label file contains the result of all deeds so far.
    Written,
    /// A head or report was written beside the label file.
    Output { file: String, digest: String },
    /// Something was done.
    Deed(Deed<String>),
}

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
    /// [`Error::Locked`] if another process uses it, with its address if the journal names it;
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
        if self.file.metadata()?.len() != self.length {
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

/// The intact lines of a journal.
#[derive(Debug, Default)]
struct Lines {
    entries: Vec<Entry>,
    /// The bytes of these lines.
    length: usize,
    last: String,
}

impl Lines {
    fn of(bytes: &[u8]) -> Result<Self, FileProblem> {
        let mut lines = Self::default();
        let mut rest = bytes;
        let mut number = 0;
        while !rest.is_empty() {
            number += 1;
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (line, after) = match end {
                Some(end) => (&rest[..end], &rest[end + 1..]),
                None => (rest, &rest[rest.len()..]),
            };
            let entry = (end.is_some()).then(|| lines.entry(line)).flatten();
            match entry {
                Some((sum, json)) => lines.take(number, sum, json)?,
                // It was being written when the process ended.
                None if after.is_empty() && is_own(bytes) => break,
                None if number == 1 => return Err(foreign()),
                None => {
                    let problem = format!("line {number} does not match its checksum");
                    return Err(FileProblem::Damaged(problem));
                }
            }
            rest = after;
            lines.length = bytes.len() - rest.len();
        }
        Ok(lines)
    }

    /// Returns the checksum and the JSON of a line, if they match.
    fn entry<'l>(&self, line: &'l [u8]) -> Option<(String, &'l [u8])> {
        let (sum, json) = line.split_at_checked(DIGITS)?;
        let json = json.strip_prefix(b" ")?;
        let right = checksum(&self.last, json);
        (sum == right.as_bytes()).then_some((right, json))
    }

    fn take(&mut self, number: usize, sum: String, json: &[u8]) -> Result<(), FileProblem> {
        self.last = sum;
        if number == 1 {
            let version = |entry: serde_json::Value| entry["journal"]["version"].as_u64();
            let found = serde_json::from_slice(json).ok().and_then(version);
            return match found {
                Some(VERSION) => Ok(()),
                Some(found) => Err(FileProblem::Newer {
                    found,
                    known: VERSION,
                }),
                None => Err(foreign()),
            };
        }
        let entry = serde_json::from_slice(json)
            .map_err(|error| FileProblem::Damaged(format!("line {number}: {error}")))?;
        self.entries.push(entry);
        Ok(())
    }
}

fn foreign() -> FileProblem {
    FileProblem::Foreign {
        wanted: "a journal of labels",
        found: "its first line has no checksum".to_owned(),
    }
}

/// Returns whether the start of a file may be that of a journal: a file of another kind is not cut off.
fn is_own(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(DIGITS)];
    let blank = bytes.iter().all(|byte| *byte == 0);
    blank || start.iter().all(u8::is_ascii_hexdigit)
}

fn checksum(last: &str, json: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(last.as_bytes());
    hasher.update(json);
    hasher.finalize().to_hex()[..DIGITS].to_owned()
}

/// Names the process that uses a journal.
fn owner(bytes: &[u8]) -> Option<String> {
    let lines = Lines::of(bytes).ok()?;
    lines.entries.iter().rev().find_map(|entry| match entry {
        Entry::Opened {
            process,
            address: Some(address),
        } => Some(format!("process {process}, {address}")),
        Entry::Opened { process, .. } => Some(format!("process {process}")),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn deed(name: &str) -> Entry {
        let images = vec!["a b.jpg".to_owned()];
        let class = name.to_owned();
        Entry::Deed(Deed::Label { images, class })
    }

    /// Writes a journal with three deeds, and returns its path.
    fn written(folder: &Path) -> PathBuf {
        let path = folder.join("labels.csv.journal");
        let (mut journal, found) = Journal::open(&path, Path::new("labels.csv")).unwrap();
        assert!(found.entries.is_empty() && found.torn == 0);
        for name in ["cat", "\u{fffd}\"\n", "dog"] {
            journal.append(&deed(name)).unwrap();
        }
        path
    }

    fn read(path: &Path) -> Result<Found> {
        Ok(Journal::open(path, Path::new("labels.csv"))?.1)
    }

    #[test]
    fn a_line_that_was_being_written_is_dropped_wherever_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let whole = fs::read(&path).unwrap();
        let all = read(&path).unwrap().entries;
        assert_eq!(all, ["cat", "\u{fffd}\"\n", "dog"].map(deed));
        let start = whole[..whole.len() - 1]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .unwrap()
            + 1;
        for end in start..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            let found = read(&path).unwrap();
            assert_eq!(found.entries, all[..2], "{end}");
            assert_eq!(found.torn, end - start);
            assert_eq!(fs::read(&path).unwrap(), whole[..start]);
        }
        // Blocks may arrive on disk without what was written to them.
        let blank = [&whole[..start], &[0; 99]].concat();
        fs::write(&path, blank).unwrap();
        assert_eq!(read(&path).unwrap().entries, all[..2]);
    }

    #[test]
    fn a_changed_missing_or_moved_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let changed = text.replacen("cat", "cow", 1);
        let missing = [lines[0], lines[2], lines[3], ""].join("\n");
        let moved = [lines[0], lines[2], lines[1], lines[3], ""].join("\n");
        for damaged in [changed, missing, moved] {
            fs::write(&path, &damaged).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(
                error.ends_with("is damaged: line 2 does not match its checksum"),
                "{error}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
    }

    #[test]
    fn other_files_and_newer_journals_stay_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.csv.journal");
        let json = r#"{"journal":{"version":2}}"#;
        let newer = format!("{} {json}\n", checksum("", json.as_bytes()));
        let cases = [
            ("path,label\n", "is not a journal of labels"),
            ("precious", "is not a journal of labels"),
            (
                &newer,
                "is in format version 2, but this frostline reads only versions up to 1",
            ),
        ];
        for (content, said) in cases {
            fs::write(&path, content).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_second_process_is_told_who_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.csv.journal");
        let (mut journal, _) = Journal::open(&path, Path::new("labels.csv")).unwrap();
        let address = Some("http://127.0.0.1:4242".to_owned());
        let process = 7;
        journal.note(&Entry::Opened { process, address }).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.starts_with("`labels.csv` is locked"), "{error}");
        assert!(
            error.contains("(process 7, http://127.0.0.1:4242)"),
            "{error}"
        );
        drop(journal);
        assert_eq!(read(&path).unwrap().entries.len(), 1);
    }
}
