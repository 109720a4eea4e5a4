//! Writing a feature store: one writer, parts as they fill up, the index last.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::content::{Content, Digest, Picture};
use super::dtype::Dtype;
use super::folder::{refuse_other_folder, remove_store};
use super::identity::is_store;
use super::index::Index;
use super::manifest::StoreManifest;
use super::names::{LOCK, part_name};
use super::part::{self, Rows};
use super::reader::FeatureReader;
use super::recognition::{Lookup, Recognise, Recognised};
use super::stamps::Stamps;
use super::store::incomplete;
use crate::error::{Error, FeaturesError, Result};
use crate::images::{DecodeOptions, Found};
use crate::lock::WriteLock;
use crate::progress::Progress;

/// A part is written when it holds this much, or is this old: that is what a killed run loses.
const PART_BYTES: usize = 16 << 20;
const PART_AGE: Duration = Duration::from_secs(10);

/// What a writer does with a store that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Existing {
    /// Keep its features and add to them; refused where its manifest is another.
    #[default]
    Extend,
    /// The same, after every part has been read and checked as a whole.
    Verify,
    /// Throw its features away.
    Overwrite,
}

/// A store that is being written; it is locked as long as this lives. One that cannot be written to is opened
/// all the same: who adds nothing to it needs no lock.
#[derive(Debug)]
pub struct StoreWriter {
    pub(super) path: PathBuf,
    pub(super) manifest: StoreManifest,
    /// What was there when it was opened.
    pub(super) known: Arc<HashSet<Digest>>,
    /// What came after, with the number of its part and its place there.
    added: HashMap<Digest, (usize, usize)>,
    /// The parts that are used, those written since last.
    pub(super) parts: Vec<PathBuf>,
    pub(super) notes: Vec<String>,
    pending: Rows,
    pending_since: Instant,
    pub(super) next_part: usize,
    access: Access,
}

/// What may be done to the files.
#[derive(Debug)]
enum Access {
    /// Everything, while the lock is held.
    Write {
        #[expect(dead_code, reason = "the lock lasts as long as the value")]
        lock: WriteLock,
    },
    /// Nothing: the folder is read-only.
    Read,
}

impl StoreWriter {
    /// Opens a store for writing, or begins a new one.
    ///
    /// Parts that are cut or foreign are renamed out of the way and noted; their images are computed again.
    ///
    /// # Errors
    /// [`Error::Locked`]; [`FeaturesError`] where the store holds something else, or the folder is used for
    /// something else; [`Error::Io`].
    pub fn open(path: &Path, manifest: StoreManifest, existing: Existing) -> Result<Self> {
        refuse_other_folder(path)?;
        fs::create_dir_all(path).map_err(Error::io("create", path))?;
        let access = Access::of(path, existing)?;
        if existing == Existing::Overwrite {
            remove_store(path)?;
        }
        let mut writer = Self {
            path: path.to_owned(),
            manifest,
            known: Arc::default(),
            added: HashMap::new(),
            parts: Vec::new(),
            notes: Vec::new(),
            pending: Rows::default(),
            pending_since: Instant::now(),
            next_part: 0,
            access,
        };
        writer.adopt(existing)?;
        Ok(writer)
    }

    /// Number of images whose features are in the store, or will be when it is finished.
    #[must_use]
    pub fn count(&self) -> usize {
        self.known.len() + self.added.len()
    }

    /// How the store keeps numbers.
    #[must_use]
    pub(crate) fn dtype(&self) -> Dtype {
        self.manifest.dtype
    }

    /// Whether features can be added; not where the folder is read-only.
    #[must_use]
    pub(crate) fn can_write(&self) -> bool {
        matches!(self.access, Access::Write { .. })
    }

    /// Goes on with features that `manifest` describes, after those that were known have been looked up.
    ///
    /// # Errors
    /// [`FeaturesError::OtherFeatures`] where the store holds something else.
    pub(crate) fn go_on_with(&mut self, manifest: StoreManifest) -> Result<()> {
        let found = std::mem::replace(&mut self.manifest, manifest);
        self.refuse_mismatch(&found)?;
        self.note_other_engine(&found);
        Ok(())
    }

    /// Whether an image's features are in the store.
    #[must_use]
    pub fn knows(&self, digest: &Digest) -> bool {
        self.known.contains(digest) || self.added.contains_key(digest)
    }

    /// The digests in the store when it was opened.
    #[must_use]
    pub(crate) fn known(&self) -> Arc<HashSet<Digest>> {
        Arc::clone(&self.known)
    }

    /// The files whose features are in the store, told on so many threads.
    #[doc(hidden)]
    #[must_use]
    pub fn recognise(
        &self,
        entries: &[Found],
        how: Recognise,
        decoding: &DecodeOptions,
        threads: usize,
        progress: &dyn Progress,
    ) -> Recognised {
        if self.known.is_empty() {
            return Recognised::default();
        }
        let lookup = Lookup {
            stamps: Stamps::read(&self.path),
            known: &self.known,
            decoding,
            how,
        };
        lookup.all(entries, threads, progress)
    }

