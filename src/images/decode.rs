//! Decodes the bytes of a file to an upright [`RgbImage`], within limits, or returns the reason why not.

mod decoded;
#[doc(hidden)]
pub mod fuzz;
#[cfg(any(feature = "heic", feature = "avif"))]
mod heif;
mod jpeg;
#[cfg(feature = "jxl")]
mod jxl;
mod kind;
mod open;
mod options;
mod pieces;
mod png;
mod reason;
mod transparency;

use std::borrow::Cow;

pub(super) use self::decoded::Decoded;
pub use self::decoded::Pixels;
pub(crate) use self::jpeg::divisor as jpeg_divisor;
pub use self::options::{Alpha, DecodeOptions, Exif, JpegScale, Limits};
use image::ImageDecoder;
use image::metadata::Orientation;

use self::jpeg::Jpeg;
use self::open::{open, working_memory};
use self::reason::{no_pixels, reason};
use super::pixels::to_rgb8;
use super::skip::unsupported;
use super::{
    DecodeBudget, Format, Part, Preprocessing, RgbImage, SkipReason, View, complete, exif,
    orientation, sniff,
};

/// Decodes a file at full resolution; the format is detected from the content.
///
/// # Errors
///
/// The reason why the file cannot be used.
pub fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<RgbImage, SkipReason> {
    let unlimited = DecodeBudget::new(u64::MAX);
    Ok(decode_within(bytes, options, &unlimited)?.picture)
}

/// Decodes a file at full resolution, once the budget has the memory for it.
///
/// A thread must drop an image before it decodes the next one, or it may deadlock.
///
/// # Errors
///
/// The reason why the file cannot be used.
pub(crate) fn decode_within<'a>(
    bytes: &[u8],
    options: &DecodeOptions,
    budget: &'a DecodeBudget,
) -> Result<Decoded<'a>, SkipReason> {
    let mut decoded = decode_at(bytes, options, Wanted::Rgb, budget)?;
    let picture = decoded.picture.into_rgb();
    decoded.permit.shrink_to(picture.pixels().len() as u64);
    Ok(Decoded {
        picture,
        full_size: decoded.full_size,
        permit: decoded.permit,
    })
}

/// Decodes a file like [`decode_within`], but only to preprocess the given views: at the scale that `options`
/// allow, in the form that the decoder produces. Other rows and columns of the image cannot be read.
///
/// # Errors
///
/// The reason why the file cannot be used.
pub(crate) fn decode_for<'a>(
    preprocessing: &Preprocessing,
    views: &[View],
    bytes: &[u8],
    options: &DecodeOptions,
    budget: &'a DecodeBudget,
) -> Result<Decoded<'a, Pixels>, SkipReason> {
    let edge = match options.jpeg_scale {
        JpegScale::Full => None,
        JpegScale::Reduced => preprocessing.shorter_edge(),
    };
    let seen = |size| preprocessing.seen(size, views);
    decode_at(bytes, options, Wanted::Views { edge, seen: &seen }, budget)
}

/// What the decoded image is used for.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// The whole image in RGB.
    Rgb,
    /// Some views, which are resized next.
    Views {
        /// The length that the shorter edge is resized to, if the scale may be reduced.
        edge: Option<u32>,
        /// Returns the part that is read of an upright image of a given size.
        seen: &'a dyn Fn((u32, u32)) -> Part,
    },
}

fn decode_at<'a>(
    bytes: &[u8],
    options: &DecodeOptions,
    wanted: Wanted<'_>,
    budget: &'a DecodeBudget,
) -> Result<Decoded<'a, Pixels>, SkipReason> {
    let format = sniff(bytes)?;
    complete::check(format, bytes)?;
    if format == Format::Jpeg {
        return decode_jpeg(bytes, options, wanted, budget);
    }
    let mut decoder = open(format, bytes, options)?;
    let orientation = orientation_of(format, bytes, &mut decoder, options);
    let size = decoder.dimensions();
    let mut permit = budget.reserve_pixels(working_memory(format, &decoder));
    let image = read(format, bytes, decoder, options)?.upright(orientation);
    permit.shrink_to(image.pixels().len() as u64);
    Ok(Decoded {
        picture: Pixels::Rgb(image),
        full_size: orientation::upright(size, orientation),
        permit,
    })
}

