//! Errors of a store on their way through readers of files.

use std::io;

use crate::error::ImagesError;

/// The cause of an [`io::Error`] that is not the fault of one image: the store refuses access, for example.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub(super) ImagesError);

/// Returns the error of the store that caused `error`, if one did.
pub(in crate::images) fn refusal(error: &io::Error) -> Option<ImagesError> {
    let refused = error.get_ref()?.downcast_ref::<Refused>()?;
    Some(refused.0.clone())
}
