//! Shards: the images of a run divided among several machines by the hash of their names.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::all_names::AllNames;
use super::{Entries, Scan, scan_list};
use crate::error::Result;
use crate::images::path_text;
use crate::progress::Progress;

/// The most shards of a run, since those that are missing are listed.
const MOST: u32 = 1_000_000;

/// One of several shards that divide images by their names, numbered from 0: `0/16` to `15/16`.
///
/// A name's shard is its hash modulo the number of shards. The hash is the first 8 bytes of the BLAKE3 hash
/// of the name's UTF-8 text, read as a little-endian number. The name is
/// [`Sample::name`](super::Sample::name), so the shard of an image depends neither on the machine nor on
/// other images.
///
/// ```
/// use frostline::images::Shard;
/// let shard: Shard = "1/4".parse().unwrap();
/// assert!(shard.holds("cat/1.jpg") && !shard.holds("dog/img 2.png"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// Why a text or two numbers are no shard. Messages read as "`16/16` {problem}".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShardProblem {
    /// The text is not `I/N`.
    #[error("is not a shard I/N, such as `0/16`")]
    Form,
    /// There are more shards than may be.
    #[error("has too many shards: N must be at most {MOST}")]
    TooMany,
    /// There must be at least one shard.
    #[error("has no shards: N must be at least 1")]
    NoShards,
    /// The number of the shard is too large.
    #[error("is out of range: shards are numbered from 0, so the last one is {}/{count}", count - 1)]
    OutOfRange {
        /// The number of shards.
        count: u32,
    },
}

impl Shard {
    /// Returns shard number `index` of `count`.
    ///
    /// # Errors
    /// [`ShardProblem`] unless `index` is less than `count`, and `count` at most a million.
    pub fn new(index: u32, count: u32) -> Result<Self, ShardProblem> {
        match count {
            0 => Err(ShardProblem::NoShards),
            _ if count > MOST => Err(ShardProblem::TooMany),
            _ if index >= count => Err(ShardProblem::OutOfRange { count }),
            _ => Ok(Self { index, count }),
        }
    }

    /// Returns its number, from 0.
    #[must_use]
    pub fn index(self) -> u32 {
        self.index
    }

    /// Returns the number of shards.
    #[must_use]
    pub fn count(self) -> u32 {
        self.count
    }

    /// Returns whether an image with this name belongs to the shard.
    #[must_use]
    pub fn holds(self, name: &str) -> bool {
        hash(name) % u64::from(self.count) == u64::from(self.index)
    }

    /// Lists those files of a list that belong to the shard. The others are not accessed.
    pub(crate) fn scan_list(self, paths: &[PathBuf], progress: &dyn Progress) -> Result<Scan> {
        let mut all = AllNames::default();
        let own = paths
            .iter()
            .filter(|path| self.takes(&path_text::to_text(path), &mut all));
        let mut scan = scan_list(own.cloned().collect(), progress)?;
        scan.entries.set_divided(all);
        Ok(scan)
    }

    /// Keeps only the images of a scan that belong to the shard.
    pub(crate) fn keep(self, entries: &mut Entries) {
        let mut all = AllNames::default();
        entries.retain(|_, name| self.takes(name, &mut all));
        entries.set_divided(all);
    }

    /// Adds a name to those of all images, and returns whether it belongs to the shard.
    fn takes(self, name: &str, all: &mut AllNames) -> bool {
        all.add(hash(name));
        self.holds(name)
    }
}

fn hash(name: &str) -> u64 {
    let hash = blake3::hash(name.as_bytes());
    let start = hash.as_bytes().first_chunk();
    u64::from_le_bytes(*start.expect("a hash has 32 bytes"))
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = ShardProblem;

    fn from_str(text: &str) -> Result<Self, ShardProblem> {
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        let (index, count) = text.split_once('/').ok_or(ShardProblem::Form)?;
        let number = |digits| number(digits).ok_or(ShardProblem::Form);
        Self::new(number(index)?, number(count)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hashes are those of the Python package `blake3` 1.0.11:
    /// `int.from_bytes(blake3(name.encode()).digest()[:8], "little")`.
    #[test]
    fn the_hash_of_a_name_never_changes() {
        for (name, wanted, of_16) in [
            ("cat/1.jpg", 15_326_896_169_096_468_721, 1),
            ("dog/img 2.png", 5_541_724_776_225_930_906, 10),
            ("a/b/c.webp", 488_746_595_120_715_775, 15),
            ("été.jpg", 5_529_272_632_539_915_077, 5),
        ] {
            assert_eq!(hash(name), wanted, "{name}");
            assert!(Shard::new(of_16, 16).unwrap().holds(name), "{name}");
        }
    }

    #[test]
    fn each_name_belongs_to_exactly_one_shard() {
        let names: Vec<String> = (0..5000)
            .map(|i| format!("{}/é {}\u{1f600}.jpg", i % 7, i * i))
            .collect();
        for count in [1, 2, 3, 16, 1000] {
            let shards = (0..count).map(|index| Shard::new(index, count).unwrap());
            let sizes = shards.map(|shard| names.iter().filter(|name| shard.holds(name)).count());
            let sizes: Vec<usize> = sizes.collect();
            assert_eq!(sizes.iter().sum::<usize>(), names.len(), "{count} shards");
            // Six standard deviations of a binomial distribution.
            let mean = names.len() as f64 / f64::from(count);
            let far = |size: &usize| (*size as f64 - mean).abs() > 6.0 * mean.sqrt() + 1.0;
            assert!(!sizes.iter().any(far), "{count} shards: {sizes:?}");
        }
    }

    #[test]
    fn shards_are_numbered_from_0() {
        assert_eq!("15/16".parse(), Shard::new(15, 16));
        assert_eq!("0/1".parse::<Shard>().unwrap().to_string(), "0/1");
        for (text, words) in [
            (
                "16/16",
                "shards are numbered from 0, so the last one is 15/16",
            ),
            ("0/0", "N must be at least 1"),
            ("1", "is not a shard I/N"),
            ("-1/4", "is not a shard I/N"),
            ("+1/4", "is not a shard I/N"),
            ("1/4/5", "is not a shard I/N"),
            (" 1/4", "is not a shard I/N"),
            ("1/99999999999", "is not a shard I/N"),
            ("1/1000001", "N must be at most 1000000"),
        ] {
            let said = text.parse::<Shard>().unwrap_err().to_string();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
