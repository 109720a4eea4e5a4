//! What is wrong with a file, before it is known which file it is.

use std::io;
use std::path::Path;

use crate::error::{Error, FileProblem};

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
    Foreign { found: String, hint: &'static str },
}

impl Fault {
    pub(super) fn foreign(found: impl Into<String>) -> Self {
        Self::Foreign {
            found: found.into(),
            hint: "give a .pth or .pt file that `torch.save` wrote, or a .safetensors file",
        }
    }

    /// For what goes beyond tensors.
    pub(super) fn refused(found: impl Into<String>) -> Self {
        Self::Foreign {
            found: found.into(),
            hint: "save its tensors alone: `torch.save(model.state_dict(), \"weights.pth\")`",
        }
    }

    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }

    /// The library's error for the file at `path`.
    pub(super) fn at(self, path: &Path) -> Error {
        let again = "fetch or copy the file again";
        let (problem, hint) = match self {
            Self::Io(source) => return Error::io("read", path)(source),
            Self::Cut(what) => (FileProblem::Cut(what), again),
            Self::Damaged(what) => (FileProblem::Damaged(what), again),
            Self::Newer { found, known } => (
                FileProblem::Newer { found, known },
                "save it with `torch.save(…, _use_new_zipfile_serialization=True)`",
            ),
            Self::Foreign { found, hint } => (
                FileProblem::Foreign {
                    wanted: "a file of PyTorch's weights",
                    found,
                },
                hint,
            ),
        };
        Error::File {
            path: path.to_owned(),
            problem,
            hint: hint.to_owned(),
        }
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
    fn the_file_and_the_way_out_are_named() {
        let error = Fault::refused("it asks for the class `os.system`; only tensors are read")
            .at(Path::new("w.pth"));
        let text = "`w.pth` is not a file of PyTorch's weights: it asks for the class `os.system`; only tensors are read";
        assert_eq!(error.to_string(), text);
        assert!(error.hint().unwrap().contains("state_dict()"));
    }
}
