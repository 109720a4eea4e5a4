//! The feature store used by a run over images: stored features are reused, and new ones are added.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::time::Instant;

use super::samples::{Done, Listed};
use crate::backbones::FeatureSpec;
use crate::error::{Error, FeaturesError, Result};
use crate::features::content::{Content, Picture};
use crate::features::directory::Directory;
use crate::features::index::{self, Index, IndexRow};
use crate::features::manifest::StoreManifest;
use crate::features::pipeline::{Item, Known, Outcome, Speed, Timings};
use crate::features::reader::FeatureReader;
use crate::features::recognition::{Recognise, Recognised};
use crate::features::record::RunRecord;
use crate::features::stamps::{StampRow, Stamps};
use crate::features::writer::{Existing, StoreWriter};
use crate::images::{DecodeOptions, Entries, Found};
use crate::phrases::counted;
use crate::progress::Progress;
use crate::stamp::Stamp;

/// A store that features are read from and added to. It is locked until this is dropped.
#[derive(Debug)]
pub(crate) struct Kept {
    writer: StoreWriter,
    reader: FeatureReader,
    recognised: Recognised,
    /// Number of images whose computed features could not be added to a read-only store.
    lost: usize,
    /// The samples of the run, if they become the store's index.
    list: Option<List>,
}

/// The samples of a run.
struct List {
    record: RunRecord,
    listed: Listed,
    /// The number of samples so far.
    taken: usize,
    /// Those that were not recognised and have a stamp.
    stamped: Vec<Stamped>,
    /// The images that are tried again.
    again: Option<Again>,
}

/// The images that are tried again. The others stay in the index.
struct Again {
    rows: HashMap<String, IndexRow>,
    /// The names of skipped images that no longer exist.
    gone: HashSet<String>,
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("List").field(&self.listed).finish()
    }
}

/// A sample, packed: stamps wait in memory until parts and index are written, since they must not take their
/// space.
struct Stamped {
    /// The number of the sample in the run, and that of its image in the store's directory.
    sample: u32,
    image: u32,
    size: (u32, u32),
    stamp: Stamp,
}

impl List {
    fn add(&mut self, row: IndexRow) -> Result<()> {
        self.listed.add(&row);
        if let Some(again) = &mut self.again {
            again.rows.insert(row.path.clone(), row);
            return Ok(());
        }
        self.record.add(row)
    }

    fn add_stamp(&mut self, picture: &Picture, directory: &Directory) {
        if let (Some(stamp), Some(image)) = (picture.stamp, directory.number(&picture.digest)) {
            self.stamped.push(Stamped {
                sample: self.taken as u32,
                image,
                size: picture.size,
                stamp,
            });
        }
    }

    /// Adds the rows of the other images of a store, and counts the classes of all. Returns a note if the
    /// features of some are missing.
    fn complete(&mut self, writer: &StoreWriter) -> Result<Option<String>> {
        let Some(mut again) = self.again.take() else {
            return Ok(None);
        };
        let mut missing = 0;
        self.listed.classes.clear();
        for row in index::rows(&writer.path)? {
            let row = row?;
            if again.gone.contains(&row.path) {
                continue;
            }
            let row = again.rows.remove(&row.path).unwrap_or(row);
            let content = row.content.as_ref();
            missing += usize::from(content.is_ok_and(|content| !writer.knows(&content.digest)));
            self.listed.count(&row);
            self.record.add(row)?;
        }
        Ok((missing > 0).then(|| {
            let images = counted(missing, "image");
            format!("the features of {images} are missing: a run over all images computes them")
        }))
    }
}

impl Kept {
    /// Opens a store as a cache. Its index, which lists the samples of its own last run, is not changed.
    ///
    /// # Errors
    /// As [`StoreWriter::open`].
    pub(crate) fn cache(path: &Path, manifest: StoreManifest) -> Result<Self> {
        let writer = StoreWriter::open(path, manifest, Existing::Extend)?;
        Ok(Self {
            reader: writer.reader(),
            writer,
            recognised: Recognised::default(),
            lost: 0,
            list: None,
        })
    }

