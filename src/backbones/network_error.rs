//! Converts errors of `frostline-onnx` to the library's own.

use frostline_onnx::error as onnx;
use frostline_onnx::error::{Format, Wanted};

use crate::error::{BackboneError, Error, FileKind, FileProblem, NetworkProblem};

impl From<onnx::Error> for Error {
    fn from(error: onnx::Error) -> Self {
        match error {
            onnx::Error::Io { path, source } => Self::Io {
                action: "read",
                path,
                source,
            },
            onnx::Error::File {
                path,
                format,
                problem,
            } => Self::File {
                path,
                kind: kind(format, &problem),
                problem: problem.into(),
            },
            onnx::Error::Network { path, problem } => NetworkProblem::Graph(problem).at(path),
            onnx::Error::Weights { path, problem } => NetworkProblem::Weights(problem).at(path),
            onnx::Error::UnknownArchitecture { name } => {
                BackboneError::UnknownArchitecture { name }.into()
            }
            other => BackboneError::Onnx(other).into(),
        }
    }
}

/// Returns the expected kind of a file. For files of another format, `frostline-onnx` distinguishes two kinds
/// of weights.
fn kind(format: Format, problem: &onnx::FileProblem) -> FileKind {
    let wanted = match problem {
        onnx::FileProblem::Foreign { wanted, .. } => Some(*wanted),
        _ => None,
    };
    match (wanted, format) {
        (Some(Wanted::TensorsAlone), _) => FileKind::TensorsAlone,
        (Some(Wanted::Weights), _) | (None, Format::Weights) => FileKind::Weights,
        _ => FileKind::Network,
    }
}

impl From<onnx::FileProblem> for FileProblem {
    fn from(problem: onnx::FileProblem) -> Self {
        match problem {
            onnx::FileProblem::Cut(what) => Self::Cut(what),
            onnx::FileProblem::Damaged(what) => Self::Damaged(what),
            onnx::FileProblem::Changed(what) => Self::Changed(what),
            onnx::FileProblem::Newer { found, known } => Self::Newer { found, known },
            onnx::FileProblem::Foreign { wanted, found } => Self::Foreign {
                wanted: wanted.words(),
                found,
            },
            other => Self::Damaged(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::Path;

    use frostline_onnx::architectures::Architecture;
    use frostline_onnx::weights::read_state_dict;

    use super::*;

    #[test]
    fn a_name_that_is_no_architecture() {
        let error = Error::from("vgg20".parse::<Architecture>().unwrap_err());
        assert_eq!(error.to_string(), "unknown architecture `vgg20`");
        let typed = matches!(
            error,
            Error::Backbone(BackboneError::UnknownArchitecture { .. })
        );
        assert!(typed);
    }

    #[test]
    fn the_file_and_what_it_should_be_are_named() {
        // A pickle that calls `os.system`.
        let pickle = Cursor::new(b"\x80\x02cos\nsystem\n.");
        let error = read_state_dict(pickle, Path::new("w.pth")).unwrap_err();
        let error = Error::from(error);
        let text = "`w.pth` is not a PyTorch weights file: \
                    it imports `os.system`; only tensors are read";
        assert_eq!(error.to_string(), text);
        assert!(matches!(
            error,
            Error::File {
                kind: FileKind::TensorsAlone,
                ..
            }
        ));
    }
}
