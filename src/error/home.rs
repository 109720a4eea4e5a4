//! Errors of `FROSTLINE_HOME`, the folder for models and ONNX Runtime.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why `FROSTLINE_HOME` cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeProblem {
    /// Neither `FROSTLINE_HOME` nor a home directory is known; the system's message.
    #[error("cannot find a folder for models and ONNX Runtime: {0}")]
    Unknown(String),
    /// `FROSTLINE_HOME` is relative, so it would depend on the working directory.
    #[error("FROSTLINE_HOME is the relative path `{}`", .0.display())]
    Relative(PathBuf),
    /// Other users can change its contents.
    #[error("{0}: the code and networks in FROSTLINE_HOME could be replaced")]
    Shared(SharedPlace),
    /// It cannot be written to.
    #[error("cannot write to `{}`: {error}", path.display())]
    ReadOnly {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
}

/// A file or folder that other users can change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPlace {
    /// The folder, file or link.
    pub place: PathBuf,
    /// Why others can change it.
    pub reason: SharedReason,
}

/// Why other users can change a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SharedReason {
    /// It belongs to this user ID.
    Owner(u32),
    /// Its mode lets others write.
    Mode(u32),
    /// A path with too many links to check.
    Links,
}

impl fmt::Display for SharedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.display();
        match self.reason {
            SharedReason::Owner(uid) => write!(f, "`{place}` belongs to another user (uid {uid})"),
            SharedReason::Mode(mode) => {
                write!(f, "other users can write to `{place}` (mode {mode:04o})")
            }
            SharedReason::Links => write!(f, "the path `{place}` has too many symbolic links"),
        }
    }
}
