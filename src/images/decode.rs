//! From the bytes of a file to an upright [`RgbImage`], within limits, or to the reason why not.

mod reason;

use std::io::Cursor;
use std::ops::Deref;

use image::metadata::Orientation;
use image::{ImageDecoder, ImageFormat, ImageReader, Limits};
use serde::{Deserialize, Serialize};

use self::reason::{floating_point, no_pixels, reason};
use super::budget::Permit;
use super::pixels::to_rgb8;
use super::{DecodeBudget, Format, RgbImage, SkipReason, complete, orientation, sniff};

/// What to do with the orientation that a camera notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exif {
    /// Turn the picture upright, as viewers do.
    #[default]
    Apply,
    /// Take the pixels as they are stored.
    Ignore,
}

/// What is seen through transparent pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alpha {
    /// A white background.
    #[default]
    White,
    /// A black background.
    Black,
    /// The hidden colour, as Pillow's `convert("RGB")` shows it.
    Drop,
}

/// How pictures are decoded. It belongs to the preprocessing: other options give other features.
///
/// Colour profiles are ignored, 16-bit samples are scaled by 1/257, and of an animation or a TIFF of many pages the
/// first picture counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecodeOptions {
    /// EXIF orientation.
    pub exif: Exif,
    /// Transparency.
    pub alpha: Alpha,
    /// The most pixels (width × height) that a picture may have.
    pub max_pixels: u64,
}

impl Default for DecodeOptions {
    /// Upright, on white, and up to 178,956,970 pixels: where Pillow refuses too.
    fn default() -> Self {
        Self {
            exif: Exif::Apply,
            alpha: Alpha::White,
            max_pixels: 178_956_970,
        }
    }
}

/// A picture together with its share of a [`DecodeBudget`], which is given back when it is dropped.
#[derive(Debug)]
pub struct Decoded<'a> {
    image: RgbImage,
    _permit: Permit<'a>,
}

impl Deref for Decoded<'_> {
    type Target = RgbImage;

    fn deref(&self) -> &RgbImage {
        &self.image
    }
}

/// Decodes a whole file; the format is told from the content.
///
/// # Errors
///
/// Why it cannot be used.
pub fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<RgbImage, SkipReason> {
    let unlimited = DecodeBudget::new(u64::MAX);
    Ok(decode_within(bytes, options, &unlimited)?.image)
}

/// Decodes a whole file, and waits until the budget has the memory for it.
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
    let format = sniff(bytes)?;
    let mut decoder = open(format, bytes, options)?;
    complete::check(format, bytes)?;
    let orientation = orientation_of(format, &mut decoder, options);
    let (width, height) = decoder.dimensions();
    let mut permit = budget.reserve(working_memory(&decoder));
    let color = decoder.color_type();
    let samples = read_samples(format, decoder)?;
    let pixels = to_rgb8(samples, color, options.alpha).ok_or_else(|| floating_point(format))?;
    let image = RgbImage::new(width, height, pixels).ok_or_else(|| no_pixels(format))?;
    let image = image.upright(orientation);
    permit.shrink_to(image.pixels().len() as u64);
    Ok(Decoded {
        image,
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
    let (width, height) = decoder.dimensions();
    Ok(match orientation_of(format, &mut decoder, options) {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => (height, width),
        _ => (width, height),
    })
}

/// A decoder that has read the header, of a picture that is within the limits.
fn open<'a>(
    format: Format,
    bytes: &'a [u8],
    options: &DecodeOptions,
) -> Result<impl ImageDecoder + 'a, SkipReason> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), image_format(format));
    reader.limits(memory_limits(options.max_pixels.saturating_mul(8)));
    let mut decoder = reader.into_decoder().map_err(|error| {
        // A file that ends inside its header is cut, whatever the decoder calls it.
        complete::check(format, bytes)
            .err()
            .unwrap_or_else(|| reason(format, &error))
    })?;
    let (width, height) = decoder.dimensions();
    let limit = options.max_pixels;
    if u64::from(width) * u64::from(height) > limit {
        return Err(SkipReason::TooLarge {
            width,
            height,
            limit,
        });
    }
    if width == 0 || height == 0 {
        return Err(no_pixels(format));
    }
    let memory = memory_limits(working_memory(&decoder));
    decoder
        .set_limits(memory)
        .map_err(|error| reason(format, &error))?;
    Ok(decoder)
}

/// The bytes that decoding takes at its peak, about: the decoder's samples, and once more for converting or turning them.
fn working_memory(decoder: &impl ImageDecoder) -> u64 {
    let (width, height) = decoder.dimensions();
    let rgb = 3 * u64::from(width) * u64::from(height);
    decoder.total_bytes().max(rgb).saturating_mul(2)
}

/// Limits for a decoder's own buffers: those for the pixels, and some room for tables and metadata.
fn memory_limits(pixels: u64) -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(pixels.saturating_add(64 << 20));
    limits
}

fn orientation_of(
    format: Format,
    decoder: &mut impl ImageDecoder,
    options: &DecodeOptions,
) -> Orientation {
    // A metadata block that cannot be read says nothing about the pixels.
    match (options.exif, format) {
        (Exif::Ignore, _) => Orientation::NoTransforms,
        (Exif::Apply, Format::Tiff) => decoder.orientation().unwrap_or(Orientation::NoTransforms),
        (Exif::Apply, _) => decoder
            .exif_metadata()
            .ok()
            .flatten()
            .map_or(Orientation::NoTransforms, |block| {
                orientation::from_exif(&block)
            }),
    }
}

fn read_samples(format: Format, decoder: impl ImageDecoder) -> Result<Vec<u8>, SkipReason> {
    let bytes = decoder.total_bytes();
    let mut samples = Vec::new();
    let len = usize::try_from(bytes).map_err(|_| SkipReason::OutOfMemory(bytes))?;
    samples
        .try_reserve_exact(len)
        .map_err(|_| SkipReason::OutOfMemory(bytes))?;
    samples.resize(len, 0);
    decoder
        .read_image(&mut samples)
        .map_err(|error| reason(format, &error))?;
    Ok(samples)
}

fn image_format(format: Format) -> ImageFormat {
    match format {
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Png => ImageFormat::Png,
        Format::Gif => ImageFormat::Gif,
        Format::WebP => ImageFormat::WebP,
        Format::Bmp => ImageFormat::Bmp,
        Format::Tiff => ImageFormat::Tiff,
        Format::Pnm => ImageFormat::Pnm,
    }
}

#[cfg(test)]
mod tests;
