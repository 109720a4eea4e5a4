//! Why the folder for models and runtime cannot be used.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why the folder for models and runtime cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeProblem {
    /// Neither `FROSTLINE_HOME` nor a home directory is known; the system's words.
    #[error("the folder for models and runtime is not known: {0}")]
    Unknown(String),
    /// `FROSTLINE_HOME` would be another folder wherever a program is started.
    #[error("FROSTLINE_HOME is the relative path `{}`", .0.display())]
    Relative(PathBuf),
    /// Others can change what lies in it.
    #[error("{0}: code and networks in FROSTLINE_HOME could be theirs")]
    Shared(SharedPlace),
    /// Nothing can be put into it.
    #[error("`{}` cannot be written: {error}", path.display())]
    ReadOnly {
        /// The folder.
        path: PathBuf,
        /// The system's own words.
        error: io::Error,
    },
}

/// A file or folder that other users can change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPlace {
    /// The folder, file or link at fault.
    pub place: PathBuf,
    /// By which right.
    pub reason: SharedReason,
}

/// Why other users can change a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SharedReason {
    /// It belongs to this user.
    Owner(u32),
    /// Its mode lets others write.
    Mode(u32),
    /// Links lead to links without an end.
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
            SharedReason::Links => write!(f, "there are too many links on the way to `{place}`"),
        }
    }
}
