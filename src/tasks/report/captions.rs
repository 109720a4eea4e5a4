//! The texts at the head of the page, and its date.

use std::path::Path;

use chrono::Utc;

use super::options::{ReportOptions, Roots};
use crate::head::Evaluation;
use crate::images::path_text::{for_terminal, to_text};
use crate::phrases::{counted, in_quotes};
use crate::tasks::judge::Judged;

/// What the user of a report should know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportNote {
    /// Images of a store have no picture, since [`ReportOptions::images`] was not given.
    #[error(
        "Feature stores do not know where their images lie: name the folder (`images`) to see them here."
    )]
    FolderUnknown,
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

/// The last part of a path as text for people.
pub(super) fn name(path: &Path) -> String {
    // Of `.` or `..` the name is that of the folder it stands for.
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let last = whole.file_name().map_or(whole.as_path(), Path::new);
    for_terminal(&to_text(last))
}

pub(super) fn title(data: &Path) -> String {
    name(data)
}

pub(super) fn subtitle(options: &ReportOptions, evaluation: &Evaluation) -> String {
    format!(
        "{} on {} of {}, {}",
        name(&options.judge.head.path),
        counted(evaluation.n_samples, "image"),
        counted(evaluation.classes.len(), "class"),
        today()
    )
}

/// What the figures leave out.
pub(super) fn notes(judged: &Judged, evaluation: &Evaluation) -> Vec<ReportNote> {
    let mut notes = judged.notes.clone();
    notes.extend(judged.acquaintance.omission());
    if !judged.acquaintance.recorded {
        notes.push(
            "The head does not record its training images: if any of them are here, the figures are \
            optimistic.".to_owned(),
        );
    }
    if !judged.skipped.is_empty() {
        notes.push(format!(
            "{} could not be used; no figure includes them.",
            counted(judged.skipped.len(), "image")
        ));
    }
    let unknown = &judged.unknown_classes;
    if !unknown.is_empty() {
        notes.push(format!(
            "{} of classes that the head does not know: {}. No figure includes them.",
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
            "No image here is of these classes: {}.",
            in_quotes(missing)
        ));
    }
    notes.into_iter().map(ReportNote::Other).collect()
}

/// Why images have no picture.
pub(super) fn pictures_note(roots: &Roots<'_>, without: usize) -> Option<ReportNote> {
    if without == 0 {
        return None;
    }
    Some(match roots.images {
        None => ReportNote::FolderUnknown,
        Some(root) => ReportNote::Other(format!(
            "{} without a picture: {} not found below `{}`, could not be read or held another picture, \
             or the page was full.",
            counted(without, "image"),
            if without == 1 {
                "its file was"
            } else {
                "their files were"
            },
            root.display()
        )),
    })
}

/// Today in UTC, as `2026-11-25`.
pub(super) fn today() -> String {
    Utc::now().date_naive().to_string()
}
