//! Ranked findings: lists to check from the top.

use super::super::cells::{cell, padded, widest};
use frostline::phrases::counted;
use frostline::tasks::{InspectReport, LabelReport, Outlier, SuspectImage, Unlike};

const SUSPECTS: usize = 30;
const OUTLIERS: usize = 20;

const LEGEND: &str = "  percentages: the probability of the label and of the predicted class, by a head \
                      trained without the image";

pub(super) fn suspects(labels: &LabelReport) -> Option<Vec<String>> {
    if labels.suspects.is_empty() {
        return None;
    }
    let confident = labels
        .suspects
        .iter()
        .filter(|suspect| suspect.confident)
        .count();
    let others = labels.suspects.len() - confident;
    let heading = format!(
        "{} ({} folds, accuracy {:.1} %; confident learning estimates {:.0} wrong)",
        to_check(confident, others),
        labels.folds,
        100.0 * labels.accuracy,
        labels.estimated_errors
    );
    let shown_first = || labels.suspects.iter().take(SUSPECTS);
    let widths = [
        widest(shown_first().map(given)),
        widest(shown_first().map(suggested)),
    ];
    let lines = labels
        .suspects
        .iter()
        .map(|suspect| suspect_line(suspect, widths))
        .collect();
    let mut out = shown(heading, lines, SUSPECTS);
    out.insert(1, LEGEND.to_owned());
    Some(out)
}

/// Says how many labels cross-validation contradicts. Most of them may be right, so they are not called
/// wrong.
fn to_check(confident: usize, others: usize) -> String {
    format!(
        "labels to check: {confident} (*) where cross-validation is confident of another class, {others} \
         more where it disagrees"
    )
}

fn suspect_line(suspect: &SuspectImage, [given_width, suggested_width]: [usize; 2]) -> String {
    format!(
        "{:>5}{} label {} {:5.1} %  predicted {} {:5.1} %  {}",
        suspect.rank,
        if suspect.confident { '*' } else { ' ' },
        padded(&given(suspect), given_width),
        100.0 * suspect.given_probability,
        padded(&suggested(suspect), suggested_width),
        100.0 * suspect.suggested_probability,
        suspect.image.path
    )
}

fn given(suspect: &SuspectImage) -> String {
    cell(suspect.image.class.as_deref().unwrap_or_default())
}

fn suggested(suspect: &SuspectImage) -> String {
    cell(&suspect.suggested)
}

pub(super) fn outliers(report: &InspectReport) -> Option<Vec<String>> {
    let line = |outlier: &Outlier| {
        let mark = if outlier.beyond { '*' } else { ' ' };
        let from = match outlier.unlike {
            Unlike::Everything => "all images",
            Unlike::Class => "its class",
        };
        let path = &outlier.image.path;
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
        "{} (*) and the most distant other images, by mean cosine distance to the five nearest images",
        counted(beyond, "outlier")
    );
    let lines = report.outliers.iter().map(line).collect();
    Some(shown(heading, lines, OUTLIERS))
}

/// Returns the first `most` lines under a heading, and the number of others.
pub(super) fn shown(heading: String, lines: Vec<String>, most: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    let mut out = vec![heading];
    out.extend(lines.into_iter().take(most));
    if more > 0 {
        out.push(format!("  and {more} more; --format json lists all"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradicted_labels_are_not_called_wrong() {
        assert_eq!(
            to_check(26, 14),
            "labels to check: 26 (*) where cross-validation is confident of another class, 14 more where it \
             disagrees"
        );
    }
}
