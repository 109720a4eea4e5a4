//! A merge of feature stores as JSON.

use std::path::Path;

use serde::Serialize;

use super::Wording;
use super::parts::SkippedImage;
use crate::features::MergeReport;
use crate::images::path_text::to_text;

/// The result of `features merge`.
#[derive(Debug, Serialize)]
pub struct MergedStore<'a> {
    store: String,
    n_images: usize,
    n_skipped: usize,
    skipped: Vec<SkippedImage<'a>>,
    n_added: usize,
    n_parts_linked: usize,
    n_parts_copied: usize,
    n_doubles: usize,
    lowest_cosine: Option<f64>,
    n_kept: usize,
    n_duplicates: usize,
    n_repeated: usize,
    missing_stores: Vec<String>,
    missing_shards: &'a [String],
    unfinished: Vec<String>,
    notes: Vec<String>,
}

impl<'a> MergedStore<'a> {
    /// The result of a merge into the store at `output`.
    #[must_use]
    pub fn new(report: &'a MergeReport, output: &Path, worded: Wording) -> Self {
        let skipped = report.skipped.iter();
        let unfinished = report.unfinished.iter();
        Self {
            store: to_text(output),
            n_images: report.images,
            n_skipped: report.skipped.len(),
            skipped: skipped
                .map(|(path, reason)| SkippedImage::new(path, reason, worded))
                .collect(),
            n_added: report.added,
            n_parts_linked: report.linked,
            n_parts_copied: report.copied,
            n_doubles: report.doubles,
            lowest_cosine: (report.doubles > 0).then_some(report.lowest_cosine),
            n_kept: report.kept,
            n_duplicates: report.duplicates,
            n_repeated: report.repeated,
            missing_stores: report.missing.iter().map(|store| to_text(store)).collect(),
            missing_shards: &report.absent,
            unfinished: unfinished.map(|store| to_text(store)).collect(),
            notes: report.notes.iter().map(|note| worded(note)).collect(),
        }
    }
}