    /// Uses a store that images are extracted into: they become its index. Images that are already in the
    /// store are found as `recognise` says, with readers for `threads` CPUs.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn extraction(
        writer: StoreWriter,
        entries: &Entries,
        (recognise, decoding): (Recognise, &DecodeOptions),
        threads: usize,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let recognised = writer.recognise(entries, recognise, decoding, threads, progress);
        let list = List {
            record: RunRecord::begin(&writer)?,
            listed: Listed::default(),
            taken: 0,
            stamped: Vec::new(),
            again: None,
        };
        Ok(Self {
            reader: writer.reader(),
            writer,
            recognised,
            lost: 0,
            list: Some(list),
        })
    }

    /// Keeps the rows of other images in the store's index, except those of images that are `gone`.
    #[must_use]
    pub(crate) fn keeping_others(mut self, gone: HashSet<String>) -> Self {
        if let Some(list) = &mut self.list {
            let rows = HashMap::new();
            list.again = Some(Again { rows, gone });
        }
        self
    }

    /// Returns whether the features of all entries are in the store, so that none need to be computed.
    #[must_use]
    pub(crate) fn covers(&self, entries: &Entries) -> bool {
        self.recognised.covers(entries)
    }

    /// Returns the specification of the store's features.
    #[must_use]
    pub(crate) fn spec(&self) -> &FeatureSpec {
        &self.writer.manifest.spec
    }

    /// Continues with features that `manifest` describes, after the known images have been looked up.
    ///
    /// # Errors
    /// [`FeaturesError::OtherFeatures`] if the store holds other features.
    pub(crate) fn go_on_with(mut self, manifest: StoreManifest) -> Result<Self> {
        self.writer.go_on_with(manifest)?;
        Ok(self)
    }

    /// Returns an error if new features could not be stored.
    ///
    /// # Errors
    /// [`FeaturesError::ReadOnly`] if the store is read-only and lacks an entry that its last run did not
    /// skip.
    pub(crate) fn refuse_read_only(&self, entries: &Entries) -> Result<()> {
        if self.writer.can_write() || self.covers(entries) {
            return Ok(());
        }
        let index = Index::read(&self.writer.path).unwrap_or_default();
        // Nothing is written if these cannot be used again.
        let skipped: HashSet<&str> = index.skipped().map(|(path, _)| path).collect();
        let mut names = entries.names().enumerate();
        let is_known = |(number, name): (usize, &str)| {
            self.recognised.picture(number).is_some()
                || entries.is_skipped(number)
                || skipped.contains(name)
        };
        if names.all(is_known) {
            return Ok(());
        }
        let store = self.writer.path.clone();
        Err(FeaturesError::ReadOnly { store }.into())
    }

    /// Writes the pending features after a run stopped with the error `end`. Returns the error to report.
    #[must_use]
    pub(crate) fn keep(self, end: Error) -> Error {
        self.writer.keep(end)
    }

    /// Returns the images of a scan whose features are in the store.
    #[must_use]
    pub(crate) fn recognised(&self) -> Recognised {
        self.recognised.clone()
    }

    /// Returns what need not be computed.
    pub(super) fn known(&self) -> Known {
        Known {
            directory: self.writer.directory(),
            once: self.writer.can_write(),
            dtype: self.writer.dtype(),
        }
    }

    /// Adds an image to the store, and returns its row and its features, rounded to the store's precision.
    pub(super) fn take(
        &mut self,
        mut item: Item,
        wanted: bool,
    ) -> Result<(IndexRow, Option<Vec<f32>>)> {
        if let Outcome::Computed(picture, features) = &mut item.outcome {
            self.writer.dtype().round(features);
            if self.list.is_none() && !self.writer.can_write() {
                self.lost += 1;
            } else {
                self.writer.push(picture.digest, features)?;
            }
        }
        let picture = item.outcome.picture();
        let (mut row, mut features) = described(&item.found, item.outcome);
        if let Some(list) = &mut self.list {
            row.path.clone_from(&item.found.sample().name);
            if let (Some(picture), None) = (&picture, self.recognised.picture(list.taken)) {
                list.add_stamp(picture, &self.writer.directory);
            }
            list.taken += 1;
            list.add(row.clone())?;
        }
        if let (None, Some(picture), true) = (&features, picture, wanted) {
            let digest = picture.digest;
            features = Some(self.writer.features(&digest, &mut self.reader)?);
        }
        Ok((row, features))
    }

    /// Writes what is pending, adds notes for the user, and returns the run's speed including the time to
    /// write. `entries` are the images of an extraction.
    pub(super) fn finish(
        mut self,
        entries: Option<&Entries>,
        speed: Speed,
        done: &mut Done,
    ) -> Result<Speed> {
        let last = Instant::now();
        if let Some(mut list) = self.list.take() {
            let keeps_others = list.again.is_some();
            let shard = match &list.again {
                Some(again) if !again.gone.is_empty() => self.writer.finished_shard()?,
                _ => None,
            };
            let missing = list.complete(&self.writer)?;
            let directory = self.writer.directory();
            let own = entries
                .into_iter()
                .flat_map(|entries| stamps(entries, &self.recognised, &list.stamped, &directory));
            done.store_notes = if keeps_others {
                let mut all = Stamps::default();
                all.add_store(&self.writer.path);
                all.extend(own);
                self.writer.finish_record(list.record, all.sorted())?
            } else {
                self.writer.finish_record(list.record, own)?
            };
            shard.map_or(Ok(()), |shard| self.writer.record_shard(shard))?;
            done.store_notes.extend(missing);
            done.listed = list.listed;
        } else {
            done.store_notes = self.writer.notes().to_vec();
            if self.lost > 0 {
                done.store_notes.push(format!(
                    "the feature store `{}` is read-only: the features of {} were computed but not stored",
                    self.writer.path.display(),
                    counted(self.lost, "image")
                ));
            }
            self.writer.finish()?;
        }
        let write = speed.timings.write + last.elapsed();
        let timings = Timings {
            write,
            ..speed.timings
        };
        Ok(Speed { timings, ..speed })
    }
}

