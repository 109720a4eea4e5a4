//! Resolves the path of an output, and checks whether it can be written.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};

use super::draft::{Draft, folder_of};
use crate::error::{Error, Result};

/// Returns whether a path means standard output. A file named `-` can be written as `./-`.
#[must_use]
pub fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Returns whether a file written to `path` ends up in standard output: `path` is `-`, the descriptor (such
/// as `/dev/stdout`), or the file or pipe that standard output is redirected to. Devices such as `/dev/null`
/// keep nothing that two writers could mix.
#[must_use]
pub fn shares_stdout(path: &Path) -> bool {
    is_stdout(path) || is_target_of_stdout(path)
}

#[cfg(unix)]
fn is_target_of_stdout(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |path: &Path| {
        let there = fs::metadata(path).ok()?;
        (!is_character_device(path)).then(|| (there.dev(), there.ino()))
    };
    id(path).is_some_and(|there| id(Path::new("/dev/stdout")) == Some(there))
}

#[cfg(not(unix))]
fn is_target_of_stdout(_path: &Path) -> bool {
    false
}

/// Returns whether a file that was opened at a path is still there. Systems other than Unix do not let it be
/// moved meanwhile.
#[cfg(unix)]
pub(crate) fn is_at(opened: &Metadata, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let there = fs::metadata(path);
    there.is_ok_and(|there| (there.dev(), there.ino()) == (opened.dev(), opened.ino()))
}

#[cfg(not(unix))]
pub(crate) fn is_at(_opened: &Metadata, _path: &Path) -> bool {
    true
}

/// Returns the name of an output for messages.
#[must_use]
pub fn name(path: &Path) -> &Path {
    if is_stdout(path) {
        return Path::new("standard output");
    }
    path
}

/// Returns whether an output is a terminal: standard output or a named device.
pub(crate) fn is_terminal(path: &Path) -> bool {
    if is_stdout(path) {
        return io::stdout().is_terminal();
    }
    // Only a character device is opened, because opening a pipe would wait for its reader.
    let open = || File::options().write(true).open(path);
    is_character_device(path) && open().is_ok_and(|device| device.is_terminal())
}

#[cfg(unix)]
fn is_character_device(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path).is_ok_and(|there| there.file_type().is_char_device())
}

#[cfg(not(unix))]
fn is_character_device(_path: &Path) -> bool {
    false
}

/// Resolves the links of `path`, including a link to a file that does not exist yet.
///
/// # Errors
/// The system's error if links form a cycle, or if a parent is not a folder.
pub(super) fn place_of(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => match fs::read_link(path) {
            Ok(target) => place_of(&folder_of(path).join(target)),
            Err(_) => Ok(path.to_owned()),
        },
        found => found,
    }
}

/// Returns the nearest existing folder above a file or folder that will be written at `path`. Links are
/// followed.
pub(crate) fn existing_folder(path: &Path) -> Option<PathBuf> {
    let place = std::path::absolute(place_of(path).ok()?).ok()?;
    let folder = place.ancestors().skip(1).find(|folder| folder.is_dir())?;
    fs::canonicalize(folder).ok()
}

/// Creates the parent folders of a file.
///
/// # Errors
/// [`Error::Io`] naming the folder.
pub(crate) fn make_folders(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder).map_err(Error::io("create", folder))
}

/// Waits for the lock of a file's folder, which holds until the result is dropped, so that several files are
/// written together. The folder is created if it is missing. There is no lock for standard output, nor where
/// the system has none for folders.
///
/// # Errors
/// [`Error::Io`] naming the folder if it cannot be created.
pub(crate) fn lock_folder_of(path: &Path) -> Result<Option<File>> {
    if is_stdout(path) {
        return Ok(None);
    }
    make_folders(path)?;
    let folder = File::open(folder_of(path)).and_then(|folder| folder.lock().map(|()| folder));
    Ok(folder.ok())
}

/// Checks that an output can be written, without creating the file or a missing folder.
///
/// # Errors
/// [`Error::Io`] naming `path` if it is a folder or read-only, or if its folder cannot be written to.
pub(crate) fn check(path: &Path) -> Result<()> {
    if is_stdout(path) {
        return Ok(());
    }
    check_place(path).map_err(Error::io("write", path))
}

fn check_place(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => return Ok(()),
        Ok(there) => refuse_read_only(&there)
            .and_then(|()| File::options().write(true).open(path).map(drop))?,
        Err(_) => {}
    }
    let place = std::path::absolute(place_of(path)?)?;
    let folder = place.ancestors().skip(1).find(|folder| folder.exists());
    // This also fails if a parent is a file.
    Draft::begin(folder.unwrap_or(Path::new("/")), None).map(drop)
}

/// Returns an error for a read-only file: a rename would replace it, but its owner does not want that.
pub(super) fn refuse_read_only(file: &Metadata) -> io::Result<()> {
    if file.permissions().readonly() {
        return Err(io::Error::new(
            ErrorKind::PermissionDenied,
            "the file is read-only",
        ));
    }
    Ok(())
}
