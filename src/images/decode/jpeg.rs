//! JPEGs: exactly the pixels of libjpeg-turbo, whole or at 1/2, 1/4 or 1/8 of their size.
//!
//! A picture of one pass is decoded to its planes, which become RGB where they are needed ([`Planes`]). A
//! reduced one is an inverse DCT of the lower frequencies alone, as libjpeg's `scale_denom`.

// What is not inlined into a function compiled for an instruction set is compiled without it.
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
    /// The pixels that are seen, at least.
    pub(super) fn pixels(self, seen: Seen<'_>) -> Result<Pixels, SkipReason> {
        match scan::decode(&self, 1, seen) {
            Some(planes) => Ok(Pixels::Planes(planes)),
            None => self.by_the_library(),
        }
    }

    /// All pixels of any kind that libjpeg-turbo-rs decodes.
    fn by_the_library(mut self) -> Result<Pixels, SkipReason> {
        // Where passes are missing, libjpeg smooths the blocks, which planes do not show.
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

    /// The picture at the smallest scale that suits one whose shorter edge becomes `edge` next; each edge is
    /// rounded up. `None` for what is better decoded whole, and for what cannot be decoded.
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

    /// The picture in a format that it is [`scalable`](Self::scalable) in.
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

/// How many times as long as the resize makes it the shorter edge stays, at least: Pillow's `thumbnail` keeps
/// the same `reducing_gap`.
const GAP: u32 = 2;

/// By how much a picture of this size may be divided if its shorter edge becomes `edge` next.
pub(crate) fn divisor((width, height): (u32, u32), edge: u32) -> Option<u32> {
    let shorter = width.min(height);
    let enough = |divisor: &u32| shorter / *divisor >= GAP.saturating_mul(edge);
    [8, 4, 2].into_iter().find(enough)
}

#[cfg(test)]
mod tests;