fn decode_jpeg<'a>(
    bytes: &[u8],
    options: &DecodeOptions,
    wanted: Wanted<'_>,
    budget: &'a DecodeBudget,
) -> Result<Decoded<'a, Pixels>, SkipReason> {
    let orientation = exif_orientation(Format::Jpeg, bytes, options);
    let bytes = Jpeg::without_metadata(bytes);
    let mut jpeg = Jpeg::open(&bytes, &options.limits)?;
    let size = jpeg.size();
    let rgb = match wanted {
        Wanted::Rgb => 3 * u64::from(size.0) * u64::from(size.1),
        Wanted::Views { .. } => 0,
    };
    let copy = match &bytes {
        Cow::Owned(copy) => copy.len() as u64,
        Cow::Borrowed(_) => 0,
    };
    let mut permit = budget.reserve_pixels(copy + jpeg.working_memory() + rgb);
    let seen = |stored| match wanted {
        Wanted::Rgb => Part::whole(stored),
        Wanted::Views { seen, .. } => {
            seen(orientation::upright(stored, orientation)).stored(stored, orientation)
        }
    };
    let reduced = match wanted {
        Wanted::Views {
            edge: Some(edge), ..
        } => jpeg.reduced(edge, &seen),
        _ => None,
    };
    let pixels = reduced.map_or_else(|| jpeg.pixels(&seen), Ok)?;
    let picture = pixels.upright(orientation);
    permit.shrink_to(picture.num_bytes() + rgb);
    Ok(Decoded {
        picture,
        full_size: orientation::upright(size, orientation),
        permit,
    })
}

/// Reads the size of the upright image, (width, height), from the header alone.
///
/// # Errors
///
/// The reason why the file cannot be used, as far as the header shows it.
pub fn dimensions(bytes: &[u8], options: &DecodeOptions) -> Result<(u32, u32), SkipReason> {
    let format = sniff(bytes)?;
    if format == Format::Jpeg {
        let pixels = Jpeg::without_metadata(bytes);
        let size = Jpeg::open(&pixels, &options.limits)?.size();
        return Ok(orientation::upright(
            size,
            exif_orientation(format, bytes, options),
        ));
    }
    let mut decoder = open(format, bytes, options)?;
    let orientation = orientation_of(format, bytes, &mut decoder, options);
    Ok(orientation::upright(decoder.dimensions(), orientation))
}

fn orientation_of(
    format: Format,
    bytes: &[u8],
    decoder: &mut impl ImageDecoder,
    options: &DecodeOptions,
) -> Orientation {
    // An unreadable metadata block does not make the pixels unusable.
    match (options.exif, format) {
        // Their rotations and mirrors are part of the image, and their EXIF blocks only repeat them.
        (_, Format::Heic | Format::Avif | Format::Jxl) => {
            decoder.orientation().unwrap_or(Orientation::NoTransforms)
        }
        (Exif::Apply, Format::Tiff) => decoder.orientation().unwrap_or(Orientation::NoTransforms),
        (Exif::Apply, Format::Png) => decoder
            .exif_metadata()
            .ok()
            .flatten()
            .map_or(Orientation::NoTransforms, |block| {
                orientation::from_exif(&block)
            }),
        _ => exif_orientation(format, bytes, options),
    }
}

fn exif_orientation(format: Format, bytes: &[u8], options: &DecodeOptions) -> Orientation {
    match options.exif {
        Exif::Ignore => Orientation::NoTransforms,
        Exif::Apply => {
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
        // 32-bit integers are decoded to floating-point samples too.
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
