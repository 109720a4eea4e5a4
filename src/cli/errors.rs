//! Errors as the command line says them: parameters by their flags, and the way out.

mod backbones;
mod features;
mod file;
mod head;
mod images;
mod network;
mod parameters;
mod runtime;
mod tasks;

pub(super) use self::parameters::with_flags;
use frostline::error::Error;

/// What is wrong, with flags in the place of parameters.
pub(super) fn message(error: &Error) -> String {
    match error {
        Error::Parameter {
            name,
            value,
            wanted,
        } => format!(
            "`{}` is {value}, but must be {wanted}{}",
            parameters::flag(name),
            parameters::remark(name)
        ),
        other => with_flags(&other.to_string()),
    }
}

/// The message with its causes.
pub(super) fn with_causes(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(message(error), |text, cause| format!("{text}: {cause}"))
}

/// Whether an option has a value out of its range, or contradicts another. Parameters of preprocessing come
/// out of a file as well, and are not named as options are.
pub(super) fn is_usage(error: &Error) -> bool {
    match error {
        Error::Parameter { name, .. } => parameters::is_option(name),
        Error::Conflict { .. } => true,
        _ => false,
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
        Error::File {
            path,
            kind,
            problem,
        } => file::hint(path, kind, problem),
        other => other.hint().map(ToOwned::to_owned),
    }
}
