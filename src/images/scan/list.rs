//! Lists images that are named one by one, on the command line or in a list.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::found::How;
use super::merged::Merged;
use super::names::{no_images, shown, unreachable_input};
use super::table::First;
use super::walk::link_reason;
use super::{
    FolderLayout, Found, Labels, Names, Sample, Scan, archive, layout, patterns, prefix, table,
};
use crate::error::{Error, ListProblem, Result};
use crate::images::container::Container;
use crate::images::stores::{Url, single};
use crate::images::{Place, SkipReason, path_text};
use crate::inputs::{self, Links, kind_text};
use crate::progress::{Progress, go_on};

/// What separates the paths of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Separator {
    /// A newline; a carriage return before it is dropped.
    #[default]
    Newline,
    /// A NUL byte, as `find -print0` writes it.
    Nul,
}

impl Separator {
    fn end(self) -> u8 {
        match self {
            Self::Newline => b'\n',
            Self::Nul => 0,
        }
    }
}

fn without_mark(list: &[u8]) -> &[u8] {
    list.strip_prefix(b"\xef\xbb\xbf").unwrap_or(list)
}

fn paths(bytes: &[u8], separator: Separator) -> impl Iterator<Item = PathBuf> {
    bytes
        .split(move |&b| b == separator.end())
        .map(move |entry| match separator {
            Separator::Newline => entry.strip_suffix(b"\r").unwrap_or(entry),
            Separator::Nul => entry,
        })
        .filter(|entry| !entry.is_empty())
        .map(path_of)
}

/// The limit of a path in a list, in bytes: far more than systems allow, yet little memory.
const LONGEST: u64 = 1 << 20;

/// Reads a list incrementally and passes each path to `each`, until the list ends or `each` returns `false`.
/// Paths may contain any bytes. Empty paths are dropped, and so is a byte order mark at the start, which some
/// editors write.
///
/// ```
/// use frostline::images::{Separator, read_list};
/// let mut paths = Vec::new();
/// let list: &[u8] = b"a.jpg\r\n\nb.jpg";
/// read_list(list, Separator::Newline, |path| {
///     paths.push(path);
///     true
/// })?;
/// assert_eq!(paths.len(), 2);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Those of `input`, and those with a [`ListProblem`] inside.
pub fn read_list(
    mut input: impl BufRead,
    separator: Separator,
    mut each: impl FnMut(PathBuf) -> bool,
) -> io::Result<()> {
    let mut entry = Vec::new();
    let mut is_first = true;
    loop {
        entry.clear();
        let mut within = (&mut input).take(LONGEST);
        if within.read_until(separator.end(), &mut entry)? == 0 {
            return Ok(());
        }
        if entry.len() as u64 == LONGEST {
            return Err(io::Error::other(ListProblem::LongPath));
        }
        if separator == Separator::Newline && entry.contains(&0) {
            return Err(io::Error::other(ListProblem::Nul));
        }
        let name = if is_first {
            without_mark(&entry)
        } else {
            &entry
        };
        if !paths(name, separator).all(&mut each) {
            return Ok(());
        }
        is_first = false;
    }
}

/// Reads the paths of a list in a file, as [`read_list`] does.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read or is not a regular file, or with a [`ListProblem`] inside.
pub fn read_list_file(file: &Path, separator: Separator) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    let read = inputs::open(file, Links::Follow).and_then(|file| {
        read_list(BufReader::new(file), separator, |path| {
            all.push(path);
            true
        })
    });
    read.map_err(Error::io("read", file))?;
    Ok(all)
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

