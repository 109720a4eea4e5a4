//! The images that earlier runs have reported, in a file.
//!
//! # Format
//! Text, in lines that end with a newline:
//! - `frostline seen images, version 1`
//! - the BLAKE3 digest of each image file as 64 lower-case hex digits, in ascending order
//! - `checksum ` and the BLAKE3 hash of all bytes before this line, as hex digits
//!
//! The file is replaced as a whole, after the rows of a run were written: images of a run that was killed are
//! reported again. A file that is damaged or something else is never replaced.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, FileKind, FileProblem, Result};
use crate::features::{Digest, Directory, recognised_by_content};
use crate::images::{DecodeOptions, Entries};
use crate::inputs::{self, Links};
use crate::lock::WriteLock;
use crate::outputs;
use crate::progress::Progress;

const TITLE: &str = "frostline seen images, version ";
const VERSION: u64 = 1;
/// The size limit, in bytes: 16 million images.
const MOST: u64 = 1 << 30;

/// The images that were reported, open for one run at a time.
#[derive(Debug)]
pub struct SeenImages {
    path: PathBuf,
    before: BTreeSet<[u8; 32]>,
    new: BTreeSet<[u8; 32]>,
    #[expect(dead_code, reason = "the lock lasts as long as the value")]
    lock: WriteLock,
}

impl SeenImages {
    /// Opens the file, which need not exist yet, and locks it through a file next to it, `NAME.lock`.
    ///
    /// # Errors
    /// [`Error::Locked`]; [`Error::File`] for a file that is damaged, newer or something else; [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self> {
        // A link stays, and all names of the file have one lock.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        // First of all, so that no lock file is made next to something else.
        read(path)?;
        let lock = WriteLock::take(&path.with_added_extension("lock"), path)?;
        Ok(Self {
            path: path.to_owned(),
            before: read(path)?,
            new: BTreeSet::new(),
            lock,
        })
    }

    /// Removes the images that were reported before, and returns their number. Those that cannot be read are
    /// left.
    pub(super) fn leave_out(
        &self,
        entries: &mut Entries,
        decoding: &DecodeOptions,
        threads: usize,
        progress: &dyn Progress,
    ) -> usize {
        if self.before.is_empty() {
            return 0;
        }
        let digests = self.before.iter().map(|digest| Digest(*digest));
        let seen: Directory = digests.collect();
        let seen = recognised_by_content(entries, &seen, decoding, threads, progress);
        let n = entries.len();
        entries.retain(|number, _| seen.picture(number).is_none());
        n - entries.len()
    }

    /// Returns whether an earlier run reported an image.
    pub(super) fn contains(&self, digest: &Digest) -> bool {
        self.before.contains(&digest.0)
    }

    /// Adds an image of this run.
    pub(super) fn add(&mut self, digest: Digest) {
        self.new.insert(digest.0);
    }

    /// Writes the file, after all rows of the run were written.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`Self::open`] if the file was replaced by something else.
    pub fn save(mut self) -> Result<()> {
        if self.new.is_empty() && self.path.exists() {
            return Ok(());
        }
        read(&self.path)?;
        self.before.append(&mut self.new);
        outputs::write_bytes(&self.path, &to_file(&self.before))
    }
}

fn read(path: &Path) -> Result<BTreeSet<[u8; 32]>> {
    let bytes = match inputs::read(path, Links::Follow, MOST) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(e) => return Err(Error::io("read", path)(e)),
    };
    parse(&bytes).map_err(|problem| Error::File {
        path: path.to_owned(),
        kind: FileKind::SeenImages,
        problem,
    })
}

fn to_file(digests: &BTreeSet<[u8; 32]>) -> Vec<u8> {
    let mut text = format!("{TITLE}{VERSION}\n");
    for digest in digests {
        writeln!(text, "{}", Digest(*digest)).expect("writing to a String cannot fail");
    }
    let checksum = Digest::of(text.as_bytes());
    writeln!(text, "checksum {checksum}").expect("writing to a String cannot fail");
    text.into_bytes()
}

/// Parses the file.
pub(crate) fn parse(bytes: &[u8]) -> Result<BTreeSet<[u8; 32]>, FileProblem> {
    let damaged = |problem: &str| FileProblem::Damaged(problem.to_owned());
    let Some(rest) = bytes.strip_prefix(TITLE.as_bytes()) else {
        return Err(FileProblem::Foreign {
            wanted: "a file of seen images",
            found: format!("it does not start with `{}`", TITLE.trim_end()),
        });
    };
    let text = str::from_utf8(rest).map_err(|_| damaged("it is not text"))?;
    let (version, lines) = text
        .split_once('\n')
        .ok_or_else(|| FileProblem::Cut("it ends in its first line".to_owned()))?;
    match version.parse() {
        Ok(VERSION) => {}
        Ok(found) if found > VERSION => {
            let known = VERSION;
            return Err(FileProblem::Newer { found, known });
        }
        _ => return Err(damaged("its version is not a number")),
    }
    let end = lines.rfind("checksum ").filter(|_| lines.ends_with('\n'));
    let end = end.ok_or_else(|| FileProblem::Cut("its checksum is missing".to_owned()))?;
    let content = bytes.len() - (lines.len() - end);
    let checksum = lines[end..]
        .trim_end_matches('\n')
        .strip_prefix("checksum ");
    if checksum != Some(&Digest::of(&bytes[..content]).to_string()) {
        return Err(damaged("its content does not match its checksum"));
    }
    let digests: Option<BTreeSet<_>> = lines[..end].lines().map(digest).collect();
    digests.ok_or_else(|| damaged("one of its lines is not a digest"))
}

/// Parses 64 lower-case hex digits.
fn digest(line: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    for (byte, digits) in digest.iter_mut().zip(line.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    }
    (Digest(digest).to_string() == line).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(n: u8) -> BTreeSet<[u8; 32]> {
        (0..n).map(|i| Digest::of(&[i]).0).collect()
    }

    #[test]
    fn what_is_written_is_read_and_every_bit_counts() {
        let bytes = to_file(&digests(3));
        assert_eq!(parse(&bytes), Ok(digests(3)));
        assert_eq!(parse(&to_file(&BTreeSet::new())), Ok(BTreeSet::new()));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&flipped).is_err(), "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).is_err(), "{end} bytes");
        }
        let newer = format!("{TITLE}2\n");
        let newer = parse(newer.as_bytes()).unwrap_err();
        assert_eq!(newer, FileProblem::Newer { found: 2, known: 1 });
    }

    #[test]
    fn one_run_at_a_time_and_nothing_else_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seen");
        let mut seen = SeenImages::open(&path).unwrap();
        assert!(matches!(SeenImages::open(&path), Err(Error::Locked { .. })));
        seen.add(Digest([7; 32]));
        assert!(!seen.contains(&Digest([7; 32])));
        seen.save().unwrap();
        assert!(SeenImages::open(&path).unwrap().contains(&Digest([7; 32])));
        // A file that was put there meanwhile stays.
        let mut seen = SeenImages::open(&path).unwrap();
        fs::write(&path, "path,label\n").unwrap();
        seen.add(Digest([8; 32]));
        assert!(matches!(seen.save(), Err(Error::File { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"path,label\n");
    }
}
