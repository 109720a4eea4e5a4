//! Moves a user's file: it is removed only once its content is safe in its new place.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::write::{copy_new, link_new, sync_folder};
use crate::error::{Error, Result};
use crate::inputs::{self, Links};

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
/// the same file under one name, or if the file is gone.
///
/// # Errors
/// [`Error::Io`] naming `path` if it cannot be synced, or `from` if it cannot be removed, or has changed
/// meanwhile: then it stays.
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
    // Not earlier: another program may have replaced it until now.
    match is_same(from, path) {
        Ok(true) => {}
        Ok(false) => {
            let why = "it has changed while it was moved; it stays where it is";
            return Err(Error::io("read", from)(io::Error::other(why)));
        }
        // Another process has moved it.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("read", from)(error)),
    }
    match fs::remove_file(from) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", from)(error)),
        _ => Ok(()),
    }
}

/// Returns whether two paths lead to one file, or to two with the same content.
fn is_same(from: &Path, path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    if super::is_at(&fs::symlink_metadata(from)?, path) {
        return Ok(true);
    }
    inputs::is_same_content(from, path, Links::Follow)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_replaced_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let [from, path] = ["from", "path"].map(|name| folder.path().join(name));
        fs::write(&from, "one").unwrap();
        assert!(link_or_copy_new(&from, &path).unwrap());
        let new = folder.path().join("new");
        fs::write(&new, "two").unwrap();
        fs::rename(&new, &from).unwrap();
        let error = remove_moved(&from, &path).unwrap_err().to_string();
        assert!(error.contains("cannot read"), "{error}");
        assert_eq!(fs::read(&from).unwrap(), b"two");
        assert_eq!(fs::read(&path).unwrap(), b"one");
        fs::write(&from, "one").unwrap();
        remove_moved(&from, &path).unwrap();
        assert!(!from.exists());
        remove_moved(&path.with_file_name("gone"), &path).unwrap_err();
    }
}
