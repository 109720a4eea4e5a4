//! Turns folders into classes, and notes when the folder is probably not the intended one.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use super::found::How;
use super::names::{no_images, shown, unreachable_input};
use super::walk::Walk;
use super::{Entries, FolderLayout, Scan};
use crate::error::{Error, ImagesError, Result};
use crate::images::path_text;

/// Common names of dataset splits, in lower case.
const SPLITS: [&str; 8] = [
    "train",
    "training",
    "val",
    "valid",
    "validation",
    "test",
    "testing",
    "dev",
];

/// Lists a folder as [`scan_folder`](super::scan_folder) does.
pub(super) fn folder(root: &Path, how: How<'_>) -> Result<Scan> {
    let kind = std::fs::metadata(root).map_err(|error| unreachable_input(root, error))?;
    if !kind.is_dir() {
        return Err(ImagesError::NotAFolder(shown(root)).into());
    }
    let scan = of_folder(root, root, how)?;
    if scan.entries.is_empty() {
        return Err(no_images(Some(root), how.names, scan.ignored));
    }
    Ok(scan)
}

/// Lists a folder that is known to exist; names are relative to `base`, or whole paths if `base` is empty.
///
/// # Errors
///
/// If it cannot be read; [`Error::Interrupted`].
pub(super) fn of_folder(root: &Path, base: &Path, how: How<'_>) -> Result<Scan> {
    let mut walk = Walk::new(base, how);
    walk.root(root).map_err(Error::io("read", root))?;
    let Walk {
        found,
        ignored,
        notes,
        classes,
        fault,
        ..
    } = walk;
    fault.map_or(Ok(()), Err)?;
    let mut scan = Scan {
        entries: found,
        layout: FolderLayout::Flat,
        ignored,
        empty_classes: Vec::new(),
        notes,
    };
    if scan.entries.classes().flatten().next().is_some() {
        scan.layout = FolderLayout::ClassFolders;
        scan.entries.skip_strays();
        let used = class_names(&scan.entries);
        scan.notes.extend(merged_classes(&classes));
        scan.notes.extend(wrong_level(root, &used, &scan.entries));
        scan.empty_classes = empty_classes(classes, &used);
    }
    Ok(scan)
}

fn class_names(entries: &Entries) -> BTreeSet<Arc<str>> {
    entries.classes().flatten().cloned().collect()
}

fn empty_classes(classes: Vec<(OsString, Arc<str>)>, used: &BTreeSet<Arc<str>>) -> Vec<String> {
    let all: BTreeSet<Arc<str>> = classes.into_iter().map(|(_, class)| class).collect();
    all.difference(used).map(ToString::to_string).collect()
}

/// Returns a note for each class with several folders, whose names differ only in their Unicode form.
fn merged_classes(classes: &[(OsString, Arc<str>)]) -> Vec<String> {
    let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, class) in classes {
        *folders.entry(class).or_default() += 1;
    }
    folders
        .into_iter()
        .filter(|&(_, count)| count > 1)
        .map(|(class, count)| {
            let class = path_text::for_terminal(class);
            format!("{count} folders named `{class}` in different Unicode forms are one class")
        })
        .collect()
}

/// Returns a note if the folder is probably one level too high, or contains dataset splits.
fn wrong_level(root: &Path, classes: &BTreeSet<Arc<str>>, entries: &Entries) -> Option<String> {
    let place = shown(root);
    if let [class] = Vec::from_iter(classes)[..]
        && let Some(inner) = inner_folders(root, class, entries)
    {
        let below = shown(&root.join(path_text::from_text(class)));
        return Some(format!(
            "only one class in `{place}`, `{}`; its {inner} the images: did you mean `{below}`?",
            path_text::for_terminal(class)
        ));
    }
    let is_split = |class: &Arc<str>| SPLITS.contains(&class.to_lowercase().as_str());
    classes.iter().all(is_split).then(|| {
        let names = listed(classes.iter().map(AsRef::as_ref));
        format!(
            "the class folders in `{place}` are named like dataset splits ({names}): did you mean \
             one of them?"
        )
    })
}

/// Returns `folders … contain` with the folders directly in the only class, if all of its images are in
/// folders.
fn inner_folders(root: &Path, class: &Arc<str>, entries: &Entries) -> Option<String> {
    let mut folders = BTreeSet::new();
    for found in entries {
        let sample = found.sample();
        if sample.class.as_ref() == Some(class) {
            let below = sample.place.file()?.strip_prefix(root).ok()?;
            let mut parts = below.iter().skip(1);
            let (folder, _file) = (parts.next()?, parts.next()?);
            folders.insert(folder.to_owned());
        }
    }
    let names: Vec<_> = folders
        .iter()
        .map(|folder| path_text::to_text(folder.as_ref()))
        .collect();
    let names = names.iter().map(String::as_str);
    Some(match names.len() {
        1 => format!("folder {} contains", listed(names)),
        _ => format!("folders {} contain", listed(names)),
    })
}

/// Returns the first few names, in backticks.
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 5;
    let more = if names.len() > SHOWN { " …" } else { "" };
    let first: Vec<_> = names
        .take(SHOWN)
        .map(|name| format!("`{}`", path_text::for_terminal(name)))
        .collect();
    first.join(", ") + more
}
