//! The library's errors: one [`Error`] with an enum for each module.
//!
//! A message names the action, the object and the cause: ``cannot read `a.toml`: missing field `sha256` ``.
//! The cause of an I/O error is its [`source`](std::error::Error::source) and is not repeated in the message.
//! The enums are typed, so a program can match each case:
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
//! An image that cannot be used is not an error: the results contain its [`SkipReason`](crate::SkipReason).

use std::io;
use std::path::{Path, PathBuf};

use crate::phrases::counted;

mod backbones;
mod data;
mod export;
mod features;
mod file;
mod head;
mod home;
mod hub;
mod images;
#[cfg(feature = "serve")]
mod label;
mod network;
mod runtime;
#[cfg(feature = "serve")]
mod serve;
mod tasks;
mod threads;
mod worker;

pub use self::backbones::BackboneError;
pub use self::data::{DataProblem, Pair};
pub use self::export::ExportProblem;
pub use self::features::{Conflict, FeaturesError, NoSamples};
pub use self::file::{FileKind, FileProblem, KnownFile};
pub use self::head::{AllFeatures, HeadError, RejectionProblem};
pub use self::home::{HomeProblem, SharedPlace, SharedReason};
pub use self::hub::HubProblem;
pub use self::images::{ImagesError, ListProblem, StoreProblem};
#[cfg(feature = "serve")]
pub use self::label::LabelProblem;
pub use self::network::{Candidate, GraphProblem, NetworkProblem, WeightsProblem};
pub use self::runtime::{
    DeviceProblem, LibraryProblem, Provider, RuntimeProblem, SearchPathProblem,
};
#[cfg(feature = "serve")]
pub use self::serve::{NameProblem, ServeError, TokenProblem};
pub use self::tasks::{Difference, Elsewhere, NeededWheel, OutputProblem, PipProblem, TaskError};
pub use self::threads::ThreadsFor;
pub use self::worker::WorkerError;

/// A `Result` with [`Error`](enum@Error) as its default error type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error that stops a task. A bad image does not stop a task: it becomes a skipped sample with a reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation on a file or folder failed.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// The operation, as a verb: `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A file is truncated, damaged, too new or of another format.
    #[error("`{}` is {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it was expected to be.
        kind: FileKind,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// Images cannot be found or prepared.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// A network, ONNX Runtime or a device cannot be used.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
    /// A feature store cannot be used or written.
    #[error(transparent)]
    Features(#[from] FeaturesError),
    /// A head cannot be fitted, read, written or used.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The inputs of a task do not match.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A head cannot be exported.
    #[error(transparent)]
    Export(#[from] ExportProblem),
    /// A worker cannot answer its input.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// A server cannot be started.
    #[cfg(feature = "serve")]
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Images cannot be labelled.
    #[cfg(feature = "serve")]
    #[error(transparent)]
    Label(#[from] LabelProblem),
    /// A parameter is out of range.
    #[error("`{name}` is {value}, but must be {wanted}")]
    Parameter {
        /// The parameter, by the name of its struct field.
        name: &'static str,
        /// Its value.
        value: String,
        /// The valid range.
        wanted: &'static str,
    },
    /// Another process is writing to a store or file.
    #[error("`{}` is locked: another frostline is writing to it ({owner})", path.display())]
    Locked {
        /// The store or file.
        path: PathBuf,
        /// The process that holds the lock, if it is known.
        owner: String,
    },
    /// The system gives no more threads.
    #[error("cannot start a thread")]
    NoThread {
        /// What the thread is for.
        purpose: ThreadsFor,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The caller stopped the task.
    #[error("interrupted{}", kept_text(*kept))]
    Interrupted {
        /// How many images have saved features for the next run; `None` if the task saves none.
        kept: Option<usize>,
    },
    /// An image was skipped although `strict` is set.
    #[error("{count} of {} could not be used, and `strict` is set", counted(*total, "image"))]
    Strict {
        /// The number of skipped images.
        count: usize,
        /// The number of all images.
        total: usize,
    },
}

impl Error {
    /// Wraps an I/O error with the operation and the path: `.map_err(Error::io("read", path))`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.as_ref().to_owned(),
            source,
        }
    }

    /// Wraps a failure to write a network to `path`; `missing` bytes are still to be written.
    pub(crate) fn on_disk(path: &Path, missing: u64, source: io::Error) -> Self {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        if !matches!(source.kind(), StorageFull | QuotaExceeded) {
            return Self::io("write", path)(source);
        }
        let path = path.to_owned();
        BackboneError::DiskFull { path, missing }.into()
    }

    /// Creates the error of a parameter outside the range `wanted`.
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

macro_rules! wrapped_problems {
    ($($problem:ty => $error:ty,)+) => {$(
        impl From<$problem> for Error {
            fn from(problem: $problem) -> Self {
                <$error>::from(problem).into()
            }
        }
    )+};
}

wrapped_problems! {
    RuntimeProblem => BackboneError,
    HomeProblem => BackboneError,
    DataProblem => HeadError,
    RejectionProblem => HeadError,
    OutputProblem => TaskError,
}

impl NetworkProblem {
    /// Creates the error for the network at `path`.
    pub(crate) fn at(self, path: impl AsRef<Path>) -> Error {
        BackboneError::Network {
            path: path.as_ref().to_owned(),
            problem: self,
        }
        .into()
    }
}

/// Returns [`Error::Parameter`] unless the condition holds.
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

/// Converts the error of a file format to an I/O error. Returns the system's error inside it if there is one:
/// its kind decides the hint, and the format only adds a prefix such as `External: `.
pub(crate) fn system_error(error: impl std::error::Error + 'static) -> io::Error {
    let mut causes = std::iter::successors(
        Some(&error as &(dyn std::error::Error + 'static)),
        |cause| cause.source(),
    );
    match causes.find_map(|cause| cause.downcast_ref::<io::Error>()) {
        Some(system) => io::Error::new(system.kind(), system.to_string()),
        None => io::Error::other(error.to_string()),
    }
}

/// Converts an error of the csv crate to an I/O error; the crate's own conversion hides the kind.
#[doc(hidden)]
#[must_use]
pub fn csv_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::new(io::ErrorKind::InvalidData, format!("{kind:?}")),
    }
}

/// Returns what the next run does not have to compute again.
fn kept_text(kept: Option<usize>) -> String {
    kept.map_or_else(String::new, |n| {
        format!(
            ": features of {} saved; run again to continue",
            counted(n, "image")
        )
    })
}

/// Returns whether an error is not about the file it occurred on: the system has run out of open files or
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
            assert_eq!(error.to_string(), full().to_string());
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
            "interrupted: features of 1 image saved; run again to continue"
        );
        assert_eq!(
            text(Some(0)),
            "interrupted: features of 0 images saved; run again to continue"
        );
        assert_eq!(text(None), "interrupted");
    }
}
