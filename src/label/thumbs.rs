//! Small pictures of images, made when they are asked for and kept for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::item::version;
use super::labeller::Labeller;
use super::refusal::Refusal;
use crate::features::Digest;
use crate::images::{DecodeBudget, DecodeOptions, Found, decode_within, read, thumbnail};

/// The most bytes that are kept.
const KEPT: usize = 64 << 20;
/// The quality of thumbnails, and of large pictures.
const QUALITY: (u8, u8) = (80, 88);
/// The longest edges, in pixels.
const EDGES: std::ops::RangeInclusive<u32> = 16..=640;
/// The longer edge of a large picture, in pixels.
const LARGE: u32 = 1600;

/// Makes and keeps small pictures.
pub(super) struct Thumbs {
    decoding: DecodeOptions,
    budget: DecodeBudget,
    kept: Mutex<Kept>,
}

/// Pictures by their image, edge and version; those that were not used for the longest time go first.
#[derive(Default)]
struct Kept {
    pictures: HashMap<(u32, u32), Picture>,
    bytes: usize,
    clock: u64,
}

struct Picture {
    jpeg: Arc<[u8]>,
    version: String,
    used: u64,
}

impl Thumbs {
    pub(super) fn new(decoding: DecodeOptions) -> Self {
        Self {
            decoding,
            budget: DecodeBudget::default(),
            kept: Mutex::default(),
        }
    }

    fn kept(&self, key: (u32, u32), version: &str) -> Option<Arc<[u8]>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let now = kept.clock;
        let picture = kept.pictures.get_mut(&key)?;
        picture.used = now;
        (picture.version == version).then(|| Arc::clone(&picture.jpeg))
    }

    fn keep(&self, key: (u32, u32), version: String, jpeg: &Arc<[u8]>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let picture = Picture {
            jpeg: Arc::clone(jpeg),
            version,
            used: kept.clock,
        };
        kept.bytes += jpeg.len();
        if let Some(old) = kept.pictures.insert(key, picture) {
            kept.bytes -= old.jpeg.len();
        }
        if kept.bytes > KEPT {
            kept.forget_half();
        }
    }
}

impl Kept {
    /// Forgets those that were not used for the longest time, until half of the memory is free.
    fn forget_half(&mut self) {
        let mut by_use: Vec<_> = self
            .pictures
            .iter()
            .map(|(key, picture)| (picture.used, *key))
            .collect();
        by_use.sort_unstable();
        for (_, key) in by_use {
            if self.bytes <= KEPT / 2 {
                return;
            }
            if let Some(old) = self.pictures.remove(&key) {
                self.bytes -= old.jpeg.len();
            }
        }
    }
}

impl Labeller {
    /// Returns a JPEG file of an image with a longer edge of about `edge` pixels.
    ///
    /// # Errors
    /// If the image is gone, has changed since its features were computed, or cannot be decoded.
    pub(super) fn thumbnail(&self, image: u32, edge: u32) -> Result<Arc<[u8]>, Refusal> {
        let edge = edge.clamp(*EDGES.start(), *EDGES.end());
        let found = self.found(image)?;
        let version = version(&found.sample().place);
        if let Some(jpeg) = self.thumbs.kept((image, edge), &version) {
            return Ok(jpeg);
        }
        let jpeg = self.picture(image, &found, (edge, QUALITY.0))?.into();
        self.thumbs.keep((image, edge), version, &jpeg);
        Ok(jpeg)
    }

    /// Returns a JPEG file of an image for the large view.
    ///
    /// # Errors
    /// As [`thumbnail`](Self::thumbnail).
    pub(super) fn large(&self, image: u32) -> Result<Vec<u8>, Refusal> {
        self.picture(image, &self.found(image)?, (LARGE, QUALITY.1))
    }

    fn found(&self, image: u32) -> Result<Found, Refusal> {
        let missing = || Refusal::Missing(format!("there is no image {image}"));
        self.entries.get(image as usize).ok_or_else(missing)
    }

    fn picture(
        &self,
        image: u32,
        found: &Found,
        (edge, quality): (u32, u8),
    ) -> Result<Vec<u8>, Refusal> {
        let (thumbs, cannot) = (&self.thumbs, |why: String| Refusal::Missing(why));
        let read = read(
            &found.sample().place,
            &thumbs.decoding.limits,
            &thumbs.budget,
        );
        let bytes = read.map_err(|fault| cannot(fault.reason().to_string()))?;
        let known = self.lock().digest(image);
        if known.is_some_and(|known| known != Digest::of(&bytes)) {
            let why = "the image has changed since its features were computed";
            return Err(cannot(why.to_owned()));
        }
        let picture = decode_within(&bytes, &thumbs.decoding, &thumbs.budget);
        let picture = picture.map_err(|reason| cannot(reason.to_string()))?;
        Ok(thumbnail(&picture, edge, quality))
    }
}

impl super::labeller::Inner {
    /// Returns the digest of an image, if it is known.
    fn digest(&self, image: u32) -> Option<Digest> {
        let vectors = self.vectors.as_ref()?;
        Some(vectors.digests[vectors.row_of(image)?])
    }
}
