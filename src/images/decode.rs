//! From the bytes of a file to an upright [`RgbImage`], within limits, or to the reason why not.

#[doc(hidden)]
pub mod fuzz;
mod kind;
mod open;
mod options;
mod pieces;
mod png;
mod reason;
mod reduced;
mod transparency;

use std::ops::Deref;

pub use self::options::{Alpha, DecodeOptions, Exif, JpegScale, Limits};
use image::ImageDecoder;
use image::metadata::Orientation;

use self::open::{open, working_memory};
use self::reason::{no_pixels, reason, unsupported};
use super::budget::Permit;
use super::pixels::to_rgb8;
use super::{
    DecodeBudget, Format, Preprocessing, RgbImage, SkipReason, complete, exif, orientation, sniff,
};

/// A picture together with its share of a [`DecodeBudget`], which is given back when it is dropped.
#[derive(Debug)]
pub struct Decoded<'a> {
    image: RgbImage,
    full_size: (u32, u32),
    _permit: Permit<'a>,
}

impl Decoded<'_> {
    /// The size of the upright picture in its file, (width, height): that of the pixels, if they were not reduced.
    #[must_use]
    pub fn full_size(&self) -> (u32, u32) {
        self.full_size
    }
}

impl Deref for Decoded<'_> {
    type Target = RgbImage;

    fn deref(&self) -> &RgbImage {
        &self.image
    }
}

/// Decodes a whole file, at its full scale; the format is told from the content.
///
/// # Errors
///
/// Why it cannot be used.
pub fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<RgbImage, SkipReason> {
    let unlimited = DecodeBudget::new(u64::MAX);
    Ok(decode_within(bytes, options, &unlimited)?.image)
}

/// Decodes a whole file, at its full scale, and waits until the budget has the memory for it.
///
/// A thread must drop a picture before it decodes the next one, or it may wait for itself.
///
/// # Errors
///
/// Why it cannot be used.
pub fn decode_within<'a>(
    bytes: &[u8],
    options: &DecodeOptions,
    budget: &'a DecodeBudget,
) -> Result<Decoded<'a>, SkipReason> {
    decode_at(bytes, options, None, budget)
}

/// As [`decode_within`], at the scale that `options` allow a picture that is preprocessed next.
///
/// # Errors
///
/// Why it cannot be used.
pub fn decode_for<'a>(
    preprocessing: &Preprocessing,
    bytes: &[u8],
    options: &DecodeOptions,
    budget: &'a DecodeBudget,
) -> Result<Decoded<'a>, SkipReason> {
    let edge = match options.jpeg_scale {
        JpegScale::Full => None,
        JpegScale::Reduced => preprocessing.shorter_edge(),
    };
    decode_at(bytes, options, edge, budget)
}

/// Decodes a picture whose shorter edge may become as short as twice `edge`.
fn decode_at<'a>(
    bytes: &[u8],
    options: &DecodeOptions,
    edge: Option<u32>,
    budget: &'a DecodeBudget,
) -> Result<Decoded<'a>, SkipReason> {
    let format = sniff(bytes)?;
    complete::check(format, bytes)?;
    let mut decoder = open(format, bytes, options)?;
    let orientation = orientation_of(format, bytes, &mut decoder, options);
    let size = decoder.dimensions();
    let memory = working_memory(format, bytes, &decoder);
    let divisor = match format {
        Format::Jpeg => edge.and_then(|edge| reduced::divisor(size, edge)),
        _ => None,
    };
    let reduced = divisor.and_then(|divisor| {
        let permit = budget.reserve_pixels(memory / u64::from(divisor * divisor));
        Some((reduced::read(bytes, divisor, memory)?, permit))
    });
    let (image, mut permit) = if let Some(reduced) = reduced {
        reduced
    } else {
        let permit = budget.reserve_pixels(memory);
        (read(format, bytes, decoder, options)?, permit)
    };
    let image = image.upright(orientation);
    permit.shrink_to(image.pixels().len() as u64);
    Ok(Decoded {
        image,
        full_size: upright(size, orientation),
        _permit: permit,
    })
}

/// The size of the upright picture, (width, height), from the header alone.
///
/// # Errors
///
/// Why it cannot be used, as far as the header tells.
pub fn dimensions(bytes: &[u8], options: &DecodeOptions) -> Result<(u32, u32), SkipReason> {
    let format = sniff(bytes)?;
    let mut decoder = open(format, bytes, options)?;
    let orientation = orientation_of(format, bytes, &mut decoder, options);
    Ok(upright(decoder.dimensions(), orientation))
}

fn upright((width, height): (u32, u32), orientation: Orientation) -> (u32, u32) {
    match orientation {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => (height, width),
        _ => (width, height),
    }
}

fn orientation_of(
    format: Format,
    bytes: &[u8],
    decoder: &mut impl ImageDecoder,
    options: &DecodeOptions,
) -> Orientation {
    // A metadata block that cannot be read says nothing about the pixels.
    match (options.exif, format) {
        (Exif::Ignore, _) => Orientation::NoTransforms,
        (Exif::Apply, Format::Tiff) => decoder.orientation().unwrap_or(Orientation::NoTransforms),
        (Exif::Apply, Format::Png) => decoder
            .exif_metadata()
            .ok()
            .flatten()
            .map_or(Orientation::NoTransforms, |block| {
                orientation::from_exif(&block)
            }),
        (Exif::Apply, _) => {
            exif::block(format, bytes).map_or(Orientation::NoTransforms, orientation::from_exif)
        }
    }
}

fn read(
    format: Format,
    bytes: &[u8],
    decoder: impl ImageDecoder,
    options: &DecodeOptions,
) -> Result<RgbImage, SkipReason> {
    let ((width, height), color) = (decoder.dimensions(), decoder.color_type());
    let samples = read_samples(format, bytes, decoder)?;
    let kind = transparency::kind(format, bytes, color, &samples);
    let pixels = to_rgb8(samples, color, kind, options.alpha).ok_or_else(|| {
        // Whole numbers of 32 bits come as floating-point ones too.
        let detail = kind::detail(format, bytes);
        unsupported(
            format,
            detail.as_deref().unwrap_or("floating-point samples"),
        )
    })?;
    RgbImage::new(width, height, pixels).ok_or_else(|| no_pixels(format))
}

fn read_samples(
    format: Format,
    bytes: &[u8],
    decoder: impl ImageDecoder,
) -> Result<Vec<u8>, SkipReason> {
    let length = decoder.total_bytes();
    let mut samples = Vec::new();
    let len = usize::try_from(length).map_err(|_| SkipReason::OutOfMemory(length))?;
    samples
        .try_reserve_exact(len)
        .map_err(|_| SkipReason::OutOfMemory(length))?;
    samples.resize(len, 0);
    decoder
        .read_image(&mut samples)
        .map_err(|error| reason(format, bytes, &error))?;
    Ok(samples)
}

#[cfg(test)]
mod tests;
