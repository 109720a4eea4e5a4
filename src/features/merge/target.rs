//! The merged store: a new one in a temporary folder, or an existing one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, FeaturesError, Result};
use crate::features::folder::refuse_other_folder;
use crate::features::identity::is_store;
use crate::features::manifest::StoreManifest;
use crate::features::names::LOCK;
use crate::features::record::RunRecord;
use crate::features::shard_record::has_finished;
use crate::features::writer::{Existing, StoreWriter};
use crate::images::Entries;
use crate::outputs::{self, TemporaryFolder};

/// The store that is filled.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) writer: StoreWriter,
    /// Where the store will be.
    pub(super) output: PathBuf,
    /// Whether an extraction into an existing store has not finished.
    pub(super) is_unfinished: bool,
    /// The folder around a new store, until it is complete.
    temporary: Option<TemporaryFolder>,
}

impl Target {
    /// Opens an existing store, or begins a new one next to its place.
    ///
    /// # Errors
    /// Those of [`StoreWriter::open`]; [`FeaturesError`] if the store is a shard or read-only, or if its run
    /// has not finished, unless `partial` results are wanted.
    pub(super) fn open(output: &Path, manifest: StoreManifest, partial: bool) -> Result<Self> {
        refuse_other_folder(output)?;
        let parent = output.parent().filter(|parent| *parent != Path::new(""));
        let parent = parent.unwrap_or(Path::new("."));
        outputs::remove_leftovers(parent);
        let is_unfinished = is_store(output) && !has_finished(output, None)?;
        if is_unfinished && !partial {
            let store = output.to_owned();
            return Err(FeaturesError::UnfinishedTarget { store }.into());
        }
        let temporary = if is_store(output) {
            None
        } else {
            let folder = outputs::temporary_folder(parent);
            Some(folder.map_err(Error::io("create", output))?)
        };
        let place = match &temporary {
            // The temporary folder itself may be read by this user only.
            Some(folder) => folder.path().join("store"),
            None => output.to_owned(),
        };
        let mut writer = StoreWriter::open(&place, manifest, Existing::Extend)?;
        writer.begin(None, &Entries::default(), String::new)?;
        if !writer.can_write() {
            return Err(FeaturesError::ReadOnly { store: place }.into());
        }
        Ok(Self {
            writer,
            output: output.to_owned(),
            is_unfinished,
            temporary,
        })
    }

    /// Words an error in terms of the output instead of the temporary folder.
    pub(super) fn told(&self, error: Error) -> Error {
        match error {
            Error::Io {
                action,
                path,
                source,
            } if path.starts_with(&self.writer.path) => Error::Io {
                action,
                path: self.output.clone(),
                source,
            },
            other => other,
        }
    }

    /// Writes the index and the stamps, and moves a new store to its place. Returns notes for the user.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn finish(self, record: RunRecord) -> Result<Vec<String>> {
        let place = self.writer.path.clone();
        let told = |error| match error {
            Error::Io { action, source, .. } => Error::io(action, &self.output)(source),
            other => other,
        };
        let notes = self.writer.finish_record(record).map_err(told)?;
        if self.temporary.is_some() {
            // A writer that was killed at its start leaves a folder without a store.
            if self.output.is_dir() {
                outputs::remove_leftovers(&self.output);
                let _ = fs::remove_file(self.output.join(LOCK));
            }
            outputs::take_place(&place, &self.output)?;
        }
        Ok(notes)
    }
}
