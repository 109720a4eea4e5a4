//! The page's title, subtitle, notes and date.

use std::path::Path;

use chrono::Utc;

use super::options::ReportOptions;
use crate::head::Evaluation;
use crate::images::path_text::{for_terminal, to_text};
use crate::phrases::{counted, in_quotes};
use crate::report::Photo;
use crate::tasks::labelled_predictions::LabelledPredictions;

/// A note on a report for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportNote {
    /// Images of a store have no thumbnails because they are not where they were extracted from, and
    /// [`ReportOptions::images`] is not set.
    #[error(
        "Images are not where their features were extracted from: set `images` to their folder to show them \
         here."
    )]
    FolderUnknown,
    /// Any other note, as text.
    #[error("{0}")]
    Other(String),
}

/// Returns the last component of a path, as text to display.
pub(super) fn name(path: &Path) -> String {
    // `.` and `..` are resolved to the folder's real name.
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let last = whole.file_name().map_or(whole.as_path(), Path::new);
    for_terminal(&to_text(last))
}

pub(super) fn title(options: &ReportOptions) -> String {
    let given = options.title.as_deref();
    given.map_or_else(|| name(&options.input.data), for_terminal)
}

pub(super) fn subtitle(options: &ReportOptions, evaluation: &Evaluation) -> String {
    format!(
        "Evaluation of {} on {} of {}, {}",
        name(&options.input.head.path),
        counted(evaluation.n_samples, "image"),
        counted(evaluation.classes.len(), "class"),
        today()
    )
}

/// Returns the notes on what the metrics exclude.
pub(super) fn notes(labelled: &LabelledPredictions, evaluation: &Evaluation) -> Vec<ReportNote> {
    let mut notes = labelled.notes.clone();
    notes.extend(labelled.training_overlap.omission());
    if !labelled.training_overlap.recorded {
        notes.push(
            "The head does not record its training images: if any of them are included here, the results \
            are optimistic.".to_owned(),
        );
    }
    if !labelled.skipped.is_empty() {
        notes.push(format!(
            "Skipped {} that could not be used.",
            counted(labelled.skipped.len(), "image")
        ));
    }
    let unknown = &labelled.unknown_classes;
    if !unknown.is_empty() {
        notes.push(format!(
            "Excluded {} of classes that the head does not know: {}.",
            counted(unknown.values().sum(), "image"),
            in_quotes(unknown.keys().map(String::as_str))
        ));
    }
    let classes = evaluation.classes.iter().zip(&evaluation.per_class);
    let missing: Vec<&str> = classes
        .filter(|(_, figures)| figures.support == 0)
        .map(|(class, _)| class)
        .collect();
    if !missing.is_empty() {
        notes.push(format!(
            "There are no images of these classes: {}.",
            in_quotes(missing)
        ));
    }
    notes.into_iter().map(ReportNote::Other).collect()
}

/// Returns a note that says why images have no thumbnail.
pub(super) fn pictures_note(options: &ReportOptions, without: &[&Photo]) -> Option<ReportNote> {
    let first = without.first()?;
    Some(match options.evaluated_images() {
        None => ReportNote::FolderUnknown,
        Some(root) => ReportNote::Other(format!(
            "{} without a thumbnail, such as `{}`: {} not found in `{}`, unreadable or changed, or the page \
             was full",
            counted(without.len(), "image"),
            first.path,
            if without.len() == 1 {
                "its file was"
            } else {
                "their files were"
            },
            root.display()
        )),
    })
}

/// Returns today's date in UTC, as `2026-11-25`.
pub(super) fn today() -> String {
    Utc::now().date_naive().to_string()
}
