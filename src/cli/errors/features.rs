//! Ways out of errors of `features`.

use frostline::error::FeaturesError;

/// What the user can do about it.
pub(super) fn hint(error: &FeaturesError) -> Option<String> {
    match error {
        _ => None,
    }
}