    /// What the user should know about the store as it was found.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Adds an image's features; they are on disk after the next [`StoreWriter::flush`] at the latest.
    ///
    /// # Errors
    /// [`Error::Io`] where a part cannot be written; [`FeaturesError::NotKept`] for numbers that would not
    /// come back, see [`Dtype::holds`].
    pub fn push(&mut self, digest: Digest, features: &[f32]) -> Result<()> {
        self.dtype()
            .holds(features)
            .map_err(|reason| FeaturesError::NotKept {
                store: self.path.clone(),
                reason: reason.to_string(),
            })?;
        if self.knows(&digest) {
            return Ok(());
        }
        let place = (self.next_part, self.pending.digests.len());
        self.added.insert(digest, place);
        if self.pending.digests.is_empty() {
            self.pending_since = Instant::now();
        }
        self.pending.digests.push(digest);
        self.pending.features.extend_from_slice(features);
        if size_of_val(&self.pending.features[..]) >= PART_BYTES
            || self.pending_since.elapsed() >= PART_AGE
        {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what is pending as a part.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn flush(&mut self) -> Result<()> {
        if self.pending.digests.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.pending);
        let path = self.path.join(part_name(self.next_part));
        part::write(&path, rows, &self.manifest)?;
        self.parts.push(path);
        self.next_part += 1;
        Ok(())
    }

    /// A reader for [`Self::features`].
    #[doc(hidden)]
    #[must_use]
    pub fn reader(&self) -> FeatureReader {
        FeatureReader::new(self.manifest.clone())
    }

    /// The features of all views of an image that the store [knows](Self::knows): from memory if they are not
    /// written yet.
    ///
    /// # Errors
    /// [`Error::File`] for a part that is not as it was written; [`FeaturesError::Incomplete`] where the
    /// store does not know the image.
    #[doc(hidden)]
    pub fn features(&self, digest: &Digest, reader: &mut FeatureReader) -> Result<Vec<f32>> {
        if let Some(&(part, image)) = self.added.get(digest)
            && part == self.next_part
        {
            let width = self.pending.features.len() / self.pending.digests.len();
            return Ok(self.pending.features[image * width..][..width].to_vec());
        }
        reader.catch_up(&self.parts)?;
        let features = reader.image(digest)?;
        features.ok_or_else(|| incomplete(&self.path, 1))
    }

    /// Writes what is pending, so that the next run goes on from there, whatever ended this one.
    #[must_use]
    pub(crate) fn keep(mut self, end: Error) -> Error {
        match (self.flush(), end) {
            (Ok(()), Error::Interrupted { .. }) => Error::Interrupted {
                kept: self.can_write().then(|| self.count()),
            },
            (Err(lost), Error::Interrupted { .. }) => lost,
            (_, end) => end,
        }
    }

    /// Writes what is pending, and leaves the index of another run as it is.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(mut self) -> Result<()> {
        self.flush()
    }

    /// Writes what is pending, and then the index of a run and what was in its files, where they are new.
    /// Returns all notes.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish_run(
        mut self,
        index: &Index,
        pictures: &[(PathBuf, Picture)],
    ) -> Result<Vec<String>> {
        self.flush()?;
        let mut seen = Stamps::default();
        for (path, picture) in pictures {
            if let Some(stamp) = picture.stamp {
                seen.insert(path, stamp, Content::of(picture));
            }
        }
        // They save time, and nothing else: a store that is read-only goes without.
        if self.can_write() && Stamps::read(&self.path) != seen {
            seen.write(&self.path)?;
        }
        match Index::read(&self.path) {
            Ok(found) if found == *index => {}
            Ok(found) => {
                index.write(&self.path)?;
                self.notes.extend(index.not_here(&found));
            }
            Err(error) => {
                index.write(&self.path)?;
                self.notes.push(format!("{error}; it is written again"));
            }
        }
        Ok(self.notes)
    }

    pub(super) fn note_other_engine(&mut self, found: &StoreManifest) {
        let differences = found.engine.differences(&self.manifest.engine);
        if differences.is_empty() || self.known.is_empty() {
            return;
        }
        self.notes.push(format!(
            "the features in `{}` (left) and those of this run (right) agree to rounding only: {}",
            self.path.display(),
            differences.join("; ")
        ));
    }

    pub(super) fn refuse_mismatch(&self, found: &StoreManifest) -> Result<()> {
        let differences = found.differences(&self.manifest);
        if differences.is_empty() {
            return Ok(());
        }
        let store = self.path.clone();
        Err(FeaturesError::OtherFeatures { store, differences }.into())
    }
}

impl Access {
    /// Takes the lock; of a store whose folder is read-only, there is nothing to lock.
    fn of(path: &Path, existing: Existing) -> Result<Self> {
        match WriteLock::take(&path.join(LOCK), path) {
            Ok(lock) => Ok(Self::Write { lock }),
            Err(Error::Io { source, .. })
                if existing != Existing::Overwrite && is_store(path) && is_read_only(&source) =>
            {
                Ok(Self::Read)
            }
            Err(error) => Err(error),
        }
    }
}

fn is_read_only(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}
