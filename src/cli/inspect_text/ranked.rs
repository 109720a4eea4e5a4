//! Findings that are ranked: a list to work through from the top.

use super::shown;
use crate::images::path_text::for_terminal;
use crate::tasks::{InspectReport, LabelReport, Outlier, SuspectImage, Unlike};

const SUSPECTS: usize = 30;
const OUTLIERS: usize = 20;

pub(super) fn suspects(labels: &LabelReport) -> Option<Vec<String>> {
    if labels.suspects.is_empty() {
        return None;
    }
    let confident = labels
        .suspects
        .iter()
        .filter(|suspect| suspect.confident)
        .count();
    let heading = format!(
        "{} labels may be wrong, {confident} of them (*) likely ({} folds, {:.1} % right; confident learning expects {:.0} wrong)",
        labels.suspects.len(),
        labels.folds,
        100.0 * labels.accuracy,
        labels.estimated_errors
    );
    let widths = labels.suspects.iter().take(SUSPECTS).map(|suspect| {
        let class = suspect.image.class.as_deref().unwrap_or_default();
        (width(class), width(&suspect.suggested))
    });
    let widths = widths.fold((0, 0), |a, b| (a.0.max(b.0), a.1.max(b.1)));
    let lines = labels
        .suspects
        .iter()
        .map(|suspect| suspect_line(suspect, widths))
        .collect();
    Some(shown(heading, lines, SUSPECTS))
}

fn suspect_line(suspect: &SuspectImage, (given_width, suggested_width): (usize, usize)) -> String {
    let given = for_terminal(suspect.image.class.as_deref().unwrap_or_default());
    let (suggested, path) = (
        for_terminal(&suspect.suggested),
        for_terminal(&suspect.image.path),
    );
    format!(
        "{:>5}{} {given:given_width$} {:5.1} %  rather {suggested:suggested_width$} {:5.1} %  {path}",
        suspect.rank,
        if suspect.confident { '*' } else { ' ' },
        100.0 * suspect.given_probability,
        100.0 * suspect.suggested_probability,
    )
}

fn width(name: &str) -> usize {
    for_terminal(name).chars().count()
}

pub(super) fn outliers(report: &InspectReport) -> Option<Vec<String>> {
    let line = |outlier: &Outlier| {
        let mark = if outlier.beyond { '*' } else { ' ' };
        let from = match outlier.unlike {
            Unlike::Everything => "everything",
            Unlike::Class => "its class",
        };
        let path = for_terminal(&outlier.image.path);
        format!("  {:.3}{mark} from {from:10}  {path}", outlier.distance)
    };
    if report.outliers.is_empty() {
        return None;
    }
    let beyond = report
        .outliers
        .iter()
        .filter(|outlier| outlier.beyond)
        .count();
    let heading = format!(
        "{beyond} outliers (*) and the images farthest from all others, by mean cosine distance to the five nearest"
    );
    let lines = report.outliers.iter().map(line).collect();
    Some(shown(heading, lines, OUTLIERS))
}
