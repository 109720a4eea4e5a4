//! What can go wrong: one [`Error`] for the library, with an enum for each room below it.
//!
//! A message names the act, the object and the cause: ``cannot read `a.toml`: missing field `sha256` ``. The
//! cause of an I/O error is its [`source`](std::error::Error::source) and is not repeated in the message.
//! The enums are typed, so that a program can tell one case from another:
//!
//! ```
//! use frostline::Error;
//! use frostline::error::FileProblem;
//!
//! let error = frostline::head::HeadFile::read("no-such-head.safetensors").unwrap_err();
//! match &error {
//!     Error::Io { path, .. } => assert_eq!(path.to_str(), Some("no-such-head.safetensors")),
//!     Error::File { problem: FileProblem::Cut(_), .. } => eprintln!("copy the file again"),
//!     other => eprintln!("{other}"),
//! }
//! ```
//!
//! An image that cannot be used is not an error: it is a [`SkipReason`](crate::SkipReason) in the results.

use std::io;
use std::path::{Path, PathBuf};

use crate::phrases::counted;

mod backbones;
mod data;
mod features;
mod file;
mod head;
mod home;
mod images;
mod network;
mod runtime;
mod tasks;

pub use self::backbones::BackboneError;
pub use self::data::{DataProblem, Pair};
pub use self::features::{FeaturesError, NoSamples};
pub use self::file::{FileKind, FileProblem, KnownFile};
pub use self::head::{AllFeatures, HeadError, RejectionProblem};
pub use self::home::{HomeProblem, SharedPlace, SharedReason};
pub use self::images::ImagesError;
pub use self::network::{Candidate, GraphProblem, NetworkProblem, WeightsProblem};
pub use self::runtime::{
    DeviceProblem, LibraryProblem, Provider, RuntimeProblem, SearchPathProblem,
};
pub use self::tasks::{Difference, Elsewhere, OutputProblem, TaskError};

/// A `Result` whose error is [`Error`](enum@Error) unless another is named.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that stops a task. A bad image does not: it becomes a skipped sample with a reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an act on a file or folder.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own words.
        #[source]
        source: io::Error,
    },
    /// A file of ours, or one that we were given, is not what it should be.
    #[error("`{}` is {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it was to be.
        kind: FileKind,
        /// In which way: cut, foreign, newer, damaged.
        problem: FileProblem,
    },
    /// Images cannot be found or prepared.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// A network, ONNX Runtime or a device cannot be used.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
    /// A feature store does not hold what is asked of it.
    #[error(transparent)]
    Features(#[from] FeaturesError),
    /// A head cannot be fitted, read, written or used.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// What is given to a task does not fit together.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A parameter is outside of its range.
    #[error("`{name}` is {value}, but must be {wanted}")]
    Parameter {
        /// The parameter, as a field of its struct is called.
        name: &'static str,
        /// What was given.
        value: String,
        /// The range.
        wanted: &'static str,
    },
    /// Another process writes to it.
    #[error("`{}` is being written by another frostline ({owner})", path.display())]
    Locked {
        /// The store or file.
        path: PathBuf,
        /// The process that holds the lock, if known.
        owner: String,
    },
    /// Whoever asked for the work has asked for its end.
    #[error("interrupted{}", kept_text(*kept))]
    Interrupted {
        /// Images whose features are kept for the next run; nothing where none are kept.
        kept: Option<usize>,
    },
    /// No image may be skipped, and one was.
    #[error("{count} of {} could not be used, and strict mode allows none", counted(*total, "image"))]
    Strict {
        /// Skipped images.
        count: usize,
        /// All images.
        total: usize,
    },
}

impl Error {
    /// Wraps an I/O error with the act and the path: `.map_err(Error::io("read", path))`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.as_ref().to_owned(),
            source,
        }
    }

    /// A parameter outside of its range, which `wanted` says.
    pub(crate) fn parameter(
        name: &'static str,
        value: &(impl ToString + ?Sized),
        wanted: &'static str,
    ) -> Self {
        Self::Parameter {
            name,
            value: value.to_string(),
            wanted,
        }
    }
}

