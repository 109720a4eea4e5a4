//! Writes a feature store: one writer at a time, a part whenever one is full, and the index last.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::content::Digest;
use super::directory::Directory;
use super::dtype::Dtype;
use super::folder::{refuse_other_folder, remove_store};
use super::identity::is_store;
use super::manifest::StoreManifest;
use super::names::{LOCK, part_name, part_number};
use super::part::{self, Rows};
use super::position::Position;
use super::reader::FeatureReader;
use super::recognition::{Lookup, Recognise, Recognised};
use super::remembered::Remembered;
use super::store::incomplete;
use crate::error::{Error, FeaturesError, Result, system_error};
use crate::images::{DecodeOptions, Entries};
use crate::lock::WriteLock;
use crate::outputs;
use crate::progress::Progress;

/// A part is written when it reaches this size or age, which limits what a killed run loses.
const PART_BYTES: usize = 16 << 20;
const PART_AGE: Duration = Duration::from_secs(10);

/// A store with more parts than this takes long to open.
pub(super) const MANY_PARTS: usize = 1000;

/// What a writer does with an existing store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Existing {
    /// Keep its features and add to them. Opening fails if its manifest does not match.
    #[default]
    Extend,
    /// As [`Extend`](Self::Extend), after reading and checking all parts completely.
    Verify,
    /// Delete its features.
    Overwrite,
}

/// A feature store that is open for writing, and locked until this is dropped.
///
/// A read-only store can be opened too, without a lock, but no features can be added to it.
#[derive(Debug)]
pub struct StoreWriter {
    pub(super) path: PathBuf,
    pub(super) manifest: StoreManifest,
    /// The images in the store. Those that are pending are in the next of the `parts`.
    pub(super) directory: Directory,
    /// How many images were in the store when it was opened.
    pub(super) found: usize,
    /// The parts in use, those written by this writer last.
    pub(super) parts: Vec<PathBuf>,
    pub(super) notes: Vec<String>,
    pending: Rows,
    pending_since: Instant,
    pub(super) next_part: usize,
    access: Access,
}

/// How the files can be accessed.
#[derive(Debug)]
enum Access {
    /// Read and write, while the lock is held.
    Write {
        #[expect(dead_code, reason = "the lock lasts as long as the value")]
        lock: WriteLock,
    },
    /// Read only, since the folder is read-only.
    Read,
}

impl StoreWriter {
    /// Opens a store for writing, or creates a new one.
    ///
    /// Damaged parts, and parts of another format, are renamed, and a note is added; their features have to
    /// be recomputed.
    ///
    /// # Errors
    /// [`Error::Locked`]; [`FeaturesError`] if the store holds other features or the folder contains
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
            directory: Directory::default(),
            found: 0,
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

    /// Returns the number of images whose features are in the store or will be when it is finished.
    #[must_use]
    pub fn count(&self) -> usize {
        self.directory.len()
    }

    /// Returns the number type of the stored features.
    #[must_use]
    pub(crate) fn dtype(&self) -> Dtype {
        self.manifest.dtype
    }

    /// Returns whether features can be added, which is false if the folder is read-only.
    #[must_use]
    pub(crate) fn can_write(&self) -> bool {
        matches!(self.access, Access::Write { .. })
    }

    fn require_write(&self) -> Result<()> {
        if self.can_write() {
            return Ok(());
        }
        let store = self.path.clone();
        Err(FeaturesError::ReadOnly { store }.into())
    }

    /// Continues with features that `manifest` describes, after the known images have been looked up.
    ///
    /// # Errors
    /// [`FeaturesError::OtherFeatures`] if the store holds other features.
    pub(crate) fn go_on_with(&mut self, manifest: StoreManifest) -> Result<()> {
        let found = std::mem::replace(&mut self.manifest, manifest);
        self.refuse_mismatch(&found)?;
        self.note_other_engine(&found);
        Ok(())
    }

    /// Returns whether an image's features are in the store.
    #[must_use]
    pub fn knows(&self, digest: &Digest) -> bool {
        self.directory.contains(digest)
    }

    /// Returns the images in the store, which are shared with this writer.
    #[must_use]
    pub(crate) fn directory(&self) -> Directory {
        self.directory.clone()
    }

