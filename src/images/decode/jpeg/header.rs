//! Reads the headers of a JPEG, before any memory for pixels is allocated.

use std::borrow::Cow;

use libjpeg_turbo_rs::{ColorSpace, DecodeLimits, Decoder, JpegError, PixelFormat};

use crate::images::decode::open::check_size;
use crate::images::decode::pieces::Pieces;
use crate::images::decode::reason::{DAMAGED, plain, too_early};
use crate::images::skip::{corrupt, unsupported};
use crate::images::{Format, Limits, SkipReason};

/// The limit of passes over the pixels, more than encoders write; each pass walks over all pixels.
const MOST_SCANS: usize = 500;

/// How the components of an image become RGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    Gray,
    Rgb,
    YCbCr,
    Cmyk,
    /// CMYK whose first three components are stored as `YCbCr`.
    Ycck,
}

/// A JPEG whose headers have been read, and whose size is within the limits.
pub(in crate::images::decode) struct Jpeg<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) decoder: Decoder<'a>,
    pub(super) colours: Colours,
}

/// The horizontal and the vertical sampling factor of a component.
type Sampling = (u32, u32);

impl<'a> Jpeg<'a> {
    /// Strips EXIF, XMP, profiles and comments from a file: the decoder would copy them, and rejects an image
    /// with a broken profile.
    pub(in crate::images::decode) fn without_metadata(bytes: &'a [u8]) -> Cow<'a, [u8]> {
        Pieces::joined(Format::Jpeg, bytes)
    }

    pub(in crate::images::decode) fn open(
        bytes: &'a [u8],
        limits: &Limits,
    ) -> Result<Self, SkipReason> {
        let scans = DecodeLimits {
            max_scans: MOST_SCANS,
            ..DecodeLimits::default()
        };
        let decoder = Decoder::new_with_limits(bytes, scans).map_err(|error| reason(&error))?;
        let colours = match (
            decoder.jpeg_color_space(),
            decoder.header().components.len(),
        ) {
            (ColorSpace::Grayscale, 1) => Colours::Gray,
            (ColorSpace::Rgb, 3) => Colours::Rgb,
            (ColorSpace::YCbCr, 3) => Colours::YCbCr,
            (ColorSpace::Cmyk, 4) => Colours::Cmyk,
            (ColorSpace::Ycck, 4) => Colours::Ycck,
            (_, count) => {
                return Err(unsupported(Format::Jpeg, format!("{count} components")));
            }
        };
        let jpeg = Self {
            bytes,
            decoder,
            colours,
        };
        jpeg.check(limits.max_pixels)?;
        Ok(jpeg)
    }

    fn check(&self, limit: u64) -> Result<(), SkipReason> {
        check_size(Format::Jpeg, self.size(), limit)?;
        // libjpeg does not upsample by fractions either.
        let (across, down) = self.finest();
        let whole = |&(h, v): &Sampling| h > 0 && v > 0 && across % h == 0 && down % v == 0;
        if !self.sampling().iter().all(whole) {
            return Err(unsupported(Format::Jpeg, "fractional sampling factors"));
        }
        Ok(())
    }

    /// Returns the width and the height as stored.
    pub(in crate::images::decode) fn size(&self) -> (u32, u32) {
        let frame = self.decoder.header();
        (frame.width.into(), frame.height.into())
    }

    /// Returns the sampling factors of each component.
    fn sampling(&self) -> Vec<Sampling> {
        let components = &self.decoder.header().components;
        let factors = components
            .iter()
            .map(|c| (c.horizontal_sampling.into(), c.vertical_sampling.into()));
        factors.collect()
    }

    /// Returns how many columns and rows of the image a sample of each component covers.
    pub(super) fn factors(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (across, down) = self.finest();
        let factors = move |(h, v): Sampling| ((across / h) as usize, (down / v) as usize);
        self.sampling().into_iter().map(factors)
    }

    fn finest(&self) -> Sampling {
        let sampling = self.sampling();
        let of = |factor: fn(&Sampling) -> u32| sampling.iter().map(factor).max().unwrap_or(1);
        (of(|s| s.0), of(|s| s.1))
    }

    /// Returns the output format in which the decoder matches libjpeg-turbo at every scale; `None` for CMYK
    /// images, and if the first component does not have the finest sampling.
    pub(super) fn scalable(&self) -> Option<PixelFormat> {
        let first = *self.sampling().first()?;
        match self.colours {
            Colours::Gray => Some(PixelFormat::Grayscale),
            Colours::Rgb | Colours::YCbCr if first == self.finest() => Some(PixelFormat::Rgb),
            _ => None,
        }
    }

    /// Estimates the peak memory of decoding, in bytes: the planes and, for several passes, all 16-bit
    /// coefficients and the RGB pixels.
    pub(in crate::images::decode) fn working_memory(&self) -> u64 {
        let (width, height) = self.size();
        let (across, down) = self.finest();
        let blocks = |edge: u32, factor: u32| u64::from(edge.div_ceil(8 * factor)) * 8;
        let unit = blocks(width, across) * blocks(height, down);
        let samples = self
            .sampling()
            .iter()
            .map(|&(h, v)| u64::from(h * v))
            .sum::<u64>()
            * unit;
        if self.decoder.header().is_progressive {
            3 * samples + 3 * u64::from(width) * u64::from(height)
        } else {
            samples
        }
    }
}

/// Converts the decoder's error to a skip reason.
pub(super) fn reason(error: &JpegError) -> SkipReason {
    match error {
        JpegError::UnexpectedEof => too_early(Format::Jpeg),
        JpegError::AllocationFailed { bytes, .. } => SkipReason::OutOfMemory(*bytes),
        JpegError::Unsupported(_) => unsupported(Format::Jpeg, "an unusual coding process"),
        JpegError::LimitExceeded { what, limit, .. } => {
            unsupported(Format::Jpeg, format!("{what} over {limit}"))
        }
        JpegError::CorruptData(said) if said.starts_with("non-interleaved baseline scan has") => {
            unsupported(Format::Jpeg, "partially interleaved scans")
        }
        JpegError::CorruptData(said) => {
            let detail = plain(said);
            corrupt(Format::Jpeg, detail.as_deref().unwrap_or(DAMAGED))
        }
        _ => corrupt(Format::Jpeg, DAMAGED),
    }
}
