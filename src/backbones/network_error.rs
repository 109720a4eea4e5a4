//! Errors of `frostline-onnx` as the library's own.

use frostline_onnx::error as onnx;

use crate::error::{Error, FileProblem};

impl From<onnx::Error> for Error {
    fn from(error: onnx::Error) -> Self {
        match error {
            onnx::Error::Io {
                action,
                path,
                source,
            } => Self::Io {
                action,
                path,
                source,
            },
            onnx::Error::File {
                path,
                problem,
                hint,
            } => Self::File {
                path,
                problem: problem.into(),
                hint,
            },
            onnx::Error::Network {
                path,
                problem,
                hint,
            } => Self::Network {
                path,
                problem,
                hint,
            },
            other => Self::Input {
                problem: other.to_string(),
                hint: other.hint().unwrap_or_default().to_owned(),
            },
        }
    }
}

impl From<onnx::FileProblem> for FileProblem {
    fn from(problem: onnx::FileProblem) -> Self {
        match problem {
            onnx::FileProblem::Cut(what) => Self::Cut(what),
            onnx::FileProblem::Foreign { wanted, found } => Self::Foreign { wanted, found },
            onnx::FileProblem::Newer { found, known } => Self::Newer { found, known },
            onnx::FileProblem::Damaged(what) => Self::Damaged(what),
        }
    }
}
