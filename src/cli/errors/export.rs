//! Hints for errors of `export`.

use super::parameters::flag;
use frostline::error::ExportProblem;

/// Returns the message, with option names instead of parameters.
pub(super) fn message(problem: &ExportProblem) -> String {
    let names = ["with_rejection", "precision", "calibration", "max_drop"];
    let with_flag =
        |text: String, name: &str| text.replace(&format!("`{name}`"), &format!("`{}`", flag(name)));
    names.into_iter().fold(problem.to_string(), with_flag)
}

/// Returns what the user can do about the error.
pub(super) fn hint(problem: &ExportProblem) -> Option<String> {
    let hint = match problem {
        ExportProblem::Views(_) => {
            "fit a head on features of the centre crop alone: extract them without --views"
        }
        ExportProblem::Interpolation(_) => {
            "use --input crop, and resize and crop the images before the network"
        }
        ExportProblem::FewCalibration { .. } => {
            "pass a folder with some of the training images as --calibration IMAGES"
        }
        ExportProblem::DoesNotRun(_) => {
            "try --resize matmul if it takes pixels, --input crop, or --precision fp32"
        }
        ExportProblem::Layout { .. } => "use --layout file or triton",
        ExportProblem::TooLarge => "use --precision fp32",
        ExportProblem::Drop { .. } => {
            "use --precision fp32 or fp16, calibrate on more images, or raise --max-drop"
        }
        ExportProblem::NoRejection => {
            "fit the head again with `frostline fit-head FEATURES -o HEAD --reject 0.05`"
        }
        ExportProblem::Foreign(_) => {
            "choose another folder with -o, or add --overwrite to replace the file"
        }
        ExportProblem::TwoFiles => "choose a file with -o",
        ExportProblem::NothingToCompare => "pass a folder of images with --verify",
        _ => return None,
    };
    Some(hint.to_owned())
}
