//! The options and the report of a merge.

use std::path::PathBuf;

/// The options of [`merge`](fn@crate::features::merge).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MergeOptions {
    /// Stores, Parquet or Arrow files, and folders of such files.
    pub sources: Vec<PathBuf>,
    /// The folder of the merged store, which may exist.
    pub output: PathBuf,
    /// Whether stores may be missing, and shards missing or unfinished.
    pub partial: bool,
}

impl MergeOptions {
    /// Merges complete shards only.
    #[must_use]
    pub fn new(sources: Vec<PathBuf>, output: PathBuf) -> Self {
        Self {
            sources,
            output,
            partial: false,
        }
    }
}

/// What [`merge`](fn@crate::features::merge) did.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct MergeReport {
    /// Used images in the merged index.
    pub images: usize,
    /// Skipped images in the merged index, with their reasons, in the order of the index.
    pub skipped: Vec<(String, String)>,
    /// Images whose features were added; identical images count once.
    pub added: usize,
    /// Parts that became hard links.
    pub linked: usize,
    /// Parts that were copied, since the system could not link them.
    pub copied: usize,
    /// Images that several sources have, whose features were compared.
    pub doubles: usize,
    /// The lowest cosine between two features of the same image and view; 1 without doubles.
    pub lowest_cosine: f64,
    /// Rows of an existing store that none of the sources has; they stay listed.
    pub kept: usize,
    /// Images with the content of another one that comes before them.
    pub duplicates: usize,
    /// Rows of a table, or of a folder of tables, that repeat another one's path and content.
    pub repeated: usize,
    /// Sources that do not exist.
    pub missing: Vec<PathBuf>,
    /// Shards that are missing, as text, such as `7/16`.
    pub absent: Vec<String>,
    /// Shards that have not finished.
    pub unfinished: Vec<PathBuf>,
    /// Notes for the user.
    pub notes: Vec<String>,
}
