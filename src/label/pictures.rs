//! Pictures of images, made when they are asked for.

use std::path::PathBuf;
use std::sync::Arc;

use super::item::version;
use super::labeller::{Inner, Labeller};
use super::refusal::Refusal;
use crate::features::Digest;
use crate::images::{Found, decode_within, read, thumbnail};
use crate::tasks::Inputs;

/// The quality of thumbnails, and of large pictures.
const QUALITY: (u8, u8) = (80, 88);
/// The longest edges, in pixels.
const EDGES: std::ops::RangeInclusive<u32> = 16..=640;
/// The longer edge of a large picture, in pixels.
const LARGE: u32 = 1600;

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
        let bytes = read.map_err(|fault| {
            self.note_folders_gone();
            cannot(fault.reason().to_string())
        })?;
        let known = self.lock().digest(image);
        if known.is_some_and(|known| known != Digest::of(&bytes)) {
            let why = "the image has changed since its features were computed";
            return Err(cannot(why.to_owned()));
        }
        let picture = decode_within(&bytes, &thumbs.decoding, &thumbs.budget);
        let picture = picture.map_err(|reason| cannot(reason.to_string()))?;
        Ok(thumbnail(&picture, edge, quality))
    }

    /// Says if a whole folder of images is gone, for example with its disk.
    fn note_folders_gone(&self) {
        let Inputs::Paths(paths, _) = &self.options.extract.inputs else {
            return;
        };
        // Neither a URL nor a pattern.
        let is_plain = |path: &&PathBuf| !path.to_string_lossy().contains(['*', '?', ':']);
        for path in paths.iter().filter(is_plain).filter(|path| !path.exists()) {
            self.note(&format!(
                "`{}` is not there any more: the images in it cannot be shown",
                path.display()
            ));
        }
    }
}

impl Inner {
    /// Returns the digest of an image, if it is known.
    fn digest(&self, image: u32) -> Option<Digest> {
        let vectors = self.vectors.as_ref()?;
        Some(vectors.digests[vectors.row_of(image)?])
    }
}
