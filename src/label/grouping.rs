//! What is found out once about the features: clusters to begin with, and groups of near-duplicates.

use std::sync::Arc;

use super::labeller::Labeller;
use super::vectors::Vectors;
use crate::head::{Groups, NEAR_DUPLICATE, clusters};
use crate::progress::Progress;

/// The number of clusters: enough for a few dozen classes, few enough to name them one after the other.
const CLUSTERS: usize = 24;
/// Rows that the clusters are fitted to, and rounds of k-means.
const SAMPLE: usize = 6000;
const ROUNDS: usize = 12;

impl Labeller {
    /// Groups the images by their features.
    pub(super) fn group_once(&self, vectors: &Arc<Vectors>) {
        let count = CLUSTERS.min(vectors.len().div_ceil(8)).max(1);
        let found = clusters(vectors.rows(), count, SAMPLE, ROUNDS);
        {
            let mut inner = self.lock();
            inner.clusters = Some(Arc::new(found));
            self.rank_again(&mut inner);
        }
        let digests: Vec<[u8; 32]> = vectors.digests.iter().map(|digest| digest.0).collect();
        let groups = Groups::of_near(&digests, vectors.rows(), NEAR_DUPLICATE, &Until(self));
        // It only fails if the session ends.
        if let Ok(groups) = groups {
            let alike = groups.of_row().iter().map(|&group| group as u32).collect();
            let mut inner = self.lock();
            inner.alike = Arc::new(alike);
            self.rank_again(&mut inner);
        }
    }
}

/// Stops work when the session ends.
pub(super) struct Until<'l>(pub(super) &'l Labeller);

impl Progress for Until<'_> {
    fn begin(&self, _what: &str, _total: u64) {}
    fn advance(&self, _steps: u64) {}
    fn end(&self) {}

    fn is_stopped(&self) -> bool {
        self.0.is_stopping()
    }
}
