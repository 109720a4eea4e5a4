//! Decides which files in a store's folder belong to the store and can be removed.

use std::fs;
use std::path::{Path, PathBuf};

use super::identity::{is_store, store_around};
use super::names::{LOCK, MANIFEST, is_ours};
use crate::error::{Error, FeaturesError, Result};
use crate::outputs;

/// Returns an error if a folder contains something else, so that it does not become a store and is not
/// emptied.
pub(super) fn refuse_other_folder(path: &Path) -> Result<()> {
    if let Some(store) = store_around(path) {
        let path = path.to_owned();
        return Err(FeaturesError::InsideStore { path, store }.into());
    }
    let Ok(mut entries) = fs::read_dir(path) else {
        return Ok(());
    };
    // A writer that was killed before it wrote the manifest leaves only these files.
    let left = |name: &str| name == LOCK || outputs::is_leftover(name);
    let left = |entry: &fs::DirEntry| entry.file_name().to_str().is_some_and(left);
    // The manifest is checked last, because another writer may be creating the store at the same time.
    if entries.by_ref().flatten().all(|entry| left(&entry)) || is_store(path) {
        return Ok(());
    }
    let path = path.to_owned();
    Err(FeaturesError::OtherFolder { path }.into())
}

/// Removes the files of a store, the manifest last, and no others. Does nothing if the folder is not a store.
pub(super) fn remove_store(path: &Path) -> Result<()> {
    if !is_store(path) {
        return Ok(());
    }
    let mut paths = files(path, |name| is_ours(name) && name != LOCK)?;
    paths.sort_by_key(|path| path.ends_with(MANIFEST));
    remove(&paths)
}

/// Lists the files in a folder whose names are `wanted`, without folders of such a name.
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