macro_rules! problems_of_rooms {
    ($($problem:ty => $room:ty,)+) => {$(
        impl From<$problem> for Error {
            fn from(problem: $problem) -> Self {
                <$room>::from(problem).into()
            }
        }
    )+};
}

problems_of_rooms! {
    RuntimeProblem => BackboneError,
    HomeProblem => BackboneError,
    DataProblem => HeadError,
    RejectionProblem => HeadError,
    OutputProblem => TaskError,
}

impl NetworkProblem {
    /// The error for the network at `path`.
    pub(crate) fn at(self, path: impl AsRef<Path>) -> Error {
        BackboneError::Network {
            path: path.as_ref().to_owned(),
            problem: self,
        }
        .into()
    }
}

/// Returns [`Error::Parameter`] unless the value is as `wanted` says.
pub(crate) fn require(
    holds: bool,
    name: &'static str,
    value: &(impl ToString + ?Sized),
    wanted: &'static str,
) -> Result<()> {
    if holds {
        Ok(())
    } else {
        Err(Error::parameter(name, value, wanted))
    }
}

/// The system's error inside of a format's own, with the text of the latter: its kind decides the way out.
pub(crate) fn system_error(error: impl std::error::Error + 'static) -> io::Error {
    let mut causes = std::iter::successors(
        Some(&error as &(dyn std::error::Error + 'static)),
        |cause| cause.source(),
    );
    let kind = causes.find_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()));
    io::Error::new(kind.unwrap_or(io::ErrorKind::Other), error.to_string())
}

/// The system's error inside of one of csv, whose own conversion hides the kind.
#[doc(hidden)]
#[must_use]
pub fn csv_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::new(io::ErrorKind::InvalidData, format!("{kind:?}")),
    }
}

/// What the next run need not do again.
fn kept_text(kept: Option<usize>) -> String {
    kept.map_or_else(String::new, |n| {
        format!(": {} kept; run again to continue", counted(n, "image"))
    })
}

/// Whether an error says nothing about the file it happened to: the system has run out of open files or
/// memory.
#[doc(hidden)]
#[must_use]
pub fn is_of_system(error: &io::Error) -> bool {
    /// `ENOMEM`, `ENFILE` and `EMFILE`, which have these numbers on Linux, macOS and the BSDs.
    #[cfg(unix)]
    const NUMBERS: [i32; 3] = [12, 23, 24];
    /// `ERROR_TOO_MANY_OPEN_FILES`, `ERROR_NOT_ENOUGH_MEMORY` and `ERROR_OUTOFMEMORY`.
    #[cfg(not(unix))]
    const NUMBERS: [i32; 3] = [4, 8, 14];
    error
        .raw_os_error()
        .is_some_and(|number| NUMBERS.contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_format() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        for error in [
            system_error(arrow_schema::ArrowError::from(full())),
            system_error(parquet::errors::ParquetError::from(full())),
        ] {
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_the_system_lacks_is_no_fault_of_a_file() {
        let of_system = |number| is_of_system(&io::Error::from_raw_os_error(number));
        let named = |text: &str| {
            let found = (1..133).find(|&n| {
                io::Error::from_raw_os_error(n)
                    .to_string()
                    .starts_with(text)
            });
            found.unwrap_or_else(|| panic!("no error says `{text}`"))
        };
        for text in ["Too many open files", "Cannot allocate memory"] {
            assert!(of_system(named(text)), "{text}");
        }
        for text in ["No such file", "Permission denied", "Is a directory"] {
            assert!(!of_system(named(text)), "{text}");
        }
    }

    #[test]
    fn what_is_kept_is_counted() {
        let text = |kept| Error::Interrupted { kept }.to_string();
        assert_eq!(
            text(Some(1)),
            "interrupted: 1 image kept; run again to continue"
        );
        assert_eq!(
            text(Some(0)),
            "interrupted: 0 images kept; run again to continue"
        );
        assert_eq!(text(None), "interrupted");
    }
}
