//! Moves a user's file: it is removed only once its content is safe in its new place.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

use super::write::{copy_new, link_new, sync_folder};
use crate::error::{Error, Result};

/// Makes a file appear in another folder as a hard link or, where the system cannot, and of a symbolic link,
/// as a copy. Returns false, and changes nothing, if there is a file at `path`.
///
/// # Errors
/// [`Error::Io`] naming `path`, or `from` if it cannot be read.
pub(crate) fn link_or_copy_new(from: &Path, path: &Path) -> Result<bool> {
    let found = fs::symlink_metadata(from).map_err(Error::io("read", from))?;
    if found.is_symlink() {
        return copy_new(from, path);
    }
    Ok(link_new(from, path)?.is_some())
}

/// Removes a file whose content is also at `path`, which is not a symbolic link. Nothing happens if both are
/// the same file under one name.
///
/// # Errors
/// [`Error::Io`] naming `path` if it cannot be synced, or `from` if it cannot be removed.
pub(crate) fn remove_moved(from: &Path, path: &Path) -> Result<()> {
    let [old, new] =
        [from, path].map(|path| fs::symlink_metadata(path).map_err(Error::io("read", path)));
    let [one, other] = [from, path].map(|path| fs::canonicalize(path).ok());
    if is_one_name(&old?, &new?) || one == other {
        return Ok(());
    }
    let sync = || -> io::Result<()> {
        File::open(path)?.sync_all()?;
        sync_folder(path)
    };
    sync().map_err(Error::io("write", path))?;
    fs::remove_file(from).map_err(Error::io("remove", from))
}

/// Returns whether two paths lead to one file that has no second name.
#[cfg(unix)]
fn is_one_name(old: &Metadata, new: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (old.dev(), old.ino()) == (new.dev(), new.ino()) && new.nlink() < 2
}

/// Returns whether two paths could lead to one file: nothing is removed where that is not known.
#[cfg(not(unix))]
fn is_one_name(old: &Metadata, new: &Metadata) -> bool {
    old.created().ok() == new.created().ok() && old.modified().ok() == new.modified().ok()
}
