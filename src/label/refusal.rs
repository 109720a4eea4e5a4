//! Why something that the page asks for is not done.

use std::io::ErrorKind;

use crate::error::Error;

/// Why a request is refused. Nothing has changed then.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is malformed or impossible.
    Bad(String),
    /// The image does not exist, has no features, or cannot be shown.
    Missing(String),
    /// What it refers to has changed since.
    Stale(String),
    /// What it needs is still being computed.
    NotReady(String),
    /// The disk is full.
    DiskFull(String),
    /// Something else failed.
    Failed(String),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let said = with_causes(&error);
        match &error {
            Error::Io { source, .. } if is_full(source.kind()) => Self::DiskFull(said),
            _ => Self::Failed(said),
        }
    }
}

fn is_full(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}

/// Returns the message of an error with its causes.
pub(super) fn with_causes(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
