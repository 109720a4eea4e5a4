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
