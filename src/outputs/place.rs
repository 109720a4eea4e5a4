//! The place that an output's path leads to, and whether it can be written.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};

use super::draft::{Draft, folder_of};
use crate::error::{Error, Result};

/// Whether a path stands for standard output; a file of that name is `./-`.
#[must_use]
pub fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// What an output is called in messages.
#[must_use]
pub fn name(path: &Path) -> &Path {
    if is_stdout(path) {
        return Path::new("standard output");
    }
    path
}

/// Whether an output is a terminal: standard output, or a device that is named.
pub(crate) fn is_terminal(path: &Path) -> bool {
    if is_stdout(path) {
        return io::stdout().is_terminal();
    }
    // Nothing else is opened: a pipe would wait for its reader.
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

/// Where the file at `path` is, or will be: links are followed, also one that leads to a file that is not
/// there yet.
///
/// # Errors
/// That of the system where links lead in a circle, or a file stands where a folder is needed.
pub(super) fn place_of(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => match fs::read_link(path) {
            Ok(target) => place_of(&folder_of(path).join(target)),
            Err(_) => Ok(path.to_owned()),
        },
        found => found,
    }
}

/// The folder that a file or folder at `path` will be in, or the nearest one above it that is there; links
/// are followed.
pub(crate) fn existing_folder(path: &Path) -> Option<PathBuf> {
    let place = std::path::absolute(place_of(path).ok()?).ok()?;
    let folder = place.ancestors().skip(1).find(|folder| folder.is_dir())?;
    fs::canonicalize(folder).ok()
}

/// Makes the folders that lead to a file.
///
/// # Errors
/// [`Error::Io`] naming the folder.
pub(super) fn make_folders(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder).map_err(Error::io("create", folder))
}

/// Checks that an output can be written, and changes nothing: neither the file nor a missing folder is made.
///
/// # Errors
/// [`Error::Io`] naming `path`: it is a folder, it is read-only, or nothing can be written to the folder it
/// belongs in.
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
    // A file in a folder's place is refused here as well.
    Draft::begin(folder.unwrap_or(Path::new("/")), None).map(drop)
}

/// A rename would replace the file all the same; its owner does not want that.
pub(super) fn refuse_read_only(file: &Metadata) -> io::Result<()> {
    if file.permissions().readonly() {
        return Err(io::Error::new(
            ErrorKind::PermissionDenied,
            "the file is read-only",
        ));
    }
    Ok(())
}
