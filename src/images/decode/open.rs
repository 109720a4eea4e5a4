//! Opening a decoder: the header is read, and the limits are set, before there is memory for a pixel.

use std::io::Cursor;

use image::{ImageDecoder, ImageFormat, ImageReader, ImageResult};

use super::DecodeOptions;
use super::png::PngDecoder;
use super::reason::{no_pixels, reason};
use crate::images::{Format, SkipReason, complete};

/// A decoder that has read the header, of a picture that is within the limits.
pub(super) fn open<'a>(
    format: Format,
    bytes: &'a [u8],
    options: &DecodeOptions,
) -> Result<Box<dyn ImageDecoder + 'a>, SkipReason> {
    let limit = options.limits.max_pixels;
    let mut decoder = header(format, bytes, limit).map_err(|error| {
        // A file that ends inside its header is cut, whatever the decoder calls it.
        complete::check(format, bytes)
            .err()
            .unwrap_or_else(|| reason(format, bytes, &error))
    })?;
    let (width, height) = decoder.dimensions();
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
        .map_err(|error| reason(format, bytes, &error))?;
    Ok(decoder)
}

/// A decoder that has read the header, whatever it says of the size.
fn header(
    format: Format,
    bytes: &[u8],
    max_pixels: u64,
) -> ImageResult<Box<dyn ImageDecoder + '_>> {
    let limits = memory_limits(max_pixels.saturating_mul(8));
    if format == Format::Png {
        return Ok(Box::new(PngDecoder::new(bytes, &limits)?));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), image_format(format));
    reader.limits(limits);
    Ok(Box::new(reader.into_decoder()?))
}

/// The bytes that decoding takes at its peak, about: the decoder's samples, and once more for converting or turning them.
pub(super) fn working_memory(decoder: &impl ImageDecoder) -> u64 {
    let (width, height) = decoder.dimensions();
    let rgb = 3 * u64::from(width) * u64::from(height);
    decoder.total_bytes().max(rgb).saturating_mul(2)
}

/// Limits for a decoder's own buffers: those for the pixels, and some room for tables and metadata.
fn memory_limits(pixels: u64) -> image::Limits {
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(pixels.saturating_add(64 << 20));
    limits
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
