//! Ways out of errors of `tasks`.

use frostline::error::TaskError;

/// What the user can do about it.
pub(super) fn hint(error: &TaskError) -> Option<String> {
    match error {
        _ => None,
    }
}
