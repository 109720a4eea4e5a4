//! Why images cannot be found or prepared.

use std::collections::BTreeMap;

/// Why images cannot be found or prepared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImagesError {
    /// A folder or file that was named is not there.
    #[error("`{0}` does not exist")]
    Missing(String),
    /// A file stands in the place of a folder.
    #[error("`{0}` is a file, not a folder")]
    NotAFolder(String),
    /// What was named holds no images.
    #[error("{} holds no images", folder.as_ref().map_or("what was given".to_owned(), |f| format!("`{f}`")))]
    None {
        /// The folder, where only one was named.
        folder: Option<String>,
        /// The extensions that images were to have; any, where it is empty.
        extensions: &'static [&'static str],
        /// Files of other kinds, counted by extension; `""` is none.
        ignored: BTreeMap<String, usize>,
    },
    /// Some folders have class folders, and others do not.
    #[error("`{with}` has a folder for each class, and `{without}` has none")]
    MixedFolders {
        /// One with class folders.
        with: String,
        /// One without.
        without: String,
    },
    /// A class has two places in a list.
    #[error("the class `{0}` is listed more than once")]
    RepeatedClass(String),
}