/// Iterates over the stamps of the images of a run.
fn stamps<'a>(
    entries: &'a Entries,
    recognised: &'a Recognised,
    stamped: &'a [Stamped],
    directory: &'a Directory,
) -> impl Iterator<Item = StampRow> + 'a {
    let mut stamped = stamped.iter().peekable();
    entries
        .iter()
        .enumerate()
        .filter_map(move |(number, found)| {
            let new = stamped.next_if(|new| new.sample as usize == number);
            let new = new.and_then(|new| {
                Some(Picture {
                    digest: directory.digest(new.image)?,
                    size: new.size,
                    stamp: Some(new.stamp),
                })
            });
            let picture = new.or_else(|| recognised.picture(number))?;
            StampRow::new(&found.sample().place, &picture)
        })
}

/// Returns the row of an image, with the path to open, and its features if they were computed.
pub(super) fn described(found: &Found, outcome: Outcome) -> (IndexRow, Option<Vec<f32>>) {
    let sample = found.sample();
    let (content, features) = match outcome {
        Outcome::Skipped(reason) => (Err(reason.to_string()), None),
        Outcome::Reused(picture) => (Ok(Content::of(&picture)), None),
        Outcome::Computed(picture, features) => (Ok(Content::of(&picture)), Some(features)),
    };
    let row = IndexRow {
        path: sample.address(),
        class: sample.class.as_deref().map(str::to_owned),
        content,
    };
    (row, features)
}
