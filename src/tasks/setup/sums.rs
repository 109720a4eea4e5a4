//! The checksums of what the setup installed in a folder.
//!
//! # Format
//! `sha256sums.txt`, as the program `sha256sum` writes and reads it: one line for each file, its SHA-256, two
//! spaces, and its name.

use std::path::Path;

use crate::error::{Error, Result};
use crate::inputs::{self, Links};
use crate::outputs;
use crate::tasks::packages::sha256;

const NAME: &str = "sha256sums.txt";

/// The size limit of the file, which usually has one line and at most some twenty.
const MOST_BYTES: u64 = 1 << 20;

/// Writes the checksums of these files in a folder.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn write(folder: &Path, names: &[String]) -> Result<()> {
    let mut lines = String::new();
    for name in names {
        let sum = sha256(&folder.join(name))?;
        lines.extend([&sum, "  ", name, "\n"]);
    }
    outputs::write_bytes(&folder.join(NAME), lines.as_bytes())
}

/// Returns whether the files in a folder have their checksums; `None` if there is none for `library`.
///
/// # Errors
/// [`Error::Io`] if the checksums cannot be read.
pub(super) fn are_right(folder: &Path, library: &Path) -> Result<Option<bool>> {
    let path = folder.join(NAME);
    if !path.exists() {
        return Ok(None);
    }
    let text = inputs::read_text(&path, Links::Refuse, MOST_BYTES);
    let text = text.map_err(Error::io("read", &path))?;
    let lines: Vec<_> = text.lines().filter_map(|l| l.split_once("  ")).collect();
    let library = library.file_name().unwrap_or_default();
    if !lines.iter().any(|(_, name)| library == *name) {
        return Ok(None);
    }
    let is_right = |(sum, name): &(&str, &str)| {
        let found = sha256(&folder.join(name));
        found.is_ok_and(|found| found == *sum)
    };
    Ok(Some(lines.iter().all(is_right)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_change_shows() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("lib.so.1");
        fs::write(&library, "abc").unwrap();
        assert_eq!(are_right(folder.path(), &library).unwrap(), None);
        write(folder.path(), &["lib.so.1".to_owned()]).unwrap();
        // `printf abc | sha256sum`.
        let line = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  lib.so.1\n";
        assert_eq!(fs::read_to_string(folder.path().join(NAME)).unwrap(), line);
        assert_eq!(are_right(folder.path(), &library).unwrap(), Some(true));
        let other = folder.path().join("lib.so.2");
        assert_eq!(are_right(folder.path(), &other).unwrap(), None);
        fs::write(&library, "abd").unwrap();
        assert_eq!(are_right(folder.path(), &library).unwrap(), Some(false));
        fs::remove_file(&library).unwrap();
        assert_eq!(are_right(folder.path(), &library).unwrap(), Some(false));
    }
}
