//! Error messages of the command line: option names instead of parameters, and hints.

mod backbones;
mod export;
mod features;
mod file;
mod head;
mod hub;
mod images;
#[cfg(feature = "serve")]
mod label;
mod network;
mod outputs;
mod parameters;
mod runtime;
#[cfg(feature = "serve")]
mod serve;
mod tasks;
mod worker;

use std::io;
use std::path::Path;

use frostline::error::{Error, HeadError, ListProblem, ThreadsFor, is_of_system};

use self::outputs::outputs;

pub(super) use self::features::STRAY;
pub(super) use self::head::warning;
pub(super) use self::outputs::{OutputOptions, set_outputs};
pub(super) use self::parameters::with_flags;

/// Returns the message, with option names instead of parameters.
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
        Error::Export(problem) => export::message(problem),
        #[cfg(feature = "serve")]
        Error::Serve(error) => serve::message(error),
        Error::Strict { .. } => error.to_string().replacen("`strict`", "`--strict`", 1),
        other => with_flags(&other.to_string()),
    }
}

/// Returns the message with its causes.
pub(super) fn with_causes(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(message(error), |text, cause| format!("{text}: {cause}"))
}

/// Returns whether an option is out of range or contradicts another.
pub(super) fn is_usage(error: &Error) -> bool {
    matches!(
        error,
        Error::Parameter { .. }
            | Error::Head(HeadError::NoSearch { .. } | HeadError::NothingToSearch { .. })
    )
}

/// Returns what the user can do about the error.
pub(super) fn hint(error: &Error) -> Option<String> {
    match error {
        Error::Images(error) => images::hint(error),
        Error::Backbone(error) => backbones::hint(error),
        Error::Features(error) => features::hint(error),
        Error::Head(error) => head::hint(error),
        Error::Task(error) => tasks::hint(error),
        Error::Export(problem) => export::hint(problem),
        Error::Worker(error) => worker::hint(error),
        #[cfg(feature = "serve")]
        Error::Serve(error) => serve::hint(error),
        #[cfg(feature = "serve")]
        Error::Label(problem) => label::hint(problem),
        Error::File {
            path,
            kind,
            problem,
        } => file::hint(path, kind, problem),
        // A labelling session runs until it is ended, and has a port.
        Error::Locked { owner, .. } if owner.contains("on port") => Some(
            "open the address that it printed, or end it first, or choose another file with --labels"
                .to_owned(),
        ),
        Error::Locked { .. } => Some("wait until it finishes, or choose another folder".to_owned()),
        Error::Strict { .. } => {
            Some("fix or remove the images that were skipped, or omit --strict".to_owned())
        }
        Error::Io { path, .. } if *path == frostline::outputs::name(Path::new("-")) => {
            Some("redirect standard output to another file".to_owned())
        }
        Error::NoThread { purpose, .. } => Some(fewer_threads(*purpose)),
        Error::Io { action, source, .. } => io_hint(action, source),
        _ => None,
    }
}

fn io_hint(action: &str, error: &io::Error) -> Option<String> {
    let problem = error.get_ref().and_then(|inner| inner.downcast_ref());
    if let Some(ListProblem::Nul) = problem {
        let hint = "add -0 if NUL bytes separate the paths, or save the list as UTF-8";
        return Some(hint.to_owned());
    }
    if is_of_system(error) {
        let hint =
            "raise this process's limits (`ulimit -n` for open files), or close other programs";
        return Some(hint.to_owned());
    }
    matches!(action, "write" | "create").then(|| elsewhere(error.kind()))
}

/// Returns the hint for a system that gives no more threads.
fn fewer_threads(purpose: ThreadsFor) -> String {
    let fewer = match purpose {
        ThreadsFor::Images => "use fewer threads with --threads",
        _ => "use fewer threads: set the environment variable RAYON_NUM_THREADS, such as to 1",
    };
    format!("{fewer}; or raise the limits of this process (`ulimit -u` and `ulimit -v`)")
}

/// Returns the hint for a file or folder that cannot be written.
fn elsewhere(kind: io::ErrorKind) -> String {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let option = outputs().any;
    match kind {
        FileTooLarge => format!(
            "raise the limit of file sizes (`ulimit -f`), or choose another file system with {option}"
        ),
        StorageFull | QuotaExceeded => {
            format!("free some space, or choose another path with {option}")
        }
        _ => format!("choose a path that you can write to with {option}"),
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
                .starts_with("free some space, or choose another path with -o")
        );
        assert_eq!(hint("read", full()), None);
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        assert!(
            hint("create", denied)
                .unwrap()
                .contains("a path that you can write to with -o")
        );
        #[cfg(unix)]
        {
            let too_many = io::Error::from_raw_os_error(24);
            assert!(hint("read", too_many).unwrap().contains("ulimit -n"));
        }
    }
}
