//! The index of a run, which is written while its images pass, and what is written after it.

use std::path::{Path, PathBuf};

use super::arrow_file::Failure;
use super::content::Picture;
use super::directory::Directory;
use super::index::{self, Index, IndexRow};
use super::ledger::Ledger;
use super::names::INDEX;
use super::positions;
use super::stamps::{self, StampRow};
use super::writer::{MANY_PARTS, StoreWriter};
use crate::error::{Error, FileKind, Result};
use crate::images::Place;
use crate::phrases::counted;

/// The index of a run.
pub(crate) struct RunRecord {
    store: PathBuf,
    directory: Directory,
    index: Ledger<IndexRow>,
    /// Which images of the directory are in the run, by number.
    seen: Vec<bool>,
}

impl RunRecord {
    /// Begins the record of a run that writes to a store.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn begin(writer: &StoreWriter) -> Result<Self> {
        Ok(Self {
            index: index::ledger(&writer.path, writer.can_write())?,
            store: writer.path.clone(),
            directory: writer.directory(),
            seen: Vec::new(),
        })
    }

    /// Adds an image. The features of a used one are in the store.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn add(&mut self, row: IndexRow) -> Result<()> {
        let content = row.content.as_ref().ok();
        let number = content.and_then(|content| self.directory.number(&content.digest));
        if let Some(number) = number {
            let number = number as usize;
            self.seen.resize(self.seen.len().max(number + 1), false);
            self.seen[number] = true;
        }
        self.index.push(row)
    }

    /// Replaces the index of the last run if it differs. Returns a note about the images that it has lost.
    ///
    /// # Errors
    /// [`Error::Io`].
    fn finish(self) -> Result<Option<String>> {
        let index = self.index.complete()?;
        let path = self.store.join(INDEX);
        let gone = match index.is_there(index::LARGEST) {
            Ok(true) => return Ok(None),
            Ok(false) => gone(&self.store, &self.directory, &self.seen),
            Err(Failure::System(_)) if !path.exists() => Ok(0),
            Err(failure) => Err(failure.of(&path, FileKind::StoreIndex)),
        };
        index.take_place()?;
        Ok(match gone {
            Ok(0) => None,
            Ok(n) => Some(format!(
                "{} of the previous run {} not in this run and no longer listed; the features stay in the \
                 store",
                counted(n, "image"),
                if n == 1 { "is" } else { "are" }
            )),
            Err(error) => Some(format!("{error}; the index was rewritten")),
        })
    }
}

impl StoreWriter {
    /// Writes the pending features, and then the index and the stamps of a run if they have changed. Returns
    /// all notes.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn finish_record(
        &mut self,
        record: RunRecord,
        stamps: impl Iterator<Item = StampRow>,
    ) -> Result<Vec<String>> {
        self.flush()?;
        self.notes.extend(record.finish()?);
        if self.can_write() {
            self.notes.extend(stamps::write(&self.path, stamps));
        }
        self.refresh_positions();
        if self.parts.len() > MANY_PARTS {
            let (store, parts) = (self.path.display(), self.parts.len());
            self.notes.push(format!(
                "`{store}` has {parts} parts, which take long to open (`compact`)"
            ));
        }
        Ok(std::mem::take(&mut self.notes))
    }

    /// Writes the index of the digests if it lacks many. It only saves time, so a failure is a note.
    pub(super) fn refresh_positions(&mut self) {
        if !self.can_write() {
            return;
        }
        if let Err(error) = positions::refresh(&self.path, &self.manifest) {
            let store = self.path.display();
            self.notes
                .push(format!("`{store}` is slow to open: {error}"));
        }
    }

    /// Like [`Self::finish`], and writes the index and the stamps of a run over images with this content.
    ///
    /// # Errors
    /// [`Error::Io`].
    #[doc(hidden)]
    pub fn finish_run(
        mut self,
        index: &Index,
        pictures: &[(Place, Picture)],
    ) -> Result<Vec<String>> {
        let mut record = RunRecord::begin(&self)?;
        index.rows().try_for_each(|row| record.add(row))?;
        let stamps = pictures.iter();
        let stamps = stamps.filter_map(|(place, picture)| StampRow::new(place, picture));
        self.finish_record(record, stamps)
    }
}

/// Counts the images that leave the index, for example after extracting a single class folder.
fn gone(store: &Path, directory: &Directory, seen: &[bool]) -> Result<usize, Error> {
    let mut gone = 0;
    for row in index::rows(store)? {
        if let Ok(content) = row?.content {
            let number = directory.number(&content.digest);
            let is_here = number.is_some_and(|n| seen.get(n as usize) == Some(&true));
            gone += usize::from(!is_here);
        }
    }
    Ok(gone)
}
