//! The store beside a run over images: what it has is not computed, and what is computed goes into it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::samples::Done;
use crate::backbones::FeatureSpec;
use crate::error::{Error, FeaturesError, Result};
use crate::features::content::{Content, Picture};
use crate::features::index::{Index, IndexRow};
use crate::features::manifest::StoreManifest;
use crate::features::pipeline::{Item, Known, Outcome, Speed, Timings};
use crate::features::reader::FeatureReader;
use crate::features::recognition::{Recognise, Recognised};
use crate::features::writer::{Existing, StoreWriter};
use crate::images::path_text::to_text;
use crate::images::{DecodeOptions, Found};
use crate::phrases::counted;
use crate::progress::Progress;

/// A store that features are taken from and added to; it is locked as long as this lives.
#[derive(Debug)]
pub(crate) struct Kept {
    writer: StoreWriter,
    reader: FeatureReader,
    recognised: Arc<Recognised>,
    /// Computed images that a read-only store cannot keep.
    lost: usize,
    /// The samples of the run, where they become the store's index.
    list: Option<List>,
}

/// What a run lists.
#[derive(Debug, Default)]
struct List {
    index: Index,
    /// The used files and what is in them.
    pictures: Vec<(PathBuf, Picture)>,
}

impl Kept {
    /// A store as a cache: its index, the samples of its own last run, stays as it is.
    ///
    /// # Errors
    /// As [`StoreWriter::open`].
    pub(crate) fn cache(path: &Path, manifest: StoreManifest) -> Result<Self> {
        let writer = StoreWriter::open(path, manifest, Existing::Extend)?;
        Ok(Self {
            reader: writer.reader(),
            writer,
            recognised: Arc::default(),
            lost: 0,
            list: None,
        })
    }

    /// A store that images are extracted into: they become its index. Those that it knows already are told by
    /// `recognise`, on threads for so many CPUs.
    #[must_use]
    pub(crate) fn extraction(
        writer: StoreWriter,
        entries: &[Found],
        (recognise, decoding): (Recognise, &DecodeOptions),
        threads: usize,
        progress: &dyn Progress,
    ) -> Self {
        let recognised = writer.recognise(entries, recognise, decoding, threads, progress);
        Self {
            reader: writer.reader(),
            writer,
            recognised: Arc::new(recognised),
            lost: 0,
            list: Some(List::default()),
        }
    }

    /// Whether all of the entries are recognised, so that there is nothing to compute.
    #[must_use]
    pub(crate) fn covers(&self, entries: &[Found]) -> bool {
        self.recognised.covers(entries)
    }

    /// What its features are features of.
    #[must_use]
    pub(crate) fn spec(&self) -> &FeatureSpec {
        &self.writer.manifest.spec
    }

    /// Goes on with features that `manifest` describes, after the known ones have been looked up.
    ///
    /// # Errors
    /// [`FeaturesError::OtherFeatures`] where the store holds something else.
    pub(crate) fn go_on_with(mut self, manifest: StoreManifest) -> Result<Self> {
        self.writer.go_on_with(manifest)?;
        Ok(self)
    }

    /// Refuses images whose features could not be kept.
    ///
    /// # Errors
    /// [`FeaturesError::ReadOnly`] where the store is read-only and does not hold all of them.
    pub(crate) fn refuse_read_only(&self, entries: &[Found]) -> Result<()> {
        if self.writer.can_write() || self.covers(entries) {
            return Ok(());
        }
        let store = self.writer.path.clone();
        Err(FeaturesError::ReadOnly { store }.into())
    }

    /// Writes what is pending, whatever ended the run, and returns that error.
    #[must_use]
    pub(crate) fn keep(self, end: Error) -> Error {
        self.writer.keep(end)
    }

    /// What need not be computed.
    pub(super) fn known(&self) -> Known {
        Known {
            digests: self.writer.known(),
            recognised: Arc::clone(&self.recognised),
            once: self.writer.can_write(),
            dtype: self.writer.dtype(),
        }
    }

    /// Adds an image to the store, and returns its row, and its features as they are when they are read back.
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
            let path = || sample.path.clone();
            list.pictures
                .extend(picture.map(|picture| (path(), picture)));
            list.index.rows.push(row.clone());
        }
        if let (None, Some(picture), true) = (&features, picture, wanted) {
            let digest = picture.digest;
            features = Some(self.writer.features(&digest, &mut self.reader)?);
        }
        Ok((row, features))
    }

    /// Writes what is missing, notes what the user should know, and returns the run's speed with that.
    pub(super) fn finish(self, speed: Speed, done: &mut Done) -> Result<Speed> {
        let last = Instant::now();
        if let Some(List { index, pictures }) = self.list {
            done.store_notes = self.writer.finish_run(&index, &pictures)?;
            done.index = index;
        } else {
            done.store_notes = self.writer.notes().to_vec();
            if self.lost > 0 {
                done.store_notes.push(format!(
                    "the feature store `{}` is read-only: the features of {} were computed and not kept",
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

/// What is told of an image, under the path to open, and its features where they were computed.
pub(super) fn described(found: &Found, outcome: Outcome) -> (IndexRow, Option<Vec<f32>>) {
    let sample = found.sample();
    let (content, features) = match outcome {
        Outcome::Skipped(reason) => (Err(reason.to_string()), None),
        Outcome::Reused(picture) => (Ok(Content::of(&picture)), None),
        Outcome::Computed(picture, features) => (Ok(Content::of(&picture)), Some(features)),
    };
    let row = IndexRow {
        path: to_text(&sample.path),
        class: sample.class.as_deref().map(str::to_owned),
        content,
    };
    (row, features)
}
