//! A temporary folder for files that a target reads by path.

use std::fs;
use std::path::{Path, PathBuf};

use super::Outcome;

thread_local! {
    static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("the temporary folder is writable");
}

/// Calls `read` with the path of a file with these bytes; whatever it leaves in the folder is removed before
/// the next call.
pub(super) fn with_file(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> Outcome) -> Outcome {
    with_files(&[(name, bytes)], |folder| read(&folder.join(name)))
}

/// Calls `read` with a folder that contains these files.
pub(super) fn with_files(files: &[(&str, &[u8])], read: impl FnOnce(&Path) -> Outcome) -> Outcome {
    FOLDER.with(|folder| {
        for path in entries(folder.path()) {
            fs::remove_file(path).expect("this program wrote the file");
        }
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).expect("the folder is writable");
        }
        read(folder.path())
    })
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).expect("this program created the folder");
    entries.flatten().map(|entry| entry.path())
}
