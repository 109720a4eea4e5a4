//! Images that are named one by one: on the command line, or in a list.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::names::{no_images, shown};
use super::walk::{Walk, kind_text, link_reason};
use super::{FolderLayout, Found, Labels, Names, Sample, Scan, folder};
use crate::error::{Error, Result};
use crate::images::{SkipReason, path_text};

/// What stands between the paths of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Separator {
    /// A line each; a carriage return before its end is dropped.
    #[default]
    Newline,
    /// A NUL byte, as `find -print0` writes it.
    Nul,
}

/// The paths of a list, whatever bytes they hold; empty ones are dropped, and the byte order mark that some editors put
/// before the first.
///
/// ```
/// use frostline::images::scan::{Separator, parse_list};
/// assert_eq!(parse_list(b"a.jpg\r\n\nb.jpg", Separator::Newline).len(), 2);
/// ```
#[must_use]
pub fn parse_list(bytes: &[u8], separator: Separator) -> Vec<PathBuf> {
    let end = match separator {
        Separator::Newline => b'\n',
        Separator::Nul => 0,
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes
        .split(|&b| b == end)
        .map(|entry| match separator {
            Separator::Newline => entry.strip_suffix(b"\r").unwrap_or(entry),
            Separator::Nul => entry,
        })
        .filter(|entry| !entry.is_empty())
        .map(path_of)
        .collect()
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Lists what the command line names: one folder as [`scan_folder`](super::scan_folder) does; else each file as given, whatever its
/// name, and each folder with all that it holds, without classes and under the folder's name.
///
/// # Errors
///
/// If nothing is named, the only input is missing, a folder cannot be read, or there is no image in all of them.
pub fn scan_inputs(inputs: &[PathBuf], labels: Labels, which: Names) -> Result<Scan> {
    if let [only] = inputs {
        let kind = fs::metadata(only).map_err(|error| unreachable_input(only, error))?;
        if kind.is_dir() {
            return folder(only, labels, which);
        }
    }
    let mut walk = Walk::new(Path::new(""), Labels::None, which);
    for input in inputs {
        if fs::metadata(input).is_ok_and(|kind| kind.is_dir()) {
            let before = walk.found.len();
            walk.root(input).map_err(Error::io("read", input))?;
            if walk.found.len() == before {
                walk.notes
                    .push(format!("`{}` holds no images", shown(input)));
            }
        } else {
            walk.found.push(listed_entry(input.clone()));
        }
    }
    let Walk {
        found,
        ignored,
        notes,
        ..
    } = walk;
    if found.is_empty() {
        return Err(no_images("what was given", which, &ignored));
    }
    Ok(Scan {
        entries: found,
        layout: FolderLayout::Flat,
        ignored,
        empty_classes: Vec::new(),
        notes,
    })
}

/// Takes a list of files as it is; what is no regular file is skipped with its reason.
///
/// # Errors
///
/// If the list is empty.
pub fn scan_list(paths: Vec<PathBuf>) -> Result<Scan> {
    if paths.is_empty() {
        return Err(Error::Input {
            problem: "the list of images is empty".into(),
            hint: "give one path a line, or paths that end with a NUL byte".into(),
        });
    }
    Ok(Scan {
        entries: paths.into_iter().map(listed_entry).collect(),
        layout: FolderLayout::Flat,
        ignored: std::collections::BTreeMap::new(),
        empty_classes: Vec::new(),
        notes: Vec::new(),
    })
}

fn listed_entry(path: PathBuf) -> Found {
    let reason = match fs::metadata(&path) {
        Ok(kind) if kind.is_file() => None,
        Ok(kind) => Some(SkipReason::NotAFile(kind_text(kind.file_type()))),
        Err(error) if path.is_symlink() => Some(link_reason(&path, &error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(SkipReason::Missing),
        Err(error) => Some(SkipReason::Unreadable(error.to_string())),
    };
    let sample = Sample {
        name: path_text::to_text(&path),
        path,
        class: None,
    };
    match reason {
        None => Found::Sample(sample),
        Some(reason) => Found::Skipped { sample, reason },
    }
}

/// The error for an input that cannot be looked at.
pub(super) fn unreachable_input(path: &Path, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return Error::Input {
            problem: format!("`{}` does not exist", shown(path)),
            hint: "check the path; wanted is a folder of images, or an image".into(),
        };
    }
    Error::io("read", path)(error)
}