/// Lists the inputs of a command. A single folder is listed as by [`scan_folder`](super::scan_folder).
/// Otherwise, each file is listed as passed, whatever its name, and each folder with all its images, under
/// the folder's path.
///
/// Several folders have classes if each of them contains class folders; classes of the same name are merged,
/// and a file that is found twice is used once. If none of them contains class folders, there are no classes.
///
/// # Errors
///
/// If there is no input, the only input does not exist, a folder cannot be read, or no input contains an
/// image; if some inputs have class folders and others do not; [`Error::Interrupted`] if `progress` asks to
/// stop.
pub fn scan_inputs(
    inputs: &[PathBuf],
    labels: Labels,
    names: Names,
    progress: &dyn Progress,
) -> Result<Scan> {
    let how = How {
        labels,
        names,
        progress,
    };
    let inputs = &patterns::expanded(inputs, progress)?[..];
    let mut first = First::default();
    if let [only] = inputs
        && let Some(url) = Url::of(only)
    {
        let scan = prefix::scan(&url, false, how, &mut first)?;
        if scan.entries.is_empty() {
            return Err(no_images(Some(only), names, scan.ignored));
        }
        return Ok(scan);
    }
    if let [only] = inputs {
        let kind = fs::metadata(only).map_err(|error| unreachable_input(only, error))?;
        if kind.is_dir() {
            return layout::folder(only, how);
        }
    }
    let mut merged = Merged::new();
    for input in inputs {
        merged.add(input, scan_one(input, how, &mut first)?);
    }
    let scan = merged.finish()?;
    if scan.entries.is_empty() {
        return Err(no_images(None, names, scan.ignored));
    }
    Ok(scan)
}

/// Lists one of several inputs.
fn scan_one(input: &Path, how: How<'_>, first: &mut First) -> Result<Scan> {
    if let Some(url) = Url::of(input) {
        return prefix::scan(&url, true, how, first);
    }
    if !fs::metadata(input).is_ok_and(|kind| kind.is_dir()) {
        let name = path_text::to_text(input);
        let container = || Container::file(input).map_err(|error| unreachable_input(input, error));
        if archive::is_archive(&name) {
            return archive::scan(&container()?, how);
        } else if table::is_table(&name) {
            return table::scan(&container()?, how, first);
        }
        return scan_list(vec![input.to_owned()], how.progress);
    }
    let mut scan = layout::of_folder(input, Path::new(""), how)?;
    if scan.entries.is_empty() {
        scan.notes
            .push(format!("`{}` contains no image files", shown(input)));
    }
    Ok(scan)
}

/// Lists files as passed, even if there are none; anything but a regular file is skipped with its reason.
///
/// # Errors
///
/// [`Error::Interrupted`] if `progress` asks to stop.
pub fn scan_list(paths: Vec<PathBuf>, progress: &dyn Progress) -> Result<Scan> {
    let paths = paths.into_iter();
    let entries = paths.map(|path| go_on(progress).map(|()| listed(path)));
    Ok(Scan {
        entries: entries.collect::<Result<_>>()?,
        layout: FolderLayout::Flat,
        ignored: BTreeMap::new(),
        empty_classes: Vec::new(),
        notes: Vec::new(),
    })
}

/// Lists a single file, whatever its extension; anything but a regular file is skipped with its reason.
#[must_use]
pub fn listed(path: PathBuf) -> Found {
    if let Some(url) = Url::of(&path) {
        return remote(&url);
    }
    let reason = match fs::metadata(&path) {
        Ok(kind) if kind.is_file() => None,
        Ok(kind) => Some(SkipReason::NotAFile(kind_text(kind.file_type()))),
        Err(error) if path.is_symlink() => Some(link_reason(&path, &error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(SkipReason::Missing),
        Err(error) => Some(SkipReason::Unreadable(error.to_string())),
    };
    let sample = Sample {
        name: path_text::to_text(&path),
        place: path.into(),
        class: None,
    };
    match reason {
        None => Found::Sample(sample),
        Some(reason) => Found::Skipped { sample, reason },
    }
}

/// Lists a single object of a store, which is asked for only when it is read.
fn remote(url: &Url) -> Found {
    let sample = |place| Sample {
        name: url.text.clone(),
        place,
        class: None,
    };
    match single(url) {
        Ok(object) => Found::Sample(sample(Place::object(object))),
        Err(error) => Found::Skipped {
            sample: sample(Place::default()),
            reason: SkipReason::Unreadable(error.to_string()),
        },
    }
}
