//! The lines of a journal, and their checksums.

use super::entry::Entry;
use crate::error::FileProblem;

/// The version of the format.
pub(super) const VERSION: u64 = 1;
/// The number of digits of a checksum.
const DIGITS: usize = 16;

/// The intact lines of a journal.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) entries: Vec<Entry>,
    /// The bytes of these lines.
    pub(super) length: usize,
    pub(super) last: String,
}

impl Lines {
    /// Reads the lines of a file up to one that was being written when the process ended.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, FileProblem> {
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
                // It was being written when the process ended: its end is missing, or blocks of it are.
                None if after.is_empty() && is_torn(line, end) && is_own(bytes) => break,
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

fn is_torn(line: &[u8], end: Option<usize>) -> bool {
    end.is_none() || line.contains(&0)
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

/// Returns the checksum of a line after one whose checksum is `last`.
pub(super) fn checksum(last: &str, json: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(last.as_bytes());
    hasher.update(json);
    hasher.finalize().to_hex()[..DIGITS].to_owned()
}

/// Recomputes the checksum of each line.
pub(in crate::label) fn reseal(bytes: &mut [u8]) {
    let mut last = String::new();
    for line in bytes.split_mut(|byte| *byte == b'\n') {
        if line.len() > DIGITS {
            last = checksum(&last, &line[DIGITS + 1..]);
            line[..DIGITS].copy_from_slice(last.as_bytes());
        }
    }
}
