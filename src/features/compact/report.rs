//! The options and the report of compacting a store.

use std::path::PathBuf;

/// The options of [`compact`](fn@crate::features::compact).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CompactOptions {
    /// The store.
    pub store: PathBuf,
    /// Whether to drop the features of images that the index does not list.
    pub prune: bool,
    /// The size limit of a part, in bytes.
    #[doc(hidden)]
    pub part_bytes: u64,
}

/// The size of a part. The limit on the size of its file is 16 MiB higher, for its manifest and its footer.
const PART_BYTES: u64 = (1 << 30) - (16 << 20);

impl CompactOptions {
    /// Keeps the features of all images.
    #[must_use]
    pub fn new(store: PathBuf) -> Self {
        Self {
            store,
            prune: false,
            part_bytes: PART_BYTES,
        }
    }
}

/// What [`compact`](fn@crate::features::compact) did.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CompactReport {
    /// Images whose features are in the store.
    pub images: usize,
    /// The number of parts before.
    pub parts_before: usize,
    /// The number of parts now.
    pub parts: usize,
    /// How many of these were written.
    pub written: usize,
    /// Vectors that were dropped because an earlier part has the image too.
    pub duplicates: usize,
    /// Images that were dropped because the index does not list them.
    pub pruned: usize,
    /// The size of the store's files before, in bytes.
    pub bytes_before: u64,
    /// The size of the store's files now, in bytes.
    pub bytes: u64,
    /// Notes for the user.
    pub notes: Vec<String>,
}
