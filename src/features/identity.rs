//! Whether a folder is a store, and what it says it holds: its manifest does, and each of its parts, which
//! carries one.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::arrow_file::Seal;
use super::manifest::{StoreManifest, Told, not_as_written, parse, told_by};
use super::names::{INDEX, LOCK, MANIFEST, part_paths};
use super::part;
use crate::error::{Error, FeaturesError, FileKind, FileProblem, Result};
use crate::inputs::{self, Links};
use crate::outputs;

/// No manifest of ours has more bytes.
const MOST: u64 = 1 << 20;

/// Whether a path is a feature store, also a damaged one: its manifest says so, or, where that is missing or
/// illegible, a part does. A folder of anything else may hold files of those names.
#[must_use]
pub fn is_store(path: &Path) -> bool {
    match inputs::read(&path.join(MANIFEST), Links::Follow, MOST) {
        Ok(bytes) => match told_by(&bytes) {
            Told::Store => true,
            Told::SomethingElse => false,
            Told::Nothing => has_parts(path),
        },
        Err(e) if e.kind() == ErrorKind::NotADirectory => false,
        Err(_) => has_parts(path),
    }
}

/// The feature store that a file or folder lies in, or will; links are followed.
#[must_use]
pub(crate) fn store_around(path: &Path) -> Option<PathBuf> {
    let folder = outputs::existing_folder(path)?;
    let found = folder.ancestors().find(|folder| is_store(folder));
    found.map(Path::to_owned)
}

impl StoreManifest {
    /// Reads a store's manifest.
    ///
    /// # Errors
    /// [`FeaturesError`] where the folder is missing, no store, or a store without a manifest;
    /// [`Error::File`] where the manifest is cut, damaged, foreign or newer; [`Error::Io`] for a pipe, device
    /// or folder in its place.
    pub fn read(store: &Path) -> Result<Self> {
        Ok(Self::read_with_seal(store)?.0)
    }

    /// The same, and whether it has a checksum.
    pub(super) fn read_with_seal(store: &Path) -> Result<(Self, Seal)> {
        let path = store.join(MANIFEST);
        let problem = match inputs::read(&path, Links::Follow, MOST) {
            Ok(bytes) => match parse(&bytes) {
                Ok(read) => return Ok(read),
                Err(problem) => problem,
            },
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(no_store(store).into());
            }
            Err(e) if e.kind() == ErrorKind::FileTooLarge => FileProblem::Damaged(e.to_string()),
            Err(e) => return Err(Error::io("read", &path)(e)),
        };
        // What the damage left may look like anything.
        let problem = match problem {
            FileProblem::Foreign { .. } if is_store(store) => not_as_written(),
            other => other,
        };
        Err(Error::File {
            path,
            kind: FileKind::StoreManifest,
            problem,
        })
    }

    /// Reads the manifest of what [is a store](is_store); nothing where it is to be rebuilt.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn read_intact(store: &Path) -> Result<Option<Self>> {
        match Self::read(store) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(error) if can_be_rebuilt(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether an error in reading the manifest of a store says that it is missing, or was right once.
pub(super) fn can_be_rebuilt(error: &Error) -> bool {
    match error {
        Error::Features(FeaturesError::LostManifest { .. }) => true,
        Error::File { problem, .. } => problem.is_damage(),
        _ => false,
    }
}

fn no_store(folder: &Path) -> FeaturesError {
    let path = folder.to_owned();
    if is_store(folder) {
        FeaturesError::LostManifest { store: path }
    } else if folder.exists() {
        FeaturesError::NotAStore { path }
    } else {
        FeaturesError::Missing { store: path }
    }
}

/// The manifests that the intact parts of a store carry.
#[derive(Debug)]
pub(super) enum Testimony {
    /// No part is intact.
    Nothing,
    /// Their features may be mixed; the manifest is that of the first of them.
    One(Box<StoreManifest>),
    /// Two parts whose features may not be mixed.
    Contradiction {
        parts: [PathBuf; 2],
        differences: Vec<String>,
    },
}

impl Testimony {
    /// Reads and checks all parts.
    ///
    /// # Errors
    /// [`Error::Io`]. A damaged part says nothing.
    pub(super) fn of(store: &Path) -> Result<Self> {
        let mut first: Option<(PathBuf, StoreManifest)> = None;
        for path in part_paths(store)? {
            let own = match part::own_manifest(&path) {
                Ok(own) => own,
                Err(Error::File { .. }) => continue,
                Err(error) => return Err(error),
            };
            match &first {
                None => first = Some((path, own)),
                Some((other, agreed)) => {
                    let differences = agreed.differences(&own);
                    if !differences.is_empty() {
                        let parts = [other.clone(), path];
                        return Ok(Self::Contradiction { parts, differences });
                    }
                }
            }
        }
        Ok(first.map_or(Self::Nothing, |(_, agreed)| Self::One(Box::new(agreed))))
    }
}

/// Whether a folder without a legible manifest has parts of a store, damaged or not.
fn has_parts(folder: &Path) -> bool {
    // Folders of anything else may hold millions of files: only what a writer leaves is worth a look at them
    // all.
    let is_there = |name: &str| folder.join(name).symlink_metadata().is_ok();
    if !is_there(INDEX) && !is_there(LOCK) {
        return false;
    }
    let is_ours = |path: &PathBuf| match part::own_manifest(path) {
        Err(Error::File { problem, .. }) => matches!(problem, FileProblem::Newer { .. }),
        own => own.is_ok(),
    };
    part_paths(folder).is_ok_and(|parts| parts.iter().any(is_ours))
}
