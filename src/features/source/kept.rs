//! The feature store used by a run over images: stored features are reused, and new ones are added.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::time::Instant;

use super::samples::{Done, Listed};
use crate::backbones::FeatureSpec;
use crate::error::{Error, FeaturesError, Result};
use crate::features::content::Content;
use crate::features::index::{self, IndexRow};
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
    /// The rows and stamps of a run whose other images stay in the index.
    newer: Option<(HashMap<String, IndexRow>, Stamps)>,
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("List").field(&self.listed).finish()
    }
}

impl List {
    fn add(&mut self, row: IndexRow, stamp: Option<StampRow>) -> Result<()> {
        self.listed.add(&row);
        if let Some((rows, stamps)) = &mut self.newer {
            stamps.extend(stamp);
            rows.insert(row.path.clone(), row);
            return Ok(());
        }
        stamp.map_or(Ok(()), |stamp| self.record.add_stamp(stamp))?;
        self.record.add(row)
    }

    /// Adds the rows and stamps of the other images of a store.
    fn complete(&mut self, store: &Path) -> Result<()> {
        let Some((mut rows, newer)) = self.newer.take() else {
            return Ok(());
        };
        for row in index::rows(store)? {
            let row = row?;
            let newer = rows.remove(&row.path);
            self.record.add(newer.unwrap_or(row))?;
        }
        let mut stamps = Stamps::default();
        stamps.add_store(store);
        stamps.extend(newer.sorted());
        let mut stamps = stamps.sorted();
        stamps.try_for_each(|row| self.record.add_stamp(row))
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
            newer: None,
        };
        Ok(Self {
            reader: writer.reader(),
            writer,
            recognised,
            lost: 0,
            list: Some(list),
        })
    }

    /// Keeps the rows of other images in the store's index.
    #[must_use]
    pub(crate) fn keeping_others(mut self) -> Self {
        if let Some(list) = &mut self.list {
            list.newer = Some(Default::default());
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
    /// [`FeaturesError::ReadOnly`] if the store is read-only and does not contain all entries.
    pub(crate) fn refuse_read_only(&self, entries: &Entries) -> Result<()> {
        if self.writer.can_write() || self.covers(entries) {
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
            if self.writer.can_write() {
                self.writer.push(picture.digest, features)?;
            } else {
                self.lost += 1;
            }
        }
        let picture = item.outcome.picture();
        let (mut row, mut features) = described(&item.found, item.outcome);
        if let Some(list) = &mut self.list {
            let sample = item.found.sample();
            row.path.clone_from(&sample.name);
            let stamp = picture.and_then(|picture| StampRow::new(&sample.place, &picture));
            list.add(row.clone(), stamp)?;
        }
        if let (None, Some(picture), true) = (&features, picture, wanted) {
            let digest = picture.digest;
            features = Some(self.writer.features(&digest, &mut self.reader)?);
        }
        Ok((row, features))
    }

    /// Writes what is pending, adds notes for the user, and returns the run's speed including the time to
    /// write.
    pub(super) fn finish(mut self, speed: Speed, done: &mut Done) -> Result<Speed> {
        let last = Instant::now();
        if let Some(mut list) = self.list.take() {
            list.complete(&self.writer.path)?;
            done.store_notes = self.writer.finish_record(list.record)?;
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
