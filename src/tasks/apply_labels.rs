//! `labels apply`: sorts images into a folder for each class, as a label file says.

mod options;
mod sorted;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

pub use self::options::{ApplyLabelsOptions, Sorting};
use self::sorted::{Placed, Sorted};
use super::inputs::{Inputs, Skipped};
use super::laid_labels::read_digest;
use crate::error::{Error, Result, TaskError, require};
use crate::images::Labels;
use crate::images::path_text::to_text;
use crate::labels::{LabelRow, Matched, Verdict, check_folder_name};
use crate::progress::{Progress, go_on};

/// What was sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ApplyLabelsReport {
    /// The folder with the class folders.
    pub target: String,
    /// How images got there.
    pub how: Sorting,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The number of images of each class that have been put there, with those that were there already.
    pub classes: BTreeMap<String, usize>,
    /// Images that have been put there.
    pub n_placed: usize,
    /// Images whose content was there already.
    pub n_there: usize,
    /// Images with a number after their name, because there is another image of that name.
    pub n_renamed: usize,
    /// Images without a label, which stay where they are.
    pub n_without_label: usize,
    /// Images that the file does not list, which stay where they are.
    pub n_unlisted: usize,
    /// The first of them.
    pub unlisted: Vec<String>,
    /// Rows of the file whose image is not there.
    pub n_unmatched: usize,
    /// The first of them.
    pub unmatched: Vec<String>,
    /// Images that could not be read.
    pub skipped: Vec<Skipped>,
}

/// The folder of images that a head rejects, and of those with a low probability.
const UNKNOWN: &str = "unknown";

/// Sorts images into a folder for each class. No file is overwritten: an image whose content is there already
/// under its name is counted, and one of the same name with other content gets a number after its name.
///
/// A run that is stopped at any moment loses nothing: a moved image is removed only after it is in its new
/// place and synced, and the next run continues.
///
/// # Errors
/// A label file that cannot be read or is ambiguous; [`TaskError`] for class names that are not safe names of
/// folders, images that are not files in a folder, or a link in the place of a class folder, before anything
/// is written; [`Error::Io`]; [`Error::Interrupted`] if `progress` asks to stop.
pub fn apply_labels(
    options: &ApplyLabelsOptions,
    progress: &dyn Progress,
) -> Result<ApplyLabelsReport> {
    if let Some(least) = options.min_probability {
        let (is_share, wanted) = ((0.0..=1.0).contains(&least), "from 0 to 1");
        require(is_share, "min_probability", &least, wanted)?;
    }
    let file = options.labels.read()?;
    let scan =
        Inputs::Paths(vec![options.images.clone()], options.names).scan(Labels::None, progress)?;
    let mut sorted = Sorted::new(options)?;
    let found = scan.entries.iter().map(|found| {
        let sample = found.sample();
        let path = sample.place.whole_file().map(Path::to_owned);
        path.map(|path| (sample.name.clone(), path))
            .ok_or_else(|| TaskError::NotInFolder {
                image: sample.name.clone(),
            })
    });
    let mut found: Vec<(String, PathBuf)> = found.collect::<Result<_, _>>()?;
    // A second run does not sort what the first one has sorted.
    found.retain(|(_, path)| !sorted.has(path));
    let mut matched = file.matched(found.iter().map(|(name, _)| name.as_str()))?;
    // Images that were moved are no longer there, and others must not be mistaken for them.
    if options.how == Sorting::Move && !matched.is_certain(&options.images) {
        let images = options.images.display();
        return Err(file.ambiguous(format!(
            "its paths are not those of the images in `{images}`"
        )));
    }
    let chosen = choose(options, &mut matched, &found)?;
    let classes: BTreeSet<&str> = chosen.iter().map(|(_, class)| *class).collect();
    check_classes(&classes)?;
    sorted.check_folders(&classes)?;
    let unmatched = matched.unmatched();
    let mut report = ApplyLabelsReport {
        target: to_text(&options.target),
        how: options.how,
        dry_run: options.dry_run,
        classes: BTreeMap::new(),
        n_placed: 0,
        n_there: 0,
        n_renamed: 0,
        n_without_label: matched.without_label,
        n_unlisted: matched.unlisted.count,
        unlisted: matched.unlisted.first.clone(),
        n_unmatched: unmatched.count,
        unmatched: unmatched.first,
        skipped: Vec::new(),
    };
    progress.begin("images", chosen.len() as u64);
    for (number, class) in chosen {
        go_on(progress)?;
        let (name, path) = &found[number];
        match sorted.place(path, class) {
            Ok(placed) => report.add(class, placed),
            Err(Error::Io {
                action: "read",
                path: at,
                source,
            }) if at == *path => {
                report.skipped.push(Skipped {
                    path: name.clone(),
                    reason: source.to_string(),
                });
            }
            Err(error) => return Err(error),
        }
        progress.advance(1);
    }
    progress.end();
    Ok(report)
}

impl ApplyLabelsReport {
    fn add(&mut self, class: &str, placed: Placed) {
        *self.classes.entry(class.to_owned()).or_insert(0) += 1;
        match placed {
            Placed::There => self.n_there += 1,
            Placed::New { renamed } => {
                self.n_placed += 1;
                self.n_renamed += usize::from(renamed);
            }
        }
    }
}

/// Returns the numbers of the images to sort, with their classes.
fn choose<'f>(
    options: &ApplyLabelsOptions,
    matched: &mut Matched<'f>,
    found: &[(String, PathBuf)],
) -> Result<Vec<(usize, &'f str)>> {
    let mut chosen = Vec::new();
    let (mut named, mut rejected) = (false, false);
    for (number, (name, path)) in found.iter().enumerate() {
        let digest = || read_digest(&path.clone().into());
        let digest = matched.is_by_digest().then(digest).flatten();
        matched.take(name, digest.as_ref());
        let Some(row) = matched.row(name, digest.as_ref()) else {
            continue;
        };
        let class = match row.verdict {
            Verdict::NoLabel => continue,
            Verdict::Class(class) if is_sure(&row, options)? => {
                named |= class == UNKNOWN;
                class
            }
            Verdict::Class(_) | Verdict::Unknown => {
                rejected = true;
                UNKNOWN
            }
        };
        chosen.push((number, class));
    }
    if named && rejected {
        let classes = vec![(UNKNOWN.to_owned(), "is also the folder of rejected images")];
        return Err(TaskError::FolderNames { classes }.into());
    }
    Ok(chosen)
}

fn is_sure(row: &LabelRow<'_>, options: &ApplyLabelsOptions) -> Result<bool> {
    let Some(least) = options.min_probability else {
        return Ok(true);
    };
    let missing = || TaskError::NoProbability {
        labels: options.labels.file.clone(),
        line: row.line,
    };
    Ok(row.probability.ok_or_else(missing)? >= least)
}

/// Refuses names that are no folders, or one folder for two classes, on some system.
fn check_classes(all: &BTreeSet<&str>) -> Result<()> {
    let unsafe_ones = all.iter().filter_map(|class| {
        let why = check_folder_name(class).err()?;
        Some(((*class).to_owned(), why))
    });
    let mut classes: Vec<_> = unsafe_ones.collect();
    let mut folders = HashSet::new();
    for class in all {
        if !folders.insert(class.to_lowercase().nfc().collect::<String>()) {
            let why = "differs from another class only in case or in the form of its accents";
            classes.push(((*class).to_owned(), why));
        }
    }
    if classes.is_empty() {
        return Ok(());
    }
    Err(TaskError::FolderNames { classes }.into())
}

#[cfg(test)]
mod tests;
