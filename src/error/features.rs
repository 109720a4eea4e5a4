//! Errors of feature stores.

use std::path::{Path, PathBuf};

use crate::phrases::{counted, in_quotes};

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
    /// The store holds another shard, or all images of a run.
    #[error("the feature store `{}` holds {found}, not {wanted}", store.display())]
    OtherShard {
        /// The store.
        store: PathBuf,
        /// What it holds: `shard 3/16` or `all images of a run`.
        found: String,
        /// What this run would write.
        wanted: String,
    },
    /// None of the images is one of the last run, so none can be tried again.
    #[error("the feature store `{}` lists none of these images", store.display())]
    OtherImages {
        /// The store.
        store: PathBuf,
    },
    /// Stores or tables to merge have different manifests.
    #[error("{} cannot be merged: {}", both(stores), differences.join("; "))]
    OtherStore {
        /// Two of them.
        stores: [PathBuf; 2],
        /// What differs, with both values.
        differences: Vec<String>,
    },
    /// Stores to merge are shards of different numbers, or of different images.
    #[error("{} cannot be merged: they are the shards {} and {}", both(stores), shards[0], shards[1])]
    OtherShards {
        /// Two of them.
        stores: [PathBuf; 2],
        /// Their shards, such as `0/4` and `1/8`, with their images if these differ.
        shards: [String; 2],
    },
    /// Shards to merge are missing or unfinished.
    #[error("the shards are not complete: {}", incomplete(stores, absent))]
    Unfinished {
        /// Stores whose run has not finished.
        stores: Vec<PathBuf>,
        /// Shards without a store, such as `7/16`.
        absent: Vec<String>,
    },
    /// The run of an existing store that others are to be merged into has not finished.
    #[error(
        "the extraction into `{}` has not finished: a merge would list only the images that are merged",
        store.display()
    )]
    UnfinishedTarget {
        /// The store.
        store: PathBuf,
    },
    /// Among stores and tables of features is something else.
    #[error("`{}` is neither a feature store nor a table of features", path.display())]
    Stray {
        /// The file or folder.
        path: PathBuf,
    },
    /// There is nothing to merge.
    #[error("there are no stores to merge")]
    NothingToMerge,
    /// The features of one image differ between two parts by more than rounding.
    #[error(
        "the features of `{image}` differ in {}: their cosine is {cosine}",
        both(parts)
    )]
    UnlikeFeatures {
        /// The image's path, or its digest.
        image: String,
        /// The parts, or a part and a table.
        parts: [PathBuf; 2],
        /// The cosine between them.
        cosine: String,
    },
    /// A path has two contents or two classes.
    #[error(transparent)]
    Conflict(#[from] Box<Conflict>),
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

/// Two stores that contradict each other about an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` has two {what}: {}", sides(stores, found))]
pub struct Conflict {
    /// The path of the image.
    pub path: String,
    /// What there are two of: `contents` or `classes`.
    pub what: &'static str,
    /// The stores or tables that list it, which may be the same.
    pub stores: [PathBuf; 2],
    /// The digest or class of the image in each of them.
    pub found: [String; 2],
}

fn sides([first, second]: &[PathBuf; 2], [one, other]: &[String; 2]) -> String {
    let (first, second) = (first.display(), second.display());
    if first.to_string() == second.to_string() {
        return format!("{one} and {other}, both in `{first}`");
    }
    format!("{one} in `{first}` and {other} in `{second}`")
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

/// Says which stores are unfinished and which shards are missing.
fn incomplete(stores: &[PathBuf], absent: &[String]) -> String {
    let names: Vec<String> = stores
        .iter()
        .map(|store| store.display().to_string())
        .collect();
    let said = |names: &[String], one: &str, more: &str| {
        let listed = in_quotes(names.iter().map(String::as_str));
        let verb = if names.len() == 1 { one } else { more };
        (!names.is_empty()).then(|| format!("{listed} {verb}"))
    };
    let unfinished = said(&names, "has not finished", "have not finished");
    let absent = said(absent, "is missing", "are missing");
    let parts: Vec<String> = unfinished.into_iter().chain(absent).collect();
    parts.join("; ")
}

fn both([first, second]: &[PathBuf; 2]) -> String {
    let name = |path: &Path| format!("`{}`", path.display());
    format!("{} and {}", name(first), name(second))
}
