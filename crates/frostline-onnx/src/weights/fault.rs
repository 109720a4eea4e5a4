//! What is wrong with a file, before its path is known.

use std::io;
use std::path::Path;

use crate::error::{Error, FileProblem, Format, Wanted};

/// Why tensors cannot be read from a file.
#[derive(Debug)]
pub(super) enum Fault {
    /// An I/O error.
    Io(io::Error),
    /// It ends too early.
    Cut(String),
    /// The format is right, but the content is not.
    Damaged(String),
    /// A newer `PyTorch` wrote it.
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

    /// Returns the fault for content other than tensors.
    pub(super) fn refused(found: impl Into<String>) -> Self {
        Self::Foreign {
            found: found.into(),
            wanted: Wanted::TensorsAlone,
        }
    }

    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }

    /// Returns the error for the file at `path`.
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
            return Self::Cut("it ends unexpectedly".to_owned());
        }
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_named() {
        let error = Fault::refused("it imports the class `os.system`; only tensors are read")
            .at(Path::new("w.pth"));
        let text = "`w.pth` is not a PyTorch weights file: \
                    it imports the class `os.system`; only tensors are read";
        assert_eq!(error.to_string(), text);
    }
}
