//! A store's folder: which of its files are the store's own, and may be removed.

use std::fs;
use std::path::{Path, PathBuf};

use super::identity::{is_store, store_around};
use super::names::{LOCK, MANIFEST, is_ours};
use crate::error::{Error, FeaturesError, Result};
use crate::outputs;

/// A folder that holds something else must not become a store, nor be emptied as one.
pub(super) fn refuse_other_folder(path: &Path) -> Result<()> {
    if let Some(store) = store_around(path) {
        let path = path.to_owned();
        return Err(FeaturesError::InsideStore { path, store }.into());
    }
    let Ok(mut entries) = fs::read_dir(path) else {
        return Ok(());
    };
    // A writer that was killed before it wrote the manifest leaves no more than these.
    let left = |name: &str| name == LOCK || outputs::is_leftover(name);
    let left = |entry: &fs::DirEntry| entry.file_name().to_str().is_some_and(left);
    // The manifest is looked for last: another writer may begin the store in this moment.
    if entries.by_ref().flatten().all(|entry| left(&entry)) || is_store(path) {
        return Ok(());
    }
    let path = path.to_owned();
    Err(FeaturesError::OtherFolder { path }.into())
}

/// Removes temporary files that killed writers left. The caller holds the lock, so none belongs to a running
/// writer.
pub(super) fn remove_leftovers(path: &Path) -> Result<()> {
    remove(&files(path, outputs::is_leftover)?)
}

/// Removes the files of a store, the manifest last, and nothing else; of a folder that is no store, nothing.
pub(super) fn remove_store(path: &Path) -> Result<()> {
    if !is_store(path) {
        return Ok(());
    }
    let mut paths = files(path, |name| is_ours(name) && name != LOCK)?;
    paths.sort_by_key(|path| path.ends_with(MANIFEST));
    remove(&paths)
}

/// The files of a folder whose names are `wanted`. A folder of such a name is none of ours.
fn files(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let is_file = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| !kind.is_dir());
    let wanted = entries
        .flatten()
        .filter(|entry| is_file(entry) && entry.file_name().to_str().is_some_and(&wanted));
    Ok(wanted.map(|entry| entry.path()).collect())
}

fn remove(paths: &[PathBuf]) -> Result<()> {
    paths
        .iter()
        .try_for_each(|path| fs::remove_file(path).map_err(Error::io("remove", path)))
}
