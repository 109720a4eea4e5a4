//! Ways out of errors of `images`.

use frostline::error::ImagesError;

/// What the user can do about it.
pub(super) fn hint(error: &ImagesError) -> Option<String> {
    match error {
        _ => None,
    }
}
