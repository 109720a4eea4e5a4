//! Writing a file so that nobody ever sees half of it: beside its place, synced, renamed.
//! Devices and pipes, which have no other place, are written to as they are.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Writes `path` through `content`; where that fails, an older file stays as it was and nothing new is left behind.
///
/// # Errors
/// [`Error::Io`] naming `path`, or whatever `content` returns.
pub(crate) fn write(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
) -> Result<()> {
    if path.exists() && !path.is_file() {
        return write_in_place(path, content);
    }
    let beside = beside(path);
    let result = write_and_rename(&beside, path, content);
    if result.is_err() {
        // Nothing more can be done about a leftover than to try.
        let _ = fs::remove_file(&beside);
    }
    result
}

/// Writes bytes that are at hand.
///
/// # Errors
/// [`Error::Io`] naming `path`.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, |file| {
        file.write_all(bytes).map_err(Error::io("write", path))
    })
}

/// For what a rename would take away from everyone, such as `/dev/null`.
fn write_in_place(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
) -> Result<()> {
    let file = File::options().write(true).open(path);
    let mut file = BufWriter::new(file.map_err(Error::io("write", path))?);
    content(&mut file)?;
    file.flush().map_err(Error::io("write", path))
}

fn write_and_rename(
    beside: &Path,
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
) -> Result<()> {
    let file = File::create(beside).map_err(Error::io("write", path))?;
    let mut file = BufWriter::new(file);
    content(&mut file)?;
    let file = file
        .into_inner()
        .map_err(|e| Error::io("write", path)(e.into_error()))?;
    file.sync_all().map_err(Error::io("write", path))?;
    take_place(beside, path)
}

/// Gives a file that is whole and synced, in the same folder, the name `path`.
///
/// # Errors
/// [`Error::Io`] naming `path`.
pub(crate) fn take_place(beside: &Path, path: &Path) -> Result<()> {
    fs::rename(beside, path).map_err(Error::io("write", path))?;
    // Nothing is lost where the folder cannot be synced: after a crash the older file is there.
    let _ = sync_folder(path);
    Ok(())
}

/// A name in the same folder that no reader takes for a finished file, and no other writer for its own.
fn beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".frostline-{}-{count}.tmp", std::process::id()))
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head.safetensors");
        write_bytes(&path, b"old").unwrap();
        let failed = write(&path, |file| {
            file.write_all(b"half").unwrap();
            Err(Error::Strict { count: 1, total: 2 })
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = write_bytes(Path::new("/no/such/folder/file"), b"").unwrap_err();
        assert!(error.to_string().contains("/no/such/folder/file"));
    }
}
