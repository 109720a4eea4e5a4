//! Errors of the command line itself: options that contradict each other, and paths of the wrong kind.

use super::errors;
use frostline::error::Error;

/// An error of the command line, with its hint.
#[derive(Debug)]
pub(super) struct Refusal {
    problem: String,
    hint: String,
    fault: Fault,
}

/// The kind of a refusal; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Options contradict each other.
    Usage,
    /// An input is of the wrong kind, missing or empty.
    Input,
}

impl Refusal {
    /// Creates the error of an input that is of the wrong kind, missing or empty.
    pub(super) fn input(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            hint: hint.into(),
            fault: Fault::Input,
        }
    }

    /// Creates the error of options that contradict each other.
    pub(super) fn usage(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            fault: Fault::Usage,
            ..Self::input(problem, hint)
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Refusal {}

/// Returns what the user can do about an error of the command line or the library.
pub(super) fn hint(error: &anyhow::Error) -> Option<String> {
    match error.downcast_ref::<Refusal>() {
        Some(refusal) => Some(refusal.hint.clone()),
        None => errors::hint(error.downcast_ref::<Error>()?),
    }
}

/// Returns whether an error is a usage error.
pub(super) fn is_usage(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<Refusal>() {
        Some(refusal) => refusal.fault == Fault::Usage,
        None => error.downcast_ref().is_some_and(errors::is_usage),
    }
}
