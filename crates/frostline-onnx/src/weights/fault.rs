//! What is wrong with a file, before it is known which file it is.

use std::io;
use std::path::Path;

use crate::error::{Error, FileProblem, Format, Wanted};

/// A reason why no tensors come out of a file.
#[derive(Debug)]
pub(super) enum Fault {
    /// The system's own.
    Io(io::Error),
    /// It ends too early.
    Cut(String),
    /// The format is right, its content is not.
    Damaged(String),
    /// A later `PyTorch` wrote it.
    Newer { found: u64, known: u64 },
    /// It is something else.
    Foreign { found: String, wanted: Wanted },
}

impl Fault {
    pub(super) fn foreign(found: impl Into<String>) -> Self {
        Self::Foreign {
            found: found.into(),
            wanted: Wanted::Weights,
        }
    }

    /// For what goes beyond tensors.
    pub(super) fn refused(found: impl Into<String>) -> Self {
        Self::Foreign {
            found: found.into(),
            wanted: Wanted::TensorsAlone,
        }
    }

    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }

    /// The error for the file at `path`.
    pub(super) fn at(self, path: &Path) -> Error {
        let problem = match self {
            Self::Io(source) => return Error::io(path)(source),
            Self::Cut(what) => FileProblem::Cut(what),
            Self::Damaged(what) => FileProblem::Damaged(what),
            Self::Newer { found, known } => FileProblem::Newer { found, known },
            Self::Foreign { found, wanted } => FileProblem::Foreign { wanted, found },
        };
        problem.at(path, Format::Weights)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Cut("it ends in the middle of something".to_owned());
        }
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_named() {
        let error = Fault::refused("it asks for the class `os.system`; only tensors are read")
            .at(Path::new("w.pth"));
        let text = "`w.pth` is not a file of PyTorch's weights: \
                    it asks for the class `os.system`; only tensors are read";
        assert_eq!(error.to_string(), text);
    }
}