    /// Finds the files whose features are in the store, with readers for `threads` CPUs.
    #[doc(hidden)]
    #[must_use]
    pub fn recognise(
        &self,
        entries: &Entries,
        how: Recognise,
        decoding: &DecodeOptions,
        threads: usize,
        progress: &dyn Progress,
    ) -> Recognised {
        if self.directory.is_empty() {
            return Recognised::default();
        }
        let remembered = match how {
            Recognise::ByStamp => Remembered::read(&self.path, &self.directory),
            Recognise::ByContent => Remembered::default(),
        };
        let lookup = Lookup {
            remembered,
            directory: &self.directory,
            decoding,
        };
        lookup.all(entries, threads, progress)
    }

    /// Returns notes for the user about the state of the store.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Adds an image's features. They are on disk after the next [`StoreWriter::flush`] at the latest.
    ///
    /// # Errors
    /// [`Error::Io`] if a part cannot be written; [`FeaturesError::ReadOnly`]; [`FeaturesError::NotKept`] for
    /// values that the store cannot represent, see [`Dtype::holds`].
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
        self.require_write()?;
        let position = Position::new(self.parts.len(), self.pending.digests.len());
        self.directory.insert(&digest, position);
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

    /// Writes the pending features as a part.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn flush(&mut self) -> Result<()> {
        if self.pending.digests.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.pending);
        let bytes = part::bytes(rows, &self.manifest);
        let bytes = bytes.map_err(|e| Error::io("write", &self.path)(system_error(e)))?;
        self.next_place(|path| Ok(outputs::write_new(path, &bytes)?.then_some(())))
    }

    /// Adds a part with the next free number. `write` returns `None` if there is a file with that name: on
    /// file systems whose locks are not shared, another machine may write to the same store.
    pub(super) fn next_place<T>(
        &mut self,
        mut write: impl FnMut(&Path) -> Result<Option<T>>,
    ) -> Result<T> {
        self.require_write()?;
        loop {
            let name = part_name(self.next_part);
            let path = self.path.join(&name);
            if part_number(&name).is_none() {
                let full = io::Error::other("no number is left for another part");
                return Err(Error::io("write", &path)(full));
            }
            let written = write(&path)?;
            self.next_part += 1;
            if let Some(written) = written {
                self.parts.push(path);
                return Ok(written);
            }
        }
    }

    /// Adds an existing part with these images, as [`Self::next_place`] does.
    pub(super) fn add_part<T>(
        &mut self,
        digests: &[Digest],
        write: impl FnMut(&Path) -> Result<Option<T>>,
    ) -> Result<T> {
        // The pending images are those of the next part.
        self.flush()?;
        let written = self.next_place(write)?;
        let part = self.parts.len() - 1;
        self.directory.add_part(part, digests);
        Ok(written)
    }

    /// Creates a reader for [`Self::features`].
    #[doc(hidden)]
    #[must_use]
    pub fn reader(&self) -> FeatureReader {
        FeatureReader::new(self.manifest.clone(), self.directory())
    }

    /// Returns the features of all views of an image that the store [knows](Self::knows), from memory if they
    /// have not been written yet.
    ///
    /// # Errors
    /// [`Error::File`] for a part that is damaged or was replaced; [`FeaturesError::Incomplete`] if the image
    /// is not in the store.
    #[doc(hidden)]
    pub fn features(&self, digest: &Digest, reader: &mut FeatureReader) -> Result<Vec<f32>> {
        if let Some(position) = self.directory.position(digest)
            && position.part() == self.parts.len()
        {
            let width = self.pending.features.len() / self.pending.digests.len();
            return Ok(self.pending.features[position.image() * width..][..width].to_vec());
        }
        reader.catch_up(&self.parts);
        let features = reader.image(digest)?;
        features.ok_or_else(|| incomplete(&self.path, 1))
    }

    /// Writes the pending features after a run stopped with the error `end`, so that the next run can
    /// continue from there. Returns the error to report.
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

    /// Writes the pending features, without changing the index.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(mut self) -> Result<()> {
        self.flush()
    }

    pub(super) fn note_other_engine(&mut self, found: &StoreManifest) {
        let names = ["the store", "this run"];
        let differences = found.engine.differences(&self.manifest.engine, names);
        if differences.is_empty() || self.found == 0 {
            return;
        }
        self.notes.push(format!(
            "the features in `{}` and those of this run agree only up to rounding: {}",
            self.path.display(),
            differences.join("; ")
        ));
    }

    pub(super) fn refuse_mismatch(&self, found: &StoreManifest) -> Result<()> {
        let differences = found.differences(&self.manifest, ["the store", "this run"]);
        if differences.is_empty() {
            return Ok(());
        }
        let store = self.path.clone();
        Err(FeaturesError::OtherFeatures { store, differences }.into())
    }
}

impl Access {
    /// Takes the lock, or grants read access to a store whose folder is read-only.
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
