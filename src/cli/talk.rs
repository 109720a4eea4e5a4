//! Messages on standard error: lines, notes, warnings and errors.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{errors, refusal, terminal};
use frostline::error::{BackboneError, Error};

static QUIET: AtomicBool = AtomicBool::new(false);
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Sets whether only warnings and errors are printed.
pub(super) fn set_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Sets whether more details are printed.
pub(super) fn set_verbose(verbose: bool) {
    VERBOSE.store(verbose, Ordering::Relaxed);
}

pub(super) fn is_verbose() -> bool {
    VERBOSE.load(Ordering::Relaxed)
}

pub(super) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Prints a line unless `--quiet` is set.
pub(super) fn say(text: impl Display) {
    if !is_quiet() {
        line(text);
    }
}

/// Prints a line of a log, also if `--quiet` is set.
#[cfg(feature = "serve")]
pub(super) fn log(text: impl Display) {
    line(text);
}

pub(super) fn note(text: impl Display) {
    if !is_quiet() {
        terminal::say(Some("note:"), text);
    }
}

pub(super) fn warn(text: impl Display) {
    terminal::say(Some("warning:"), text);
}

/// Warns about an error that does not stop the command, with its causes.
pub(super) fn cause(error: &Error) {
    warn(errors::with_causes(error));
}

/// Warns about several things, one per line, up to a limit.
pub(super) fn warn_list<T: Display>(
    heading: impl Display,
    items: impl ExactSizeIterator<Item = T>,
    options: &str,
) {
    const SHOWN: usize = 1000;
    let count = items.len();
    if count == 0 {
        return;
    }
    warn(format!("{heading}:"));
    for item in items.take(SHOWN) {
        line(format!("  {item}"));
    }
    if count > SHOWN {
        let more = format!("  … and {} more {options}", count - SHOWN);
        line(more.trim_end());
    }
}

/// Prints an error with its causes and its hint.
pub(super) fn error(error: &anyhow::Error) {
    let ours = error.downcast_ref();
    let say = |text: &dyn Display| terminal::say(Some("error:"), text);
    if let Some(Error::Backbone(BackboneError::Download { file, failures, .. })) = ours {
        say(&format!("cannot download `{}`:", file.name));
        for failure in failures {
            line(format!("  {failure}"));
        }
    } else {
        let words = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref() {
            Some(error) => errors::message(error),
            None => cause.to_string(),
        };
        let causes = error.chain().map(words).collect::<Vec<_>>();
        say(&causes.join(": "));
    }
    if let Some(hint) = refusal::hint(error) {
        terminal::say(Some("  hint:"), hint);
    }
}

fn line(text: impl Display) {
    terminal::say(None, text);
}
