//! The texts at the head of the page, and its date.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::options::{ReportOptions, Roots};
use crate::head::Evaluation;
use crate::images::path_text::{for_terminal, to_text};
use crate::phrases::{counted, in_quotes};
use crate::tasks::judge::Judged;

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
pub(super) fn notes(judged: &Judged, evaluation: &Evaluation) -> Vec<String> {
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
    notes
}

/// Why images have no picture.
pub(super) fn pictures_note(roots: &Roots<'_>, without: usize) -> Option<String> {
    if without == 0 {
        return None;
    }
    Some(match roots.images {
        None => {
            "Feature stores do not know where their images lie: give --images FOLDER to see them \
                 here."
                .to_owned()
        }
        Some(root) => format!(
            "{} without a picture: {} not found below `{}`, could not be read or held another picture, \
             or the page was full.",
            counted(without, "image"),
            if without == 1 {
                "its file was"
            } else {
                "their files were"
            },
            root.display()
        ),
    })
}

/// Today in UTC, as `2026-11-25`.
pub(super) fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let days = since.map_or(0, |since| since.as_secs() / 86_400);
    let (year, month, day) = civil(days as i64);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Year, month and day of a number of days after 1970-01-01 in the Gregorian calendar (Howard Hinnant,
/// *chrono-compatible low-level date algorithms*, `civil_from_days`): years begin in March, eras are of 400
/// years.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(59), (1970, 3, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_782), (2026, 11, 25));
        assert_eq!(civil(47_540), (2100, 2, 28));
        assert_eq!(civil(47_541), (2100, 3, 1));
    }
}
