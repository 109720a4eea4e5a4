//! The merged store: a new one in a temporary folder, or an existing one.

use std::fs;
use std::path::{Path, PathBuf};

use super::sources::Source;
use super::stamps;
use crate::error::{Error, FeaturesError, Result};
use crate::features::folder::refuse_other_folder;
use crate::features::identity::is_store;
use crate::features::manifest::StoreManifest;
use crate::features::names::LOCK;
use crate::features::record::RunRecord;
use crate::features::roots::Roots;
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
    /// Those of [`StoreWriter::open`]; [`FeaturesError`] if the store is a shard, or if its run has not
    /// finished, unless `partial` results are wanted.
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
        let opened = StoreWriter::open(&place, manifest, Existing::Extend);
        let mut writer = opened.map_err(|error| told(error, &place, output))?;
        writer.begin(None, &Entries::default(), String::new)?;
        Ok(Self {
            writer,
            output: output.to_owned(),
            is_unfinished,
            temporary,
        })
    }

    /// Writes the index and the stamps, and moves a new store to its place. Returns notes for the user.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn finish(mut self, record: RunRecord, sources: &[Source]) -> Result<Vec<String>> {
        let place = self.writer.path.clone();
        let stores = sources.iter().filter(|source| source.store.is_some());
        let stores = stores.map(|source| &source.path);
        let stores = [&place].into_iter().chain(stores);
        let mut roots = Roots::default();
        stores.clone().for_each(|store| roots.add_store(store));
        let written = roots.write(&place, &self.output);
        written.map_err(|error| told(error, &place, &self.output))?;
        let stamps = stamps::merged(stores);
        let notes = self.writer.finish_record(record, stamps);
        let notes = notes.map_err(|error| told(error, &place, &self.output))?;
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

/// Words an error about the store that is filled in terms of the output.
pub(super) fn told(error: Error, filled: &Path, output: &Path) -> Error {
    match error {
        Error::Io {
            action,
            path,
            source,
        } if path.starts_with(filled) => Error::io(action, output)(source),
        Error::File {
            path,
            kind,
            problem,
        } if filled != output && path.starts_with(filled) => Error::File {
            path: output.to_owned(),
            kind,
            problem,
        },
        Error::Features(FeaturesError::NotKept { store, reason }) if store == filled => {
            let store = output.to_owned();
            FeaturesError::NotKept { store, reason }.into()
        }
        other => other,
    }
}
