//! A label file in memory.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::columns::LabelColumns;
use super::row::{LabelRow, Raw, Verdict};
use super::{table, text};
use crate::error::{Error, FileKind, FileProblem, Result};
use crate::features::Digest;
use crate::images::path_text::{from_text, to_text};
use crate::inputs::{self, Links};
use crate::phrases::shortened;
use crate::texts::Texts;

/// The largest file in bytes. The results of `classify` for a million images and 100 classes fit.
const LIMIT: u64 = 1 << 30;

/// What a label file says of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given<'a> {
    /// It belongs to this class.
    Class(&'a str),
    /// It is listed without a label.
    NoLabel,
    /// It is not listed.
    Unlisted,
}

impl<'a> From<Verdict<'a>> for Given<'a> {
    fn from(verdict: Verdict<'a>) -> Self {
        match verdict {
            Verdict::Class(class) => Self::Class(class),
            Verdict::NoLabel | Verdict::Unknown => Self::NoLabel,
        }
    }
}

/// The labels of images, by their paths or digests. Each image is listed once.
#[derive(Debug)]
pub struct LabelFile {
    pub(super) path: PathBuf,
    /// Whether images are listed by their digests.
    pub(super) by_digest: bool,
    keys: Texts,
    rows: Vec<Row>,
    classes: Vec<String>,
    /// The numbers of the rows in the order of their keys.
    sorted: Vec<u32>,
}

/// A row without its key.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    line: u32,
    mark: Mark,
    /// NaN if there is none.
    probability: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Class(u32),
    NoLabel,
    Unknown,
}

impl LabelFile {
    /// Reads a label file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::File`] if it is not a label file, or lists an image with
    /// different labels.
    pub fn read(path: &Path, columns: &LabelColumns) -> Result<Self> {
        let bytes = inputs::read(path, Links::Follow, LIMIT).map_err(Error::io("read", path))?;
        Self::parse(path, bytes, columns).map_err(|problem| Error::File {
            path: path.to_owned(),
            kind: FileKind::Labels,
            problem,
        })
    }

    /// Parses the bytes of a label file.
    pub(super) fn parse(
        path: &Path,
        bytes: Vec<u8>,
        columns: &LabelColumns,
    ) -> Result<Self, FileProblem> {
        let mut builder = Builder::default();
        let mut add = |raw: Raw<'_>| builder.add(&raw);
        let key = if bytes.starts_with(b"PAR1") {
            table::read(bytes, columns, &mut add)
        } else {
            text::read(&bytes, columns, &mut add)
        };
        let key = key.map_err(|found| FileProblem::Foreign {
            wanted: "a label file",
            found,
        })?;
        builder.finish(path, &key, columns.key.is_some())
    }

    /// Returns what the file says of an image that it lists by its whole path, or by its digest.
    #[must_use]
    pub fn class_of(&self, path: &str, digest: Option<&Digest>) -> Given<'_> {
        let row = if self.by_digest {
            digest.and_then(|digest| self.find(&digest.to_string()))
        } else {
            self.find(path)
        };
        row.map_or(Given::Unlisted, |row| self.row(row).verdict.into())
    }

    /// Returns the error for a file that can be understood in several ways.
    pub(crate) fn ambiguous(&self, problem: String) -> Error {
        Error::File {
            path: self.path.clone(),
            kind: FileKind::Labels,
            problem: FileProblem::Ambiguous(problem),
        }
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Iterates over the rows, in the order of the file; images that are listed twice are there once.
    pub fn rows(&self) -> impl Iterator<Item = LabelRow<'_>> {
        (0..self.rows.len()).map(|number| self.row(number))
    }

    /// Returns whether images are listed by their digests.
    #[must_use]
    pub fn is_by_digest(&self) -> bool {
        self.by_digest
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns a row by its number, which is below [`LabelFile::len`].
    pub(super) fn row(&self, number: usize) -> LabelRow<'_> {
        let row = self.rows[number];
        LabelRow {
            line: row.line,
            key: self.key(number),
            verdict: match row.mark {
                Mark::Class(class) => Verdict::Class(&self.classes[class as usize]),
                Mark::NoLabel => Verdict::NoLabel,
                Mark::Unknown => Verdict::Unknown,
            },
            probability: Some(row.probability).filter(|p| !p.is_nan()),
        }
    }

    pub(super) fn key(&self, number: usize) -> &str {
        self.keys.get(number).expect("each row has a key")
    }

    /// Returns the row with a key.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        let compare = |row: &u32| self.key(*row as usize).cmp(key);
        let place = self.sorted.binary_search_by(compare).ok()?;
        Some(self.sorted[place] as usize)
    }
}

