//! Errors that only the program has: options that contradict each other, and paths of the wrong kind.

use super::errors;
use frostline::error::Error;

/// Such an error, with its hint.
#[derive(Debug)]
pub(super) struct Refusal {
    problem: String,
    hint: String,
    fault: Fault,
}

/// The kind of a refusal, which decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The options contradict each other, whatever they lead to.
    Usage,
    /// There is something else at a path, or nothing to work on.
    Input,
}

impl Refusal {
    /// Of what was given: there is something else at a path, or nothing to work on.
    pub(super) fn input(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            hint: hint.into(),
            fault: Fault::Input,
        }
    }

    /// Of options that contradict each other.
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

/// What the user can do about an error, the program's own or the library's.
pub(super) fn hint(error: &anyhow::Error) -> Option<String> {
    match error.downcast_ref::<Refusal>() {
        Some(refusal) => Some(refusal.hint.clone()),
        None => errors::hint(error.downcast_ref::<Error>()?),
    }
}

/// Whether it lies in the options alone.
pub(super) fn is_usage(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<Refusal>() {
        Some(refusal) => refusal.fault == Fault::Usage,
        None => error.downcast_ref().is_some_and(errors::is_usage),
    }
}
