//! Features read a few images at a time, for stores that are larger than the memory.

use std::collections::HashMap;
use std::ops::Range;

use super::content::Digest;
use super::names::part_paths;
use super::part::{Layout, Numbers, Part};
use super::store::{FeatureStore, incomplete};
use crate::error::Result;
use crate::images::View;

/// Bytes of a stretch, about: enough that a disk does not mind, few enough that some hundred of them, taken
/// at random, are a sample of the store.
const BYTES: usize = 1 << 18;

/// Images that lie together in a part, of those that were asked for.
#[derive(Debug)]
struct Stretch {
    part: usize,
    /// Images of the part.
    images: Range<usize>,
    /// Those that were asked for: which of the stretch, and under which number.
    asked: Vec<(usize, usize)>,
}

/// Features of a store, read in stretches that follow one another on the disk.
#[derive(Debug)]
pub struct Stretches {
    parts: Vec<Layout>,
    all: Vec<Stretch>,
    /// Where each view that is wanted stands among those that are kept.
    places: Vec<usize>,
    /// Bytes of a row.
    row: usize,
    views_kept: usize,
}

impl FeatureStore {
    /// Where the features of V views of some images lie.
    ///
    /// # Errors
    /// As [`Self::views`].
    pub fn stretches(&self, digests: &[Digest], views: &[View]) -> Result<Stretches> {
        let manifest = self.manifest();
        let (kept, row) = (
            manifest.spec.views.len(),
            manifest.spec.backbone.num_features * manifest.dtype.bytes(),
        );
        let mut asked: HashMap<Digest, Vec<usize>> = HashMap::new();
        for (number, digest) in digests.iter().enumerate() {
            asked.entry(*digest).or_default().push(number);
        }
        let mut all = Stretches {
            parts: Vec::new(),
            all: Vec::new(),
            places: self.places_of(views)?,
            row,
            views_kept: kept,
        };
        let size = (BYTES / (row * kept).max(1)).max(1);
        for path in part_paths(self.path())? {
            // What is read by ranges later is checked as a whole before.
            let part = Part::read(&path, manifest)?.layout;
            all.take(&part, size, &mut asked);
            all.parts.push(part.without_digests());
        }
        if asked.is_empty() {
            Ok(all)
        } else {
            Err(incomplete(self.path(), asked.len()))
        }
    }
}

impl Stretches {
    /// Takes in what was asked for of the next part.
    fn take(&mut self, part: &Layout, size: usize, asked: &mut HashMap<Digest, Vec<usize>>) {
        for (number, digests) in part.digests.chunks(size).enumerate() {
            let start = number * size;
            let mut stretch = Stretch {
                part: self.parts.len(),
                images: start..start + digests.len(),
                asked: Vec::new(),
            };
            for (image, digest) in digests.iter().enumerate() {
                let numbers = asked.remove(digest).unwrap_or_default();
                stretch.asked.extend(numbers.iter().map(|&n| (image, n)));
            }
            if !stretch.asked.is_empty() {
                self.all.push(stretch);
            }
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether nothing was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The images of a stretch, by their numbers among those asked for, in the order in which they are read.
    #[must_use]
    pub fn images(&self, stretch: usize) -> impl ExactSizeIterator<Item = usize> {
        self.all[stretch].asked.iter().map(|&(_, number)| number)
    }

    /// Adds the features of a stretch's images, the V views of each together.
    ///
    /// # Errors
    /// [`Error::File`](crate::error::Error::File) and [`Error::Io`](crate::error::Error::Io) where the part
    /// has changed.
    pub fn read(&self, stretch: usize, to: &mut Numbers) -> Result<()> {
        let stretch = &self.all[stretch];
        let bytes = self.parts[stretch.part].read_images(stretch.images.clone())?;
        for (image, _) in &stretch.asked {
            for place in &self.places {
                let row = (image * self.views_kept + place) * self.row;
                to.extend(&bytes[row..row + self.row]);
            }
        }
        Ok(())
    }
}