/// The rows so far.
#[derive(Debug, Default)]
struct Builder {
    keys: Texts,
    rows: Vec<Row>,
    classes: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Builder {
    fn add(&mut self, raw: &Raw<'_>) -> Result<(), String> {
        let line = raw.line;
        if raw.key.is_empty() {
            return Err(format!("line {line} names no image"));
        }
        if self.rows.len() == u32::MAX as usize {
            return Err("it has too many rows".to_owned());
        }
        let mark = match raw.verdict() {
            Verdict::Class(class) => Mark::Class(self.class(class)),
            Verdict::NoLabel => Mark::NoLabel,
            Verdict::Unknown => Mark::Unknown,
        };
        let probability = raw.probability()?.unwrap_or(f64::NAN);
        self.keys.push(&plain(raw.key));
        self.rows.push(Row {
            line,
            mark,
            probability,
        });
        Ok(())
    }

    fn class(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.classes.len() as u32;
        self.classes.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// Sorts the rows, whose images are in the column `key`, and refuses contradictions.
    fn finish(mut self, path: &Path, key: &str, chosen: bool) -> Result<LabelFile, FileProblem> {
        let is_digest = |key: &str| key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit());
        let all_digests = !self.rows.is_empty() && self.keys.iter().all(is_digest);
        let by_digest = all_digests && (key == "digest" || chosen);
        if key == "digest" && !by_digest && !self.rows.is_empty() {
            let wrong =
                (0..self.rows.len()).find(|&row| !is_digest(self.keys.get(row).unwrap_or("")));
            let line = wrong.map_or(0, |row| self.rows[row].line);
            return Err(FileProblem::Foreign {
                wanted: "a label file",
                found: format!("the digest in line {line} is not 64 hexadecimal digits"),
            });
        }
        if by_digest {
            let mut keys = Texts::default();
            self.keys
                .iter()
                .for_each(|key| keys.push(&key.to_ascii_lowercase()));
            self.keys = keys;
        }
        self.drop_repeated()?;
        let mut file = LabelFile {
            path: path.to_owned(),
            by_digest,
            sorted: Vec::new(),
            keys: self.keys,
            rows: self.rows,
            classes: self.classes,
        };
        file.sorted = sorted(&file.keys);
        Ok(file)
    }

    /// Keeps the first row of each image, and refuses two rows with different labels.
    fn drop_repeated(&mut self) -> Result<(), FileProblem> {
        let sorted = sorted(&self.keys);
        let key = |row: u32| self.keys.get(row as usize).expect("each row has a key");
        let mut repeated = vec![false; self.rows.len()];
        for pair in sorted.windows(2) {
            let &[one, other] = pair else { continue };
            if key(one) != key(other) {
                continue;
            }
            let rows = [one, other].map(|row| self.rows[row as usize]);
            if rows[0].mark != rows[1].mark {
                let [one_is, other_is] = rows.map(|row| self.told(row));
                return Err(FileProblem::Ambiguous(format!(
                    "`{}` {one_is} and {other_is}",
                    shortened(key(one))
                )));
            }
            repeated[other as usize] = true;
        }
        if !repeated.contains(&true) {
            return Ok(());
        }
        let mut keys = Texts::default();
        let kept = |row: &usize| !repeated[*row];
        let all = 0..self.rows.len();
        all.clone()
            .filter(kept)
            .for_each(|row| keys.push(key(row as u32)));
        self.rows = all.filter(kept).map(|row| self.rows[row]).collect();
        self.keys = keys;
        Ok(())
    }

    fn told(&self, row: Row) -> String {
        let line = row.line;
        match row.mark {
            Mark::Class(class) => {
                let class = shortened(&self.classes[class as usize]);
                format!("is `{class}` in line {line}")
            }
            Mark::NoLabel => format!("has no label in line {line}"),
            Mark::Unknown => format!("is rejected as unknown in line {line}"),
        }
    }
}

/// Returns the numbers of texts in the order of the texts, and of the numbers where they are equal.
fn sorted(keys: &Texts) -> Vec<u32> {
    let mut sorted: Vec<u32> = (0..keys.len() as u32).collect();
    let key = |row: u32| keys.get(row as usize);
    let compare =
        |one: &u32, other: &u32| -> Ordering { key(*one).cmp(&key(*other)).then(one.cmp(other)) };
    sorted.sort_unstable_by(compare);
    sorted
}

/// Returns a path without `./` before it, in the one spelling that frostline writes.
fn plain(path: &str) -> String {
    let mut rest = path;
    while let Some(after) = rest.strip_prefix("./") {
        rest = after.trim_start_matches('/');
    }
    if rest.contains('\\') {
        return to_text(&from_text(rest));
    }
    rest.to_owned()
}

#[cfg(test)]
mod tests;
