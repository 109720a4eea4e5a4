//! Why the parts of a task do not fit together.

use std::path::PathBuf;

use crate::phrases::counted;

/// Why the parts of a task do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// Features are not those that a head was trained on.
    #[error("the head and {features} do not match: {}", differences.join("; "))]
    OtherFeatures {
        /// Whose features they are.
        features: String,
        /// What differs, with both values.
        differences: Vec<String>,
    },
    /// A backbone was to be imported under the name of a known one.
    #[error("`{name}` is a known backbone, and `{}` is not its file", file.display())]
    KnownName {
        /// The name.
        name: String,
        /// What was to be imported.
        file: PathBuf,
    },
    /// A backbone was to be imported under the name of an installed one.
    #[error("`{name}` is installed already, with {differs}")]
    InstalledName {
        /// The name.
        name: String,
        /// What differs.
        differs: Difference,
    },
    /// A known backbone's file can be fetched from nowhere.
    #[error("`{name}` cannot be fetched by itself{elsewhere}")]
    NoPlace {
        /// The backbone.
        name: String,
        /// Where it can be had.
        elsewhere: Elsewhere,
    },
    /// A list names no image.
    #[error("the list of images is empty")]
    EmptyList,
    /// Not one image of a preview could be used.
    #[error("none of {} could be used", counted(*.0, "image"))]
    NothingToPreview(usize),
    /// A preview does not fit into the memory.
    #[error(
        "a preview of {} of {} × {} pixels takes {bytes} bytes, more than the limit of {limit}",
        counted(*count, "image"), size.0, size.1
    )]
    LargePreview {
        /// Images.
        count: usize,
        /// Width and height of each.
        size: (u32, u32),
        /// Bytes of all of them.
        bytes: u64,
        /// The most that is allowed.
        limit: u64,
    },
}

/// In what a backbone differs from an installed one of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Difference {
    /// The network.
    #[error("another network")]
    Network,
    /// Its weights, which lie in a file of their own.
    #[error("other weights")]
    Weights,
    /// What its manifest says.
    #[error("another layer or other preprocessing")]
    Settings,
}

/// Where a known backbone's file can be had that is fetched from nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Elsewhere {
    /// Nothing is known of its file.
    #[error("")]
    Unknown,
    /// Its size and SHA-256 are known, and no place.
    #[error("")]
    File,
    /// In a package of Python's.
    #[error(": it comes in the Python package {package}")]
    Package {
        /// The package.
        package: String,
        /// The file in it.
        file: String,
    },
}
