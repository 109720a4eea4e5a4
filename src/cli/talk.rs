//! Talking to people, on standard error. A closed standard error is no reason to fail.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;
use crate::images::path_text::for_terminal;

static QUIET: AtomicBool = AtomicBool::new(false);
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Says nothing but warnings and errors from here on.
pub(super) fn set_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Says more from here on.
pub(super) fn set_verbose(verbose: bool) {
    VERBOSE.store(verbose, Ordering::Relaxed);
}

pub(super) fn is_verbose() -> bool {
    VERBOSE.load(Ordering::Relaxed)
}

pub(super) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// A line that is left out under `--quiet`.
pub(super) fn say(text: impl Display) {
    if !is_quiet() {
        line(&text.to_string());
    }
}

pub(super) fn note(text: impl Display) {
    if !is_quiet() {
        line(&format!("{} {text}", bold("note:")));
    }
}

pub(super) fn warn(text: impl Display) {
    line(&format!("{} {text}", bold("warning:")));
}

/// Warns of an error that stops nothing, with its causes.
pub(super) fn cause(error: &Error) {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
    warn(for_terminal(&text));
}

/// A warning about several things, one a line; the first ones only where there are very many.
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
        line(&format!("  {}", for_terminal(&item.to_string())));
    }
    if count > SHOWN {
        line(&format!("  … and {} more {options}", count - SHOWN));
    }
}

/// An error with its causes and the way out.
pub(super) fn error(error: &anyhow::Error) {
    let ours = error.downcast_ref::<Error>();
    if let Some(Error::Download { file, failures, .. }) = ours {
        let file = for_terminal(file);
        line(&format!("{} cannot fetch `{file}`:", bold("error:")));
        for failure in failures {
            line(&format!("  {}", for_terminal(failure)));
        }
    } else {
        let causes = error.chain().map(ToString::to_string).collect::<Vec<_>>();
        let causes = for_terminal(&causes.join(": "));
        line(&format!("{} {causes}", bold("error:")));
    }
    if let Some(hint) = ours.and_then(Error::hint) {
        line(&format!("  {} {}", bold("hint:"), for_terminal(hint)));
    }
}

fn bold(text: &str) -> String {
    if stderr().is_terminal() && wants_colour(|name| std::env::var_os(name)) {
        format!("\x1b[1m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// As <https://no-color.org> and <https://bixense.com/clicolors> have it; a dumb terminal shows no escapes.
fn wants_colour(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let is = |name: &str, value: &str| variable(name).is_some_and(|found| found == value);
    let no_colour = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    !no_colour && !is("CLICOLOR", "0") && !is("TERM", "dumb")
}

fn line(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_left_out_where_the_environment_says_so() {
        let wanted = |name: &'static str, value: &'static str| {
            wants_colour(|asked| (asked == name).then(|| OsString::from(value)))
        };
        assert!(wanted("NO_COLOR", "") && wanted("CLICOLOR", "1") && wanted("TERM", "xterm"));
        assert!(!wanted("NO_COLOR", "1") && !wanted("CLICOLOR", "0") && !wanted("TERM", "dumb"));
    }
}
