//! Why images cannot be labelled.

use std::path::PathBuf;

/// Why images cannot be labelled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelProblem {
    /// A class cannot have this name.
    #[error("`classes` contains a name that cannot be used: {why}")]
    Class {
        /// What is wrong with it.
        why: String,
    },
    /// A label file has a class that cannot be used.
    #[error("`{}` has a class that cannot be used: {why}", path.display())]
    ClassInFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A label file has more than paths and labels, which would be lost.
    #[error(
        "`{}` does not have the columns `path` and `label` alone, and would lose the others",
        path.display()
    )]
    OtherColumns {
        /// The file.
        path: PathBuf,
    },
    /// An output would be written among the images.
    #[error(
        "{what} `{}` would be written into the image folder `{}`",
        output.display(),
        folder.display()
    )]
    AmongImages {
        /// What the output is, with its article.
        what: &'static str,
        /// The output.
        output: PathBuf,
        /// The folder of images.
        folder: PathBuf,
    },
}
