//! Decodes JPEGs to exactly the pixels of libjpeg-turbo, at full resolution or at 1/2, 1/4 or 1/8 of it.
//!
//! A single-pass image is decoded to its planes, which are converted to RGB where needed ([`Planes`]). A
//! reduced image is an inverse DCT of the lower frequencies alone, like libjpeg's `scale_denom`.

// Code that is not inlined into a function compiled for an instruction set does not use that set.
#![expect(clippy::inline_always, reason = "see above")]
#![expect(
    clippy::needless_range_loop,
    reason = "closures are not always inlined"
)]

mod header;
mod huffman;
mod idct;
mod planes;
mod scan;
mod upsample;

pub(super) use self::header::Jpeg;
pub(crate) use self::planes::Planes;

use image::ColorType;
use libjpeg_turbo_rs::{PixelFormat, ScalingFactor};

use self::header::reason;
use self::scan::Seen;
use self::upsample::Plane;
use super::reason::DAMAGED;
use super::{Alpha, Pixels};
use crate::images::pixels::{AlphaKind, to_rgb8};
use crate::images::skip::corrupt;
use crate::images::{Format, RgbImage, SkipReason};

impl Jpeg<'_> {
    /// Decodes at least the pixels that are seen.
    pub(super) fn pixels(self, seen: Seen<'_>) -> Result<Pixels, SkipReason> {
        match scan::decode(&self, 1, seen) {
            Some(planes) => Ok(Pixels::Planes(planes)),
            None => self.by_the_library(),
        }
    }

    /// Decodes all pixels, for any kind of JPEG that libjpeg-turbo-rs supports.
    fn by_the_library(mut self) -> Result<Pixels, SkipReason> {
        // If passes are missing, libjpeg smooths the blocks, which raw planes do not reflect.
        if self.decoder.header().is_progressive
            && let Some(format) = self.scalable()
        {
            return self.decoded(format).map(Pixels::Rgb);
        }
        let (colours, size, factors) = (self.colours, self.size(), self.factors());
        let mut raw = self.decoder.decode_raw().map_err(|error| reason(&error))?;
        let components = factors.enumerate();
        let components = components.map(|(index, factors)| Plane::of_raw(&mut raw, index, factors));
        let planes = Planes::new(components.collect(), colours, size);
        Ok(Pixels::Planes(planes))
    }

    /// Decodes the image at the smallest scale that suffices to resize its shorter edge to `edge`; each edge
    /// is rounded up. Returns `None` if full resolution is needed, or if the image cannot be decoded.
    pub(super) fn reduced(&mut self, edge: u32, seen: Seen<'_>) -> Option<Pixels> {
        self.scaled(divisor(self.size(), edge)?, seen)
    }

    pub(super) fn scaled(&mut self, divisor: u32, seen: Seen<'_>) -> Option<Pixels> {
        let format = self.scalable()?;
        if let Some(planes) = scan::decode(self, divisor, seen) {
            return Some(Pixels::Planes(planes));
        }
        self.decoder
            .set_scale(ScalingFactor::try_new(1, divisor).ok()?);
        let image = self.decoded(format).ok();
        self.decoder.set_scale(ScalingFactor::default());
        image.map(Pixels::Rgb)
    }

    /// Decodes the image in a format that [`scalable`](Self::scalable) returned.
    fn decoded(&mut self, format: PixelFormat) -> Result<RgbImage, SkipReason> {
        self.decoder.set_output_format(format);
        self.decoder.set_block_smoothing(true);
        let image = self
            .decoder
            .decode_image()
            .map_err(|error| reason(&error))?;
        let color = match format {
            PixelFormat::Grayscale => ColorType::L8,
            _ => ColorType::Rgb8,
        };
        let (kind, alpha) = (AlphaKind::Absent, Alpha::default());
        let pixels = to_rgb8(image.data, color, kind, alpha);
        pixels
            .and_then(|pixels| RgbImage::new(image.width as u32, image.height as u32, pixels))
            .ok_or_else(|| corrupt(Format::Jpeg, DAMAGED))
    }
}

/// The minimum ratio of the reduced shorter edge to the resized one, as the `reducing_gap` of Pillow's
/// `thumbnail`.
const GAP: u32 = 2;

/// Returns the largest divisor for an image of this size whose shorter edge is resized to `edge` next.
pub(crate) fn divisor((width, height): (u32, u32), edge: u32) -> Option<u32> {
    let shorter = width.min(height);
    let enough = |divisor: &u32| shorter / *divisor >= GAP.saturating_mul(edge);
    [8, 4, 2].into_iter().find(enough)
}

#[cfg(test)]
mod tests;
