//! The rows of a label file, in memory.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::row::{LabelRow, Raw, Verdict};
use crate::error::FileProblem;
use crate::images::path_text::{from_text, to_text};
use crate::phrases::shortened;
use crate::texts::Texts;

/// The rows, each of another image.
#[derive(Debug)]
pub(super) struct Rows {
    /// Whether images are listed by their digests.
    pub(super) by_digest: bool,
    keys: Texts,
    list: Vec<Row>,
    classes: Vec<String>,
    /// The numbers of the rows in the order of their keys.
    sorted: Vec<u32>,
}

/// A row without its key.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    line: u32,
    mark: Mark,
    /// NaN for a row without one.
    probability: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Class(u32),
    NoLabel,
    Unknown,
}

impl Rows {
    /// Returns the number of rows.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns a row by its number, which is below [`Rows::len`].
    pub(super) fn row(&self, number: usize) -> LabelRow<'_> {
        let row = self.list[number];
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

/// The most bytes of paths. A compressed table can claim far more.
const MOST: usize = if cfg!(test) { 1 << 20 } else { 1 << 30 };

/// The rows so far.
#[derive(Debug, Default)]
pub(super) struct Builder {
    keys: Texts,
    rows: Vec<Row>,
    classes: Vec<String>,
    numbers: HashMap<String, u32>,
    /// The bytes of all keys.
    bytes: usize,
}

impl Builder {
    /// Adds a row, or says what is wrong with it.
    pub(super) fn add(&mut self, raw: &Raw<'_>) -> Result<(), String> {
        let line = raw.line;
        if raw.key.is_empty() {
            return Err(format!("line {line} names no image"));
        }
        self.bytes += raw.key.len();
        if self.rows.len() == u32::MAX as usize || self.bytes > MOST {
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
    pub(super) fn finish(mut self, key: &str, chosen: bool) -> Result<Rows, FileProblem> {
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
        Ok(Rows {
            by_digest,
            sorted: sorted(&self.keys),
            keys: self.keys,
            list: self.rows,
            classes: self.classes,
        })
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
