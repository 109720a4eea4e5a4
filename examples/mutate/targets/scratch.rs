//! A folder for the files that a target reads by their path.

use std::fs;
use std::path::{Path, PathBuf};

use super::Outcome;

thread_local! {
    static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("the temporary folder can be written to");
}

/// Calls `read` with the path of a file of these bytes; what it leaves in the file's folder is removed.
pub(super) fn with_file(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> Outcome) -> Outcome {
    with_files(&[(name, bytes)], |folder| read(&folder.join(name)))
}

/// Calls `read` with a folder of these files.
pub(super) fn with_files(files: &[(&str, &[u8])], read: impl FnOnce(&Path) -> Outcome) -> Outcome {
    FOLDER.with(|folder| {
        for path in entries(folder.path()) {
            fs::remove_file(path).expect("it was written here");
        }
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).expect("it is written here");
        }
        read(folder.path())
    })
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).expect("it was made here");
    entries.flatten().map(|entry| entry.path())
}
