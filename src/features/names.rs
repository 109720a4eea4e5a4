//! The names of a store's files, and the version of their formats.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::outputs;

/// The format version of all files of a store.
pub(super) const VERSION: u64 = 2;

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const INDEX: &str = "index.arrow";
pub(super) const STAMPS: &str = "stamps.arrow";
/// Where the features of each image of a large store are.
pub(super) const DIGESTS: &str = "digests.index";
/// Which shard of a run the store holds.
pub(super) const SHARD: &str = "shard.json";
/// Where the images of the last run were.
pub(super) const ROOTS: &str = "roots.json";
/// The file that a writer locks.
pub(super) const LOCK: &str = ".lock";

/// Returns the name of part number `n`.
pub(super) fn part_name(n: usize) -> String {
    format!("part-{n:05}.arrow")
}

/// Returns the number in a part's name, or `None` if it is not the name of a part.
pub(super) fn part_number(name: &str) -> Option<usize> {
    let digits = name.strip_prefix("part-")?.strip_suffix(".arrow")?;
    let n = digits.parse::<u32>().ok()? as usize;
    // Refuses names such as `part-+1.arrow`, which would parse as part 1.
    (part_name(n) == name).then_some(n)
}

/// Returns whether a name is that of one of a store's files, including damaged files that were set aside.
pub(super) fn is_ours(name: &str) -> bool {
    let name = without_damaged(name);
    outputs::is_leftover(name)
        || [MANIFEST, INDEX, STAMPS, DIGESTS, SHARD, ROOTS, LOCK].contains(&name)
        || part_number(name).is_some()
}

/// Lists the parts of a store in order of their numbers.
///
/// A listing during which parts are replaced may have neither the old ones nor the new one, so a listing
/// counts if the next one is the same.
pub(super) fn part_paths(store: &Path) -> Result<Vec<PathBuf>> {
    let mut found = list_parts(store)?;
    loop {
        let again = list_parts(store)?;
        if again == found {
            return Ok(found);
        }
        found = again;
    }
}

/// Passes the parts of a store to `read`, again if one was replaced before it was opened.
///
/// # Errors
/// Those of `read`.
pub(super) fn with_parts<T>(
    store: &Path,
    mut read: impl FnMut(&[PathBuf]) -> Result<T>,
) -> Result<T> {
    let mut parts = part_paths(store)?;
    loop {
        let done = read(&parts);
        if !matches!(&done, Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound) {
            return done;
        }
        let found = part_paths(store)?;
        if found == parts {
            return done;
        }
        parts = found;
    }
}

fn list_parts(store: &Path) -> Result<Vec<PathBuf>> {
    let mut parts: Vec<(usize, PathBuf)> = entries(store)?
        .filter_map(|(name, path)| Some((part_number(&name)?, path)))
        .collect();
    parts.sort();
    Ok(parts.into_iter().map(|(_, path)| path).collect())
}

/// Returns the next unused part number. Parts that were set aside keep their numbers.
pub(super) fn next_number(store: &Path) -> Result<usize> {
    let numbers = entries(store)?.filter_map(|(name, _)| part_number(without_damaged(&name)));
    Ok(numbers.max().map_or(0, |largest| largest + 1))
}

fn without_damaged(name: &str) -> &str {
    name.strip_suffix(".damaged").unwrap_or(name)
}

/// Lists the names and paths of the entries in a folder.
fn entries(folder: &Path) -> Result<impl Iterator<Item = (String, PathBuf)>> {
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let named = entries.flatten();
    Ok(named.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path()))))
}
