//! The images most similar to one of them.

use std::sync::Arc;

use serde::Serialize;

use super::check::Near;
use super::labeller::Labeller;
use super::refusal::Refusal;

/// The most images that are returned.
const MOST: usize = 500;

/// An image and those similar to it.
#[derive(Debug, Serialize)]
pub(super) struct SimilarTo {
    id: u32,
    items: Vec<Near>,
}

impl Labeller {
    /// Returns the images most similar to an image, the most similar first.
    ///
    /// # Errors
    /// If its features are not known.
    pub(super) fn similar(&self, image: u32, top: usize) -> Result<SimilarTo, Refusal> {
        let vectors = self.lock().vectors.as_ref().map(Arc::clone);
        let not_ready = || Refusal::NotReady("the features are still being computed".to_owned());
        let vectors = vectors.ok_or_else(not_ready)?;
        let missing = || Refusal::Missing(format!("image {image} has no features"));
        let own = vectors.row_of(image).ok_or_else(missing)?;
        let near = vectors.nearest(vectors.row(own), top.min(MOST), |row| row != own);
        let inner = self.lock();
        let item = |image| self.item(&inner, image);
        let items = near.iter().map(|near| Near {
            item: item(vectors.images()[near.row]),
            cosine: near.cosine,
        });
        Ok(SimilarTo {
            id: image,
            items: items.collect(),
        })
    }
}
