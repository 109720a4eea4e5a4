//! The gallery: the training images of a store, to show those nearest to a classified image.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ndarray::ArrayView2;

use super::events::Event;
use super::options::GalleryOptions;
use crate::classifier::Predictor;
use crate::error::{Result, ServeError};
use crate::features::{Digest, FeatureStore};
use crate::head::{Neighbour, NeighbourSearch, UnitRows, start_processors};
use crate::images::path_text::{below, for_terminal};
use crate::images::{DecodeBudget, DecodeOptions, Limits, decode_within, read_file, thumbnail};

/// The longer edge of a thumbnail, in pixels, and its JPEG quality.
const EDGE: u32 = 160;
const QUALITY: u8 = 80;
/// How many images are looked for in a folder, evenly spaced over the store.
const LOOKED_FOR: usize = 64;
/// The number of nearest images by which the recall of an approximate search is measured.
const NEAREST: usize = 8;

/// The images of a store with their features.
pub(super) struct Gallery {
    store: FeatureStore,
    known: NeighbourSearch<UnitRows>,
    images: Vec<TrainingImage>,
    /// The position of each image by its digest as text.
    places: HashMap<String, usize>,
    folder: Option<PathBuf>,
    decoding: DecodeOptions,
    budget: DecodeBudget,
    /// One thumbnail at a time: they must not take CPUs from classification.
    one: Mutex<()>,
}

/// An image of the gallery.
struct TrainingImage {
    name: String,
    /// The path as the store's index has it.
    path: String,
    class: Option<String>,
    digest: Digest,
}

/// An image of the gallery near a classified one.
pub(super) struct Near {
    pub(super) name: String,
    pub(super) class: Option<String>,
    /// The cosine similarity of the features.
    pub(super) similarity: f32,
    /// The digest under which there is a thumbnail, if the files are known.
    pub(super) digest: Option<String>,
}

impl Gallery {
    /// Opens a store and reads its features.
    ///
    /// # Errors
    /// If the store cannot be read; [`ServeError::GalleryImages`].
    pub(super) fn open(options: &GalleryOptions, limits: Limits) -> Result<Self> {
        let store = FeatureStore::open(&options.store)?;
        let image = |(row, digest): (crate::features::IndexRow, Digest)| TrainingImage {
            name: for_terminal(&row.path),
            path: row.path,
            class: row.class,
            digest,
        };
        let images: Vec<_> = store.index().used().map(image).collect();
        let digests: Vec<_> = images.iter().map(|image| image.digest).collect();
        let known = UnitRows::scaled(store.features(&digests)?);
        if let Some(folder) = &options.images {
            check_folder(folder, &images, &options.store)?;
        }
        let places = digests.iter().map(ToString::to_string).zip(0..).collect();
        start_processors()?;
        // Requests come without end.
        let known = NeighbourSearch::among(known, usize::MAX, NEAREST);
        Ok(Self {
            decoding: store.manifest().spec.decoding.within(limits),
            store,
            known,
            images,
            places,
            folder: options.images.clone(),
            budget: DecodeBudget::default(),
            one: Mutex::default(),
        })
    }

    /// Describes the gallery for the log.
    pub(super) fn event(&self) -> Event {
        Event::Gallery {
            images: self.images.len(),
            recall: self.known.recall(),
        }
    }

    /// Returns whether the features are those of a head.
    pub(super) fn fits(&self, predictor: &Predictor) -> bool {
        let centre = predictor.spec().with_views(&[crate::images::View::Center]);
        let spec = &self.store.manifest().spec;
        let centre = centre.with_pixels_of(spec);
        centre
            .differences_from_superset(spec, ["the head", "the gallery"])
            .is_empty()
    }

    /// Returns the `k` nearest images of each row of features (N, D), nearest first.
    ///
    /// # Errors
    /// Features of another D.
    pub(super) fn nearest(
        &self,
        features: ArrayView2<'_, f32>,
        k: usize,
    ) -> Result<Vec<Vec<Near>>> {
        let nearest = self.known.nearest(&UnitRows::of(features), k)?;
        let near = |found: &Neighbour| {
            let image = &self.images[found.row];
            Near {
                name: image.name.clone(),
                class: image.class.clone(),
                similarity: found.cosine,
                digest: self.folder.as_ref().map(|_| image.digest.to_string()),
            }
        };
        Ok(nearest
            .iter()
            .map(|row| row.iter().map(near).collect())
            .collect())
    }

    /// Returns a JPEG thumbnail of an image; `None` if the gallery does not have it, or its file is missing,
    /// has changed or cannot be decoded.
    pub(super) fn thumbnail(&self, digest: &str) -> Option<Vec<u8>> {
        let image = &self.images[*self.places.get(digest)?];
        let path = below(self.folder.as_deref()?, &image.path)?;
        let _one = self.one.lock();
        let bytes = read_file(&path, &self.decoding.limits, &self.budget).ok()?;
        if Digest::of(&bytes) != image.digest {
            return None;
        }
        let image = decode_within(&bytes, &self.decoding, &self.budget).ok()?;
        Some(thumbnail(&image, EDGE, QUALITY))
    }
}

/// Refuses a folder that has none of the images, such as that of another store.
fn check_folder(folder: &Path, images: &[TrainingImage], store: &Path) -> Result<(), ServeError> {
    let mut some = images
        .iter()
        .step_by(images.len().div_ceil(LOOKED_FOR).max(1));
    let is_there = |image: &TrainingImage| below(folder, &image.path).is_some_and(|p| p.is_file());
    if images.is_empty() || some.any(is_there) {
        return Ok(());
    }
    Err(ServeError::GalleryImages {
        folder: folder.to_owned(),
        store: store.to_owned(),
        example: images[0].name.clone(),
    })
}
