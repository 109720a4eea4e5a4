//! `shard.json`: which shard of a run a store holds, and which images that shard has.
//!
//! # Format
//! A JSON object with these keys:
//! - `format`: `frostline-shard`
//! - `format_version`: 1
//! - `shard` and `shards`: the number of the shard, from 0, and of all shards
//! - `n_images`: how many images the shard has
//! - `names`: the BLAKE3 hash of their names in input order, each followed by a NUL, as hex digits
//! - `divided`: an object that describes what the shards of the run divide: `n_images`, the number of all
//!   images; `names`, the sum of the hashes of their names that [`Shard`] defines, modulo 2^64, as 16 hex
//!   digits; `inputs`, the first inputs as messages name them. Missing in files of earlier versions.
//! - `checksum`: see `seal`; written without a space after its colon
//!
//! It is written before the first image of a run is read, so that a killed run is known to be unfinished: the
//! index lists other names. Stores of whole runs have no such file.

use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::divided::Divided;
use super::index;
use super::names::{INDEX, SHARD};
use super::writer::StoreWriter;
use crate::error::{Error, FeaturesError, FileKind, FileProblem, Result};
use crate::images::{Entries, Shard};
use crate::inputs::{self, Links};
use crate::{outputs, seal};

const FORMAT: &str = "frostline-shard";
const VERSION: u64 = 1;
/// The size limit, in bytes. No record is larger.
const MOST: u64 = 1 << 16;

/// Which shard a store holds, and which images that shard had when the last run started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardRecord {
    /// The shard.
    pub shard: Shard,
    /// The number of its images.
    pub n_images: u64,
    /// The hash of their names.
    names: String,
    /// What the shards of its run divide; `None` if an earlier version has written the record.
    pub(super) divided: Option<Divided>,
}

/// Returns whether the last run of a store has finished: its index lists the images of the record, or there
/// is an index and no record.
///
/// # Errors
/// Those of reading the index.
pub(super) fn has_finished(store: &Path, record: Option<&ShardRecord>) -> Result<bool> {
    let Some(record) = record else {
        return Ok(store.join(INDEX).exists());
    };
    let mut names = Names::default();
    for row in index::rows(store)? {
        names.add(&row?.path);
    }
    Ok(record.has_same_images(&names.record(record.shard)))
}

/// The number of some names, and their hash.
#[derive(Default)]
struct Names {
    hasher: blake3::Hasher,
    n: u64,
}

impl Names {
    fn add(&mut self, name: &str) {
        self.hasher.update(name.as_bytes()).update(b"\0");
        self.n += 1;
    }

    fn record(&self, shard: Shard) -> ShardRecord {
        ShardRecord {
            shard,
            n_images: self.n,
            names: self.hasher.finalize().to_hex().to_string(),
            divided: None,
        }
    }
}

/// The file.
#[derive(Debug, Serialize, Deserialize)]
struct Fields {
    format: String,
    format_version: u64,
    shard: u32,
    shards: u32,
    n_images: u64,
    names: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    divided: Option<Divided>,
}

impl ShardRecord {
    /// Creates the record of a run over images with these names.
    pub(super) fn new<'a>(shard: Shard, names: impl Iterator<Item = &'a str>) -> Self {
        let mut all = Names::default();
        names.for_each(|name| all.add(name));
        all.record(shard)
    }

    /// Returns whether both have images of the same names.
    pub(super) fn has_same_images(&self, other: &Self) -> bool {
        (self.n_images, &self.names) == (other.n_images, &other.names)
    }

    /// Reads the record of a store. Returns `None` if the store is not a shard.
    ///
    /// # Errors
    /// [`Error::File`] if it is damaged or of a newer version; [`Error::Io`].
    pub(super) fn read(store: &Path) -> Result<Option<Self>> {
        let path = store.join(SHARD);
        let problem = match inputs::read(&path, Links::Follow, MOST) {
            Ok(bytes) => match parse(&bytes) {
                Ok(record) => return Ok(Some(record)),
                Err(problem) => problem,
            },
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) if e.kind() == ErrorKind::FileTooLarge => FileProblem::Damaged(e.to_string()),
            Err(e) => return Err(Error::io("read", &path)(e)),
        };
        Err(Error::File {
            path,
            kind: FileKind::StoreShard,
            problem,
        })
    }

    /// Serialises the record as the content of its file.
    pub(super) fn to_file(&self) -> Vec<u8> {
        seal::json(&Fields {
            format: FORMAT.to_owned(),
            format_version: VERSION,
            shard: self.shard.index(),
            shards: self.shard.count(),
            n_images: self.n_images,
            names: self.names.clone(),
            divided: self.divided.clone(),
        })
    }
}

/// Parses a record.
pub(super) fn parse(bytes: &[u8]) -> Result<ShardRecord, FileProblem> {
    let damaged = |problem: &str| FileProblem::Damaged(problem.to_owned());
    if !seal::place_in_json(bytes).is_some_and(|place| seal::is_right(bytes, place)) {
        return Err(damaged("its content does not match its checksum"));
    }
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|e| FileProblem::Damaged(e.to_string()))?;
    // The checksum is right, so a larger version is that of a newer frostline.
    if let Some(found) = value["format_version"].as_u64().filter(|&v| v > VERSION) {
        let known = VERSION;
        return Err(FileProblem::Newer { found, known });
    }
    let fields: Fields =
        serde_json::from_value(value).map_err(|e| FileProblem::Damaged(e.to_string()))?;
    if fields.format != FORMAT {
        return Err(damaged("it is not the record of a shard"));
    }
    let shard = Shard::new(fields.shard, fields.shards);
    Ok(ShardRecord {
        shard: shard.map_err(|e| FileProblem::Damaged(e.to_string()))?,
        n_images: fields.n_images,
        names: fields.names,
        divided: fields.divided,
    })
}

