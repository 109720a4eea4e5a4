//! A compacted feature store as JSON.

use std::path::Path;

use serde::Serialize;

use super::Wording;
use crate::features::CompactReport;
use crate::images::path_text::to_text;

/// The result of `features compact`.
#[derive(Debug, Serialize)]
pub struct CompactedStore {
    store: String,
    n_vectors: usize,
    n_parts_before: usize,
    n_parts: usize,
    n_parts_written: usize,
    n_duplicates: usize,
    n_pruned: usize,
    size_bytes_before: u64,
    size_bytes: u64,
    notes: Vec<String>,
}

impl CompactedStore {
    /// The result of compacting the store at `path`.
    #[must_use]
    pub fn new(report: &CompactReport, path: &Path, worded: Wording) -> Self {
        Self {
            store: to_text(path),
            n_vectors: report.images,
            n_parts_before: report.parts_before,
            n_parts: report.parts,
            n_parts_written: report.written,
            n_duplicates: report.duplicates,
            n_pruned: report.pruned,
            size_bytes_before: report.bytes_before,
            size_bytes: report.bytes,
            notes: report.notes.iter().map(|note| worded(note)).collect(),
        }
    }
}
