//! Ways out of errors of `backbones`.

use frostline::error::BackboneError;

/// What the user can do about it.
pub(super) fn hint(error: &BackboneError) -> Option<String> {
    match error {
        _ => None,
    }
}