impl StoreWriter {
    /// Records that a run over the images of a shard, or over all images, begins. `inputs` tells where they
    /// are.
    ///
    /// # Errors
    /// [`FeaturesError::OtherShard`] if the store holds another shard, or all images of a run.
    pub(crate) fn begin(
        &mut self,
        shard: Option<Shard>,
        entries: &Entries,
        inputs: impl FnOnce() -> String,
    ) -> Result<()> {
        let found = match (ShardRecord::read(&self.path), shard) {
            (Err(error @ Error::File { .. }), Some(_)) if is_damage(&error) => {
                self.notes.push(format!("{error}; it was rewritten"));
                None
            }
            (found, _) => {
                let found = found?;
                self.refuse_other_shard(found.as_ref(), shard)?;
                found
            }
        };
        let Some(shard) = shard else { return Ok(()) };
        let mut record = ShardRecord::new(shard, entries.names());
        record.divided = entries.divided().map(|all| Divided::of(all, inputs()));
        if found.as_ref() == Some(&record) || !self.can_write() {
            return Ok(());
        }
        outputs::write_bytes(&self.path.join(SHARD), &record.to_file())
    }

    /// Returns the shard that the store holds, if its last run has finished.
    pub(super) fn finished_shard(&self) -> Result<Option<Shard>> {
        let record = ShardRecord::read(&self.path)?;
        let is_finished = has_finished(&self.path, record.as_ref())?;
        Ok(record.filter(|_| is_finished).map(|record| record.shard))
    }

    /// Records that a shard has the images of the index, after some have left it.
    pub(super) fn record_shard(&self, shard: Shard) -> Result<()> {
        let mut names = Names::default();
        for row in index::rows(&self.path)? {
            names.add(&row?.path);
        }
        outputs::write_bytes(&self.path.join(SHARD), &names.record(shard).to_file())
    }

    fn refuse_other_shard(&self, found: Option<&ShardRecord>, wanted: Option<Shard>) -> Result<()> {
        let found = found.map(|record| record.shard);
        // A store without an index lists no images yet, so it may become any shard.
        let is_free = found.is_none() && !self.path.join(INDEX).exists();
        if found == wanted || is_free {
            return Ok(());
        }
        let told = |shard: Option<Shard>| match shard {
            Some(shard) => format!("shard {shard}"),
            None => "all images of a run".to_owned(),
        };
        Err(FeaturesError::OtherShard {
            store: self.path.clone(),
            found: told(found),
            wanted: told(wanted),
        }
        .into())
    }
}

fn is_damage(error: &Error) -> bool {
    matches!(error, Error::File { problem, .. } if problem.is_damage())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::index::IndexRow;
    use crate::images::AllNames;

    fn record() -> ShardRecord {
        let names = ["a.png", "b.png"].into_iter();
        let all = AllNames { n: 20, sum: 0x2a };
        ShardRecord {
            divided: Some(Divided::of(all, "`photos`".to_owned())),
            ..ShardRecord::new(Shard::new(3, 16).unwrap(), names)
        }
    }

    #[test]
    fn a_record_of_an_earlier_version_does_not_tell_what_was_divided() {
        let old = ShardRecord {
            divided: None,
            ..record()
        };
        let bytes = old.to_file();
        assert!(
            !String::from_utf8(bytes.clone())
                .unwrap()
                .contains("divided")
        );
        assert_eq!(parse(&bytes), Ok(old));
    }

    #[test]
    fn what_is_written_is_read_and_every_bit_counts() {
        let bytes = record().to_file();
        assert_eq!(parse(&bytes), Ok(record()));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&flipped).is_err_and(|e| e.is_damage()), "bit {bit}");
        }
        for end in 0..bytes.len() - 2 {
            assert!(parse(&bytes[..end]).is_err());
        }
    }

    #[test]
    fn a_run_has_finished_if_its_index_lists_the_same_names() {
        let folder = tempfile::tempdir().unwrap();
        let (record, store) = (record(), folder.path());
        let has_finished = |record| has_finished(store, record).unwrap();
        assert!(!has_finished(Some(&record)) && !has_finished(None));
        for (names, is_it) in [
            (vec!["a.png", "b.png"], true),
            (vec!["a.png"], false),
            (vec!["a.png", "c.png"], false),
        ] {
            let mut ledger = index::ledger(folder.path(), true).unwrap();
            for name in names {
                let row = IndexRow {
                    path: name.to_owned(),
                    class: None,
                    content: Err("it is empty".to_owned()),
                };
                ledger.push(row).unwrap();
            }
            ledger.complete().unwrap().take_place().unwrap();
            assert_eq!(has_finished(Some(&record)), is_it);
            assert!(has_finished(None));
        }
    }
}
