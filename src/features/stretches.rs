//! Reads features a few images at a time, for stores that are larger than memory.

use std::ops::Range;

use super::content::Digest;
use super::names::with_parts;
use super::part::{KEPT_OPEN, Layout, Numbers, Part};
use super::request::Request;
use super::store::{FeatureStore, incomplete};
use crate::error::Result;
use crate::images::View;

/// The approximate size of a stretch in bytes. It is large enough for efficient disk reads, and small enough
/// that a few hundred random stretches are a representative sample of the store.
const BYTES: usize = 1 << 18;

/// A range of consecutive images in a part, some of which were requested.
#[derive(Debug)]
struct Stretch {
    part: usize,
    /// The images of the part that the stretch covers.
    images: Range<usize>,
    /// The requested images: the position in the stretch, and the index in the request.
    asked: Vec<(u32, u32)>,
}

/// Requested features of a store, divided into stretches that are contiguous on disk.
#[derive(Debug)]
pub struct Stretches {
    parts: Vec<Layout>,
    all: Vec<Stretch>,
    /// The position of each requested view among the stored views.
    places: Vec<usize>,
    /// Bytes per row.
    row: usize,
    views_kept: usize,
}

impl FeatureStore {
    /// Locates the features of V views of some images, to be read in stretches.
    ///
    /// # Errors
    /// As [`Self::views`].
    pub fn stretches(&self, digests: &[Digest], views: &[View]) -> Result<Stretches> {
        let manifest = self.manifest();
        let (kept, row) = (
            manifest.spec.views.len(),
            manifest.spec.backbone.num_features * manifest.dtype.bytes(),
        );
        let places = self.places_of(views)?;
        let size = (BYTES / (row * kept).max(1)).max(1);
        with_parts(self.path(), |paths| {
            let mut asked = Request::of(digests);
            let mut all = Stretches {
                parts: Vec::new(),
                all: Vec::new(),
                places: places.clone(),
                row,
                views_kept: kept,
            };
            for path in paths {
                // The entire part is checked here, because ranges are read without a check later.
                let part = Part::read(path, manifest)?;
                all.take(&part.layout, size, &mut asked);
                all.parts
                    .push(part.into_layout(all.parts.len() < KEPT_OPEN));
            }
            match asked.left() {
                0 => Ok(all),
                missing => Err(incomplete(self.path(), missing)),
            }
        })
    }
}

impl Stretches {
    /// Adds the requested images of the next part.
    fn take(&mut self, part: &Layout, size: usize, asked: &mut Request<'_>) {
        for (number, digests) in part.digests.chunks(size).enumerate() {
            let start = number * size;
            let mut stretch = Stretch {
                part: self.parts.len(),
                images: start..start + digests.len(),
                asked: Vec::new(),
            };
            for (image, digest) in (0..).zip(digests) {
                let numbers = asked.take(digest);
                stretch.asked.extend(numbers.map(|number| (image, number)));
            }
            stretch.asked.shrink_to_fit();
            if !stretch.asked.is_empty() {
                self.all.push(stretch);
            }
        }
    }

    /// Returns the number of stretches.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns whether there are no stretches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Iterates over the requested images of a stretch, as indices into the request, in the order in which
    /// [`Self::read`] returns them.
    #[must_use]
    pub fn images(&self, stretch: usize) -> impl ExactSizeIterator<Item = usize> {
        let asked = self.all[stretch].asked.iter();
        asked.map(|&(_, number)| number as usize)
    }

    /// Reads the features of a stretch's requested images and appends them to `to`, with the V views of each
    /// image in consecutive rows.
    ///
    /// # Errors
    /// [`Error::File`](crate::error::Error::File) if the part has changed;
    /// [`Error::Io`](crate::error::Error::Io).
    pub fn read(&self, stretch: usize, to: &mut Numbers) -> Result<()> {
        let stretch = &self.all[stretch];
        let bytes = self.parts[stretch.part].read_images(stretch.images.clone())?;
        for (image, _) in &stretch.asked {
            for place in &self.places {
                let row = (*image as usize * self.views_kept + place) * self.row;
                to.extend(&bytes[row..row + self.row]);
            }
        }
        Ok(())
    }
}
