//! Errors of finding and preparing images.

use std::collections::BTreeMap;

/// Why images cannot be found or prepared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImagesError {
    /// A path that was given does not exist.
    #[error("`{0}` does not exist")]
    Missing(String),
    /// A path that must be a folder is a file.
    #[error("`{0}` is a file, not a folder")]
    NotAFolder(String),
    /// The inputs contain no image files.
    #[error(
        "{} no image files",
        folder.as_ref().map_or("the inputs contain".to_owned(), |f| format!("`{f}` contains"))
    )]
    None {
        /// The folder, if it was the only input.
        folder: Option<String>,
        /// The extensions of images; empty if any name is accepted.
        extensions: &'static [&'static str],
        /// Other files, counted by extension; `""` for those without one.
        ignored: BTreeMap<String, usize>,
    },
    /// Only some of the folders have class folders.
    #[error("`{with}` has a folder for each class, but `{without}` has no class folders")]
    MixedFolders {
        /// A folder with class folders.
        with: String,
        /// A folder without class folders.
        without: String,
    },
    /// A list of classes contains a name twice.
    #[error("the class `{0}` is listed more than once")]
    RepeatedClass(String),
}
