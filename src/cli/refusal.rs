//! What the program refuses by itself: options that do not go together, and places of the wrong kind. The
//! library knows nothing of it.

use super::errors;
use frostline::error::Error;

/// A refusal, with the way out.
#[derive(Debug)]
pub(super) struct Refusal {
    problem: String,
    hint: String,
    fault: Fault,
}

/// Whose fault it is; decides the exit code.
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
