//! Messages and hints for errors of `label`.

use frostline::error::LabelProblem;

/// Returns what the user can do about the problem.
pub(super) fn hint(problem: &LabelProblem) -> Option<String> {
    let hint = match problem {
        LabelProblem::AmongImages { what, .. } if what.contains("store") => {
            "choose another folder with --features"
        }
        LabelProblem::AmongImages { .. } => "choose another place with --labels",
        LabelProblem::OtherColumns { .. } => {
            "write a file with only these two columns, and pass it with --labels"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}
