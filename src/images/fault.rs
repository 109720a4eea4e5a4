//! Why the bytes of an image cannot be read: the fault of the image, or of the system or the store.

use super::SkipReason;
use crate::error::Error;

/// Why a file cannot be read, or its image cannot be decoded.
#[derive(Debug)]
pub(crate) enum ReadFault {
    /// The file cannot be used.
    OfFile(SkipReason),
    /// The file is not at fault: the system has run out of open files or memory.
    OfSystem(Error),
}

impl From<SkipReason> for ReadFault {
    fn from(reason: SkipReason) -> Self {
        Self::OfFile(reason)
    }
}

impl ReadFault {
    /// Returns the reason to skip the file; a system error becomes [`SkipReason::Unreadable`].
    #[must_use]
    pub(crate) fn reason(self) -> SkipReason {
        match self {
            Self::OfFile(reason) => reason,
            Self::OfSystem(error) => SkipReason::Unreadable(error.to_string()),
        }
    }
}
