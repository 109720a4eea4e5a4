//! Errors of feature stores.

use std::path::{Path, PathBuf};

use crate::phrases::counted;

/// Why a feature store cannot be used or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeaturesError {
    /// The path of a store does not exist.
    #[error("the feature store `{}` does not exist", store.display())]
    Missing {
        /// The path.
        store: PathBuf,
    },
    /// A file or folder is not a store.
    #[error("`{}` is not a feature store: it has no `manifest.json`", path.display())]
    NotAStore {
        /// The file or folder.
        path: PathBuf,
    },
    /// A store has features but no manifest.
    #[error("the feature store `{}` has lost its `manifest.json`", store.display())]
    LostManifest {
        /// The store.
        store: PathBuf,
    },
    /// The index lists no sample with features.
    #[error("`{}` lists no samples: {reason}", store.display())]
    NoSamples {
        /// The store.
        store: PathBuf,
        /// Why there are none.
        reason: NoSamples,
    },
    /// The store has no samples to export.
    #[error("`{}` has no samples to export", store.display())]
    NothingToExport {
        /// The store.
        store: PathBuf,
    },
    /// The store does not have this view of its images.
    #[error("`{}` has no view `{view}`", store.display())]
    NoSuchView {
        /// The store.
        store: PathBuf,
        /// The requested view.
        view: String,
    },
    /// Images that the index lists have no features in the store.
    #[error("the features of {} are missing from `{}`", counted(*missing, "image"), store.display())]
    Incomplete {
        /// The store.
        store: PathBuf,
        /// How many images have no features.
        missing: usize,
    },
    /// The requested features need more memory than there is.
    #[error("{features} features for each of {} do not fit into memory", counted(*images, "image"))]
    OutOfMemory {
        /// How many images were requested.
        images: usize,
        /// Values per image, over all views.
        features: usize,
    },
    /// A store cannot be inside another store.
    #[error("`{}` is inside the feature store `{}`", path.display(), store.display())]
    InsideStore {
        /// The folder for the new store.
        path: PathBuf,
        /// The store around it.
        store: PathBuf,
    },
    /// A folder with other files cannot become a store.
    #[error("`{}` is not a feature store and contains other files", path.display())]
    OtherFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Features cannot be added to a read-only store.
    #[error(
        "the feature store `{}` is read-only and does not contain all of the images",
        store.display()
    )]
    ReadOnly {
        /// The store.
        store: PathBuf,
    },
    /// The store's data type cannot represent an image's features.
    #[error("cannot store the features of an image in `{}`: it {reason}", store.display())]
    NotKept {
        /// The store.
        store: PathBuf,
        /// The reason, phrased like that of a skipped image.
        reason: String,
    },
    /// The store contains features of another backbone, preprocessing or type.
    #[error(
        "the feature store `{}` and this run do not match: {}",
        store.display(),
        differences.join("; ")
    )]
    OtherFeatures {
        /// The store.
        store: PathBuf,
        /// What differs, with both values.
        differences: Vec<String>,
    },
    /// The manifest matches this run, but the features do not.
    #[error(
        "the features in `{}` do not match its manifest: {}",
        store.display(),
        differences.join("; ")
    )]
    OtherManifest {
        /// The store.
        store: PathBuf,
        /// What differs, with both values.
        differences: Vec<String>,
    },
    /// The manifest is damaged, and the parts disagree on its content.
    #[error("{} do not match: {}", both(parts), differences.join("; "))]
    MixedParts {
        /// The store.
        store: PathBuf,
        /// Two of its parts.
        parts: [PathBuf; 2],
        /// What differs, with both values.
        differences: Vec<String>,
    },
}

/// Why an index has no sample with features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoSamples {
    /// All images were skipped.
    #[error("the last extraction could not use any image")]
    NoneUsable,
    /// There is no index.
    #[error(
        "it has no `index.arrow`: no extraction has finished yet (one may still be running), or the file was \
         removed"
    )]
    NoIndex,
}

fn both([first, second]: &[PathBuf; 2]) -> String {
    let name = |path: &Path| format!("`{}`", path.display());
    format!("{} and {}", name(first), name(second))
}
