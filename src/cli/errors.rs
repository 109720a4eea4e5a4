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

use std::io;

use frostline::error::{Error, HeadError, is_of_system};

pub(super) use self::head::warning;
pub(super) use self::parameters::with_flags;

/// What is wrong, with flags in the place of parameters.
pub(super) fn message(error: &Error) -> String {
    match error {
        Error::Parameter {
            name,
            value,
            wanted,
        } => format!(
            "`{}` is {value}, but must be {}{}",
            parameters::flag(name),
            parameters::condition(wanted),
            parameters::remark(name)
        ),
        Error::Head(error) => head::message(error),
        Error::Task(error) => with_flags(&tasks::message(error)),
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
        Error::Head(HeadError::NoSearch { .. } | HeadError::NothingToSearch) => true,
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
        Error::Locked { .. } => Some("wait until it ends, or choose another folder".to_owned()),
        Error::Strict { .. } => {
            Some("mend or remove the images named above, or leave out --strict".to_owned())
        }
        Error::Io { action, source, .. } => io_hint(action, source).map(str::to_owned),
        _ => None,
    }
}

fn io_hint(action: &str, error: &io::Error) -> Option<&'static str> {
    if is_of_system(error) {
        return Some(
            "raise the limits of this process (`ulimit -n` for open files), or end other programs",
        );
    }
    matches!(action, "write" | "create").then(|| elsewhere(error.kind()))
}

/// The way out where a file or folder cannot be written.
fn elsewhere(kind: io::ErrorKind) -> &'static str {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match kind {
        FileTooLarge => {
            "the process or the file system allows no larger file: see `ulimit -f`, or name another place \
             with -o, --store or FROSTLINE_HOME"
        }
        StorageFull | QuotaExceeded => {
            "free some space, or name another place with -o, --store or FROSTLINE_HOME"
        }
        _ => "name a place that can be written to with -o, --store or FROSTLINE_HOME",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_too_few_open_files_have_ways_out() {
        let hint = |action, error: io::Error| hint(&Error::io(action, "a")(error));
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        assert!(
            hint("write", full())
                .unwrap()
                .starts_with("free some space, or name another place with -o")
        );
        assert_eq!(hint("read", full()), None);
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        assert!(hint("create", denied).unwrap().contains("can be written"));
        #[cfg(unix)]
        {
            let too_many = io::Error::from_raw_os_error(24);
            assert!(hint("read", too_many).unwrap().contains("ulimit -n"));
        }
    }
}
