//! Ways out of errors of `head`.

use frostline::error::HeadError;

/// What the user can do about it.
pub(super) fn hint(error: &HeadError) -> Option<String> {
    match error {
        _ => None,
    }
}
