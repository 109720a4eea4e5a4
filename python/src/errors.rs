//! The library's errors as Python exceptions, one class for each kind (`python/frostline/_errors.py`).

use std::error::Error as _;
use std::fmt::Write;
use std::path::Path;

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

use frostline::backbones::DEFAULT_BACKBONE;
use frostline::error::{
    BackboneError, Error, FeaturesError, FileKind, FileProblem, ImagesError, NetworkProblem,
    RuntimeProblem,
};

/// How ONNX Runtime and the default backbone get into a Python environment.
const EXTRA: &str =
    "run `pip install 'frostline[cpu]'`, or `pip install 'frostline[cuda]'` for NVIDIA GPUs";

/// The number of the system's error that a file does not exist, on all systems.
const ENOENT: i32 = 2;

/// Returns the exception for an error.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    if matches!(error, Error::Interrupted { .. }) {
        return PyKeyboardInterrupt::new_err(message(error));
    }
    named(py, kind(error), &with_hint(error), error)
}

/// Returns the exception for a value that is not allowed.
pub(crate) fn parameter(py: Python<'_>, name: &str, problem: &str) -> PyErr {
    let text = format!("`{name}` {problem}");
    make(py, ("ParameterError", text, None::<i32>, None::<&Path>))
}

/// Returns the exception for a value of another type.
pub(crate) fn wrong_type(py: Python<'_>, name: &str, problem: &str) -> PyErr {
    let text = format!("`{name}` {problem}");
    make(py, ("ParameterTypeError", text, None::<i32>, None::<&Path>))
}

/// Returns the exception for an object that is no image.
pub(crate) fn input(py: Python<'_>, problem: String) -> PyErr {
    make(py, ("InputError", problem, None::<i32>, None::<&Path>))
}

fn named(py: Python<'_>, kind: &str, text: &str, error: &Error) -> PyErr {
    let (number, path) = match error {
        Error::Io { path, source, .. } => (source.raw_os_error(), Some(path.as_path())),
        Error::File { path, .. } => (None, Some(path.as_path())),
        Error::Features(FeaturesError::Missing { store }) => (Some(ENOENT), Some(store.as_path())),
        Error::Images(ImagesError::Missing(path)) => (Some(ENOENT), Some(Path::new(path))),
        _ => (None, None),
    };
    make(py, (kind, text.to_owned(), number, path))
}

fn make(
    py: Python<'_>,
    (kind, text, number, path): (&str, String, Option<i32>, Option<&Path>),
) -> PyErr {
    let made = py
        .import("frostline._errors")
        .and_then(|module| module.call_method1("make", (kind, text, number, path)));
    made.map_or_else(|error| error, PyErr::from_value)
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::Io { .. } => "IoError",
        Error::File { .. } => "FileError",
        Error::Images(ImagesError::Missing(_)) => "MissingImagesError",
        Error::Images(_) => "ImagesError",
        Error::Backbone(BackboneError::Runtime(_)) => "OnnxRuntimeError",
        Error::Backbone(_) => "BackboneError",
        Error::Features(FeaturesError::Missing { .. }) => "MissingStoreError",
        Error::Features(_) => "FeaturesError",
        Error::Head(_) => "HeadError",
        Error::Task(_) => "TaskError",
        Error::Export(_) => "ExportError",
        Error::Worker(_) => "InputError",
        Error::Parameter { .. } => "ParameterError",
        Error::Locked { .. } => "LockedError",
        Error::NoThread { .. } => "ThreadError",
        Error::Strict { .. } => "StrictError",
        _ => "Error",
    }
}

/// Returns the message with its causes.
fn message(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

fn with_hint(error: &Error) -> String {
    let text = message(error);
    hint(error).map_or_else(|| text.clone(), |hint| format!("{text}; {hint}"))
}

/// Returns what to do, in Python's terms.
fn hint(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Backbone(BackboneError::Runtime(RuntimeProblem::Missing { .. })) => EXTRA,
        Error::Backbone(BackboneError::Network { path, problem }) => match problem {
            NetworkProblem::NotInstalled { .. } | NetworkProblem::NoContent { .. }
                if path == Path::new(DEFAULT_BACKBONE) =>
            {
                EXTRA
            }
            NetworkProblem::NoContent { .. } => "pass the file of the network as `backbone`",
            _ => return None,
        },
        Error::File { kind, problem, .. } => match (kind, problem) {
            (FileKind::StorePart, FileProblem::Cut(_) | FileProblem::Damaged(_)) => {
                "run the same `extract(…, verify=True)` to compute the damaged part again"
            }
            (
                FileKind::StoreManifest | FileKind::StoreIndex,
                FileProblem::Cut(_) | FileProblem::Damaged(_),
            ) => "run the same `extract` again to rebuild the file",
            _ => return None,
        },
        Error::Features(FeaturesError::NoSamples { .. } | FeaturesError::Incomplete { .. }) => {
            "run the same `extract` again"
        }
        _ => return None,
    })
}
