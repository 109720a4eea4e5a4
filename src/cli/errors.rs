//! Errors as the command line says them: parameters by their flags, and the way out.

mod backbones;
mod features;
mod head;
mod images;
mod parameters;
mod tasks;

use frostline::error::Error;

/// What is wrong, with flags in the place of parameters.
pub(super) fn message(error: &Error) -> String {
    match error {
        Error::Parameter {
            name,
            value,
            wanted,
        } => format!(
            "`{}` is {value}, but must be {wanted}",
            parameters::flag(name)
        ),
        other => other.to_string(),
    }
}

/// What the user can do about it.
pub(super) fn hint(error: &Error) -> Option<String> {
    match error {
        Error::Images(error) => images::hint(error),
        Error::Backbone(error) => backbones::hint(error),
        Error::Features(error) => features::hint(error),
        Error::Head(error) => head::hint(error),
        Error::Task(error) => tasks::hint(error),
        other => other.hint().map(ToOwned::to_owned),
    }
}
