//! Decides whether a folder is a store and which features it holds, from its manifest or from the copies of
//! the manifest in its parts.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::manifest::{Parsed, StoreManifest, Told, not_as_written, parse, told_by};
use super::names::{INDEX, LOCK, MANIFEST, part_paths, with_parts};
use super::part;
use crate::error::{Error, FeaturesError, FileKind, FileProblem, Result};
use crate::inputs::{self, Links};
use crate::outputs;

/// The size limit of a manifest, in bytes. No manifest written by frostline is larger.
const MOST: u64 = 1 << 20;

/// Returns whether a path is a feature store, possibly a damaged one: its manifest says so or, if that is
/// missing or unreadable, one of its parts. File names alone do not count, since any folder may contain them.
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

/// Like [`is_store`], but tells a folder whose files may not be read from one that is not a store.
///
/// # Errors
/// [`Error::Io`] if the system does not permit to read the manifest, and no part tells that it is a store.
#[doc(hidden)]
pub fn try_is_store(path: &Path) -> Result<bool> {
    let manifest = path.join(MANIFEST);
    match inputs::open(&manifest, Links::Follow) {
        Err(e) if e.kind() == ErrorKind::PermissionDenied && !has_parts(path) => {
            // In a folder that may not be searched, it is not known whether there is a manifest.
            let is_there = manifest.symlink_metadata().is_ok();
            let denied = if is_there { &manifest } else { path };
            Err(Error::io("read", denied)(e))
        }
        _ => Ok(is_store(path)),
    }
}

/// Returns the feature store that contains a file or folder, existing or not. Links are followed.
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
    /// [`FeaturesError`] if the folder is missing, is not a store, or is a store without a manifest;
    /// [`Error::File`] if the manifest is truncated, damaged, of another format or of a newer version;
    /// [`Error::Io`] if it is a pipe, device or folder.
    pub fn read(store: &Path) -> Result<Self> {
        Ok(Self::read_parsed(store)?.manifest)
    }

    /// Reads a store's manifest, with the version and the checksum of its file.
    pub(super) fn read_parsed(store: &Path) -> Result<Parsed> {
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
        // The manifest of a store that looks like another format has been damaged.
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

    /// Reads the manifest of a folder that [is a store](is_store). Returns `None` if it has to be rebuilt.
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

/// Returns whether an error from reading a store's manifest means that it is missing or damaged.
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

/// What the manifests in the intact parts of a store say.
#[derive(Debug)]
pub(super) enum Testimony {
    /// No part is intact.
    Nothing,
    /// All parts can be mixed. The manifest is that of the first one.
    One(Box<StoreManifest>),
    /// Two parts cannot be mixed.
    Contradiction {
        parts: [PathBuf; 2],
        differences: Vec<String>,
    },
}

impl Testimony {
    /// Reads and checks all parts of a store. Damaged parts are ignored.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn of(store: &Path) -> Result<Self> {
        with_parts(store, Self::of_parts)
    }

    fn of_parts(paths: &[PathBuf]) -> Result<Self> {
        let mut first: Option<(PathBuf, StoreManifest)> = None;
        for path in paths {
            let own = match part::own_manifest(path) {
                Ok(own) => own,
                Err(Error::File { .. }) => continue,
                Err(error) => return Err(error),
            };
            match &first {
                None => first = Some((path.clone(), own)),
                Some((other, agreed)) => {
                    let [name, second] = [other, path].map(|part| file_name(part));
                    let differences = agreed.differences(&own, [&name, &second]);
                    if !differences.is_empty() {
                        let parts = [other.clone(), path.clone()];
                        return Ok(Self::Contradiction { parts, differences });
                    }
                }
            }
        }
        Ok(first.map_or(Self::Nothing, |(_, agreed)| Self::One(Box::new(agreed))))
    }
}

/// Returns the name of a part for messages.
fn file_name(part: &Path) -> String {
    let name = part.file_name().unwrap_or(part.as_os_str());
    format!("`{}`", name.display())
}

/// Returns whether a folder without a readable manifest contains a part of a store, possibly of a newer
/// version.
fn has_parts(folder: &Path) -> bool {
    // Other folders may contain millions of files, so they are listed only if a writer's files are present.
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
