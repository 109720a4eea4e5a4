//! Errors of finding and preparing images.

use std::collections::BTreeMap;

use crate::visible::for_terminal;

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
    /// A pattern that matches no file.
    #[error("no file matches `{0}`")]
    NoMatch(String),
    /// A pattern that stands for too many inputs.
    #[error("`{pattern}` stands for more than {limit} inputs")]
    LargePattern {
        /// The pattern.
        pattern: String,
        /// The most inputs.
        limit: usize,
    },
    /// An archive or a table that cannot be read.
    #[error("cannot read the images in `{path}`: {detail}")]
    Container {
        /// Its path.
        path: String,
        /// Why.
        detail: String,
    },
    /// A table without a column of images, or with several.
    #[error(
        "`{path}` has {}; its columns are {}",
        if several.is_empty() {
            "no column of images".to_owned()
        } else {
            format!("several columns that could be the images ({})", names(several))
        },
        names(columns)
    )]
    NoColumn {
        /// The table.
        path: String,
        /// All of its columns.
        columns: Vec<String>,
        /// Those that could be the images; empty if there are none.
        several: Vec<String>,
    },
    /// An object store or web server that images cannot be read from.
    #[error("cannot read `{url}`: {detail}")]
    Store {
        /// The URL.
        url: String,
        /// What kind of problem it is.
        problem: StoreProblem,
        /// What the store, or the network, says.
        detail: String,
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

/// Why a list of paths cannot be read; inside an [`io::Error`](std::io::Error).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListProblem {
    /// No path is that long.
    #[error("it contains a path longer than 1 MiB")]
    LongPath,
    /// The paths end with NUL bytes instead of newlines, or the list is no text in UTF-8.
    #[error("it contains NUL bytes")]
    Nul,
}

/// Why images cannot be read from an object store or web server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreProblem {
    /// There are no credentials, or they do not allow it or have expired.
    Denied,
    /// There is no bucket or container of that name.
    NoBucket,
    /// There is no such object.
    Missing,
    /// The URL or the settings in the environment cannot be used.
    Settings,
    /// A web server that does not list its files.
    NoList,
    /// This build cannot read from stores.
    NotBuiltIn,
    /// The store cannot be reached, or reports another error.
    Other,
}

/// Returns names in backticks.
fn names(names: &[String]) -> String {
    let names = names.iter().map(|name| format!("`{}`", for_terminal(name)));
    names.collect::<Vec<_>>().join(", ")
}
