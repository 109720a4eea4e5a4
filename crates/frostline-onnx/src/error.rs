//! What can go wrong with a network or its weights.

use std::io;
use std::path::{Path, PathBuf};

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an act on a file.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's own words.
        #[source]
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("`{}` is {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// In which way.
        problem: FileProblem,
        /// What helps.
        hint: String,
    },
    /// There is no such thing.
    #[error("{problem}")]
    Input {
        /// The object and what is wrong with it.
        problem: String,
        /// What is wanted instead.
        hint: String,
    },
    /// A network, or weights of one, cannot be used.
    #[error("cannot use the network `{}`: {problem}", path.display())]
    Network {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
        /// What helps.
        hint: String,
    },
}

/// The ways in which a file is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileProblem {
    /// It ends too early.
    #[error("cut off: {0}")]
    Cut(String),
    /// It is something else.
    #[error("not {wanted}: {found}")]
    Foreign {
        /// What was wanted, with its article.
        wanted: &'static str,
        /// What it looks like.
        found: String,
    },
    /// A later program wrote it.
    #[error("of format version {found}, newer than {known}, the latest that this frostline reads")]
    Newer {
        /// The version in the file.
        found: u64,
        /// The latest that is read.
        known: u64,
    },
    /// The container is right, its content is not.
    #[error("damaged: {0}")]
    Damaged(String),
}

impl Error {
    /// Wraps an I/O error with the act and the path.
    pub(crate) fn io(
        action: &'static str,
        path: impl AsRef<Path>,
    ) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.as_ref().to_owned(),
            source,
        }
    }

    /// What helps, if anything is known to.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::File { hint, .. } | Self::Input { hint, .. } | Self::Network { hint, .. } => {
                (!hint.is_empty()).then_some(hint)
            }
            Self::Io { .. } => None,
        }
    }
}
