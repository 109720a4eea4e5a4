//! Hints for errors of `export`.

use frostline::error::ExportProblem;

/// Returns what the user can do about the error.
pub(super) fn hint(problem: &ExportProblem) -> Option<String> {
    let hint = match problem {
        ExportProblem::Views(_) => {
            "fit a head on features of the centre crop alone: extract them without --views"
        }
        ExportProblem::Interpolation(_) => {
            "use --input crop, and resize and crop the images before the network"
        }
        ExportProblem::NoRejection => {
            "fit the head again with `frostline fit-head FEATURES -o HEAD --reject 0.05`"
        }
        ExportProblem::TwoFiles => "choose a file with -o",
        ExportProblem::NothingToCompare => "pass a folder of images with --verify",
        _ => return None,
    };
    Some(hint.to_owned())
}
