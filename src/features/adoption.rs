//! Opens an existing store for writing. Damaged files are rebuilt or set aside, never deleted.

use std::fs;
use std::path::{Path, PathBuf};

use super::arrow_file::Seal;
use super::directory::Directory;
use super::identity::{Testimony, can_be_rebuilt, is_store};
use super::index::{self, Index};
use super::manifest::StoreManifest;
use super::names::{next_number, part_paths};
use super::part::{self, Extent, Part};
use super::positions::{self, Positions};
use super::stamps::{self, Stamps};
use super::writer::{Existing, StoreWriter};
use crate::error::{Error, FeaturesError, FileProblem, Result};
use crate::outputs;

impl StoreWriter {
    /// Adopts the store in the folder, or writes the manifest of a new one.
    pub(super) fn adopt(&mut self, existing: Existing) -> Result<()> {
        if !is_store(&self.path) {
            return self.manifest.write(&self.path);
        }
        if self.can_write() {
            outputs::remove_leftovers(&self.path);
        }
        self.next_part = next_number(&self.path)?;
        let (found, seal) = self.found_manifest()?;
        self.take_parts(existing)?;
        if seal == Seal::Missing && self.can_write() {
            self.seal_all(&found)?;
        }
        self.note_other_engine(&found);
        Ok(())
    }

    /// Returns the store's manifest. It is rebuilt from the parts if it is damaged, or if the parts match
    /// this run and the manifest does not.
    fn found_manifest(&mut self) -> Result<(StoreManifest, Seal)> {
        let (error, is_damaged) = match StoreManifest::read_parsed(&self.path) {
            Ok(found) => match self.refuse_mismatch(&found.manifest) {
                Ok(()) => return Ok((found.manifest, found.seal)),
                Err(error) => (error, false),
            },
            Err(error) if can_be_rebuilt(&error) => (error, true),
            Err(error) => return Err(error),
        };
        let rebuilt = match Testimony::of(&self.path)? {
            Testimony::One(theirs) => match self.refuse_mismatch(&theirs) {
                Ok(()) => *theirs,
                Err(_) if !is_damaged => return Err(error),
                Err(mismatch) => return Err(mismatch),
            },
            Testimony::Nothing if is_damaged => self.manifest.clone(),
            Testimony::Contradiction { parts, differences } if is_damaged => {
                let store = self.path.clone();
                return Err(FeaturesError::MixedParts {
                    store,
                    parts,
                    differences,
                }
                .into());
            }
            Testimony::Nothing | Testimony::Contradiction { .. } => return Err(error),
        };
        self.notes.push(if is_damaged {
            format!("{error}; it was rebuilt from the store's features")
        } else {
            format!(
                "the manifest of `{}` belongs to another store; it was rebuilt from the store's features",
                self.path.display()
            )
        });
        Ok((rebuilt, Seal::Missing))
    }

    /// Adopts the intact parts, and sets the others aside.
    fn take_parts(&mut self, existing: Existing) -> Result<()> {
        let extent = match existing {
            Existing::Verify => Extent::Whole,
            Existing::Extend | Existing::Overwrite => Extent::Digests,
        };
        if self.can_write() {
            // Without an index, all digests of the store would be in memory. Faults are told below.
            let _ = positions::refresh(&self.path, &self.manifest);
        }
        let parts = part_paths(&self.path)?;
        let index = Positions::open(&self.path, &parts, &self.manifest);
        let mut bad = self.take(&parts, extent, index)?;
        if !bad.is_empty() {
            // The index counts the parts that are set aside too.
            self.parts.clear();
            bad = self.take(&parts, extent, None)?;
        }
        let is_foreign = |problem: &FileProblem| matches!(problem, FileProblem::Foreign { .. });
        let is_foreign =
            |error: &Error| matches!(error, Error::File { problem, .. } if is_foreign(problem));
        if self.directory.is_empty() && bad.iter().any(|(_, error)| is_foreign(error)) {
            self.refuse_features_of_another_store()?;
        }
        self.found = self.directory.len();
        bad.iter()
            .try_for_each(|(path, error)| self.set_aside(path, error))
    }

    /// Adopts the intact ones of some parts, and returns the others.
    fn take(
        &mut self,
        parts: &[PathBuf],
        extent: Extent,
        index: Option<Positions>,
    ) -> Result<Vec<(PathBuf, Error)>> {
        let mut bad = Vec::new();
        self.directory = Directory::with_index(index);
        for (part, path) in parts.iter().enumerate() {
            let taken = if self.directory.covers(part) {
                match extent {
                    Extent::Digests => Ok(Vec::new()),
                    Extent::Whole => Part::read(path, &self.manifest).map(|_| Vec::new()),
                }
            } else {
                part::adopt(path, &self.manifest, extent, self.can_write())
            };
            match taken {
                Ok(digests) => {
                    self.directory.add_part(self.parts.len(), &digests);
                    self.parts.push(path.clone());
                }
                Err(error @ Error::File { .. }) => bad.push((path.clone(), error)),
                Err(other) => return Err(other),
            }
        }
        Ok(bad)
    }

    /// Returns an error if the parts agree with each other but not with the manifest, which therefore belongs
    /// to another store.
    fn refuse_features_of_another_store(&self) -> Result<()> {
        let Testimony::One(theirs) = Testimony::of(&self.path)? else {
            return Ok(());
        };
        let differences = theirs.differences(&self.manifest, ["the features", "the manifest"]);
        if differences.is_empty() {
            return Ok(());
        }
        let store = self.path.clone();
        Err(FeaturesError::OtherManifest { store, differences }.into())
    }

    fn set_aside(&mut self, path: &Path, error: &Error) -> Result<()> {
        if !self.can_write() {
            self.notes
                .push(format!("{error}; its features are not used"));
            return Ok(());
        }
        fs::rename(path, path.with_added_extension("damaged"))
            .map_err(Error::io("rename", path))?;
        self.notes.push(format!(
            "{error}; it was set aside as *.damaged; extracting its images again computes its features"
        ));
        Ok(())
    }

    /// Adds checksums to the index, the manifest and the stamps. The manifest follows the index, since its
    /// checksum means that both have one.
    fn seal_all(&mut self, found: &StoreManifest) -> Result<()> {
        // An unreadable index is rewritten at the end of the run.
        match Index::read(&self.path) {
            Ok(found) if !found.is_empty() => {
                let mut ledger = index::ledger(&self.path, true)?;
                found.rows().try_for_each(|row| ledger.push(row))?;
                ledger.complete()?.take_place()?;
            }
            _ => {}
        }
        found.write(&self.path)?;
        let mut stamps = Stamps::default();
        stamps.add_store(&self.path);
        if stamps != Stamps::default() {
            self.notes
                .extend(stamps::write(&self.path, stamps.sorted()));
        }
        Ok(())
    }
}
