//! Why a feature store cannot be used or written.

use std::path::{Path, PathBuf};

use crate::phrases::counted;

/// Why a feature store cannot be used or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeaturesError {
    /// There is nothing at the path of a store.
    #[error("there is no feature store `{}`", store.display())]
    Missing {
        /// Where it was looked for.
        store: PathBuf,
    },
    /// A file or folder is no store.
    #[error("`{}` is not a feature store: it has no `manifest.json`", path.display())]
    NotAStore {
        /// What it was looked for in.
        path: PathBuf,
    },
    /// A store has no manifest; its features are there.
    #[error("the feature store `{}` has lost its `manifest.json`", store.display())]
    LostManifest {
        /// The store.
        store: PathBuf,
    },
    /// The index names no sample that has features.
    #[error("`{}` lists no samples: {reason}", store.display())]
    NoSamples {
        /// The store.
        store: PathBuf,
        /// Why not.
        reason: NoSamples,
    },
    /// The store has no sample to export.
    #[error("`{}` has no samples to export", store.display())]
    NothingToExport {
        /// The store.
        store: PathBuf,
    },
    /// The store keeps other views of its images.
    #[error("`{}` holds no view `{view}` of its images", store.display())]
    NoSuchView {
        /// The store.
        store: PathBuf,
        /// The view that was asked for.
        view: String,
    },
    /// Images that the index names have no features in the store.
    #[error("the features of {} are missing from `{}`", counted(*missing, "image"), store.display())]
    Incomplete {
        /// The store.
        store: PathBuf,
        /// How many images have none.
        missing: usize,
    },
    /// The features that were asked for are more than there is memory.
    #[error("{features} features of each of {} do not fit into memory", counted(*images, "image"))]
    OutOfMemory {
        /// How many images were asked for.
        images: usize,
        /// Numbers of each, all views together.
        features: usize,
    },
    /// A store cannot lie inside another.
    #[error("`{}` lies inside the feature store `{}`", path.display(), store.display())]
    InsideStore {
        /// The folder that was to become a store.
        path: PathBuf,
        /// The store around it.
        store: PathBuf,
    },
    /// A folder that holds something else cannot become a store.
    #[error("`{}` holds files of something else, and is not a feature store", path.display())]
    OtherFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Features were to be computed for a store that cannot keep them.
    #[error(
        "the feature store `{}` is read-only, and does not hold all of the images",
        store.display()
    )]
    ReadOnly {
        /// The store.
        store: PathBuf,
    },
    /// The store cannot keep an image's features as they are.
    #[error("an image for `{}` {reason}", store.display())]
    NotKept {
        /// The store.
        store: PathBuf,
        /// What is wrong with them, as what is said of a skipped image.
        reason: String,
    },
    /// The store holds features of another backbone, preprocessing or type.
    #[error(
        "the feature store `{}` and what this run asks for do not match: {}",
        store.display(),
        differences.join("; ")
    )]
    OtherFeatures {
        /// The store.
        store: PathBuf,
        /// What differs, the store's value first.
        differences: Vec<String>,
    },
    /// The manifest is as this run asks for, and the features are not.
    #[error(
        "the features in `{}` and its manifest, which is what this run asks for, do not match: {}",
        store.display(),
        differences.join("; ")
    )]
    OtherManifest {
        /// The store.
        store: PathBuf,
        /// What differs, the value of the features first.
        differences: Vec<String>,
    },
    /// The manifest is damaged, and the parts do not agree on what it said.
    #[error("{} do not match: {}", both(parts), differences.join("; "))]
    MixedParts {
        /// The store.
        store: PathBuf,
        /// Two of its parts.
        parts: [PathBuf; 2],
        /// What differs, in the order of the parts.
        differences: Vec<String>,
    },
}

/// Why an index has no sample with features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoSamples {
    /// All images were skipped.
    #[error("no image of its last extraction could be used")]
    NoneUsable,
    /// There is no index.
    #[error("it has no `index.arrow`: no extraction has ended yet, or the file was removed")]
    NoIndex,
}

fn both([left, right]: &[PathBuf; 2]) -> String {
    let name = |path: &Path| format!("`{}`", path.display());
    format!("{} and {}", name(left), name(right))
}
