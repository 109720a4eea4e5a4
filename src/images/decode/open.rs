//! Opens decoders: reads the header and sets the limits before any memory for pixels is allocated.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::pnm::PnmDecoder;
use image::codecs::tiff::TiffDecoder;
use image::codecs::webp::WebPDecoder;
use image::error::{DecodingError, ImageFormatHint};
use image::{ImageDecoder, ImageError, ImageFormat, ImageResult};

use super::DecodeOptions;
#[cfg(any(feature = "heic", feature = "avif"))]
use super::heif::HeifDecoder;
#[cfg(feature = "jxl")]
use super::jxl::JxlDecoder;
use super::png::PngDecoder;
use super::reason::{ends_early, no_pixels, reason};
use crate::images::skip::unsupported;
use crate::images::{Format, SkipReason, complete, grouped, tags};

/// Opens a decoder, which reads the header, for an image that is within the limits.
pub(super) fn open<'a>(
    format: Format,
    bytes: &'a [u8],
    options: &DecodeOptions,
) -> Result<Box<dyn ImageDecoder + 'a>, SkipReason> {
    let limit = options.limits.max_pixels;
    if format == Format::Tiff {
        check_tags(bytes)?;
    }
    let mut decoder = header(format, bytes, limit).map_err(|error| {
        // A file that ends inside its header is truncated, whatever the decoder calls it.
        complete::check(format, bytes)
            .err()
            .unwrap_or_else(|| reason(format, bytes, &error))
    })?;
    check_size(format, decoder.dimensions(), limit)?;
    let memory = memory_limits(working_memory(format, &decoder));
    decoder
        .set_limits(memory)
        .map_err(|error| reason(format, bytes, &error))?;
    Ok(decoder)
}

/// Checks that an image has pixels, but not more than the limit.
pub(super) fn check_size(
    format: Format,
    (width, height): (u32, u32),
    limit: u64,
) -> Result<(), SkipReason> {
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
    Ok(())
}

/// Opens a decoder, which reads the header, without checking the size.
fn header(
    format: Format,
    bytes: &[u8],
    max_pixels: u64,
) -> ImageResult<Box<dyn ImageDecoder + '_>> {
    let limits = memory_limits(max_pixels.saturating_mul(8));
    Ok(match format {
        Format::Png => Box::new(PngDecoder::new(bytes, &limits)?),
        Format::Jpeg => unreachable!("a JPEG is opened by its own decoder"),
        Format::Gif => Box::new(GifDecoder::new(Cursor::new(bytes))?),
        Format::WebP => Box::new(WebPDecoder::new(Cursor::new(bytes))?),
        Format::Bmp => Box::new(BmpDecoder::new(Cursor::new(bytes))?),
        Format::Tiff => Box::new(TiffDecoder::new(Cursor::new(bytes))?),
        Format::Pnm => pnm(bytes)?,
        #[cfg(any(feature = "heic", feature = "avif"))]
        Format::Heic | Format::Avif => Box::new(HeifDecoder::new(format, bytes)?),
        #[cfg(feature = "jxl")]
        Format::Jxl => Box::new(JxlDecoder::new(bytes, max_pixels)?),
        #[allow(
            unreachable_patterns,
            reason = "with all features every format has a decoder"
        )]
        absent => {
            let hint = ImageFormatHint::Name(absent.to_string());
            return Err(ImageError::Unsupported(hint.into()));
        }
    })
}

/// Opens a PNM after checking the length of its header: the decoder would keep several copies of a line,
/// however long.
fn pnm(bytes: &[u8]) -> ImageResult<Box<dyn ImageDecoder + '_>> {
    let start = bytes.get(..LONGEST_PNM_HEADER).unwrap_or(bytes);
    if start.len() < bytes.len() {
        PnmDecoder::new(start).map_err(|error| {
            if !ends_early(&error) {
                return error;
            }
            let why = format!("its header is longer than {LONGEST_PNM_HEADER} bytes");
            ImageError::Decoding(DecodingError::new(ImageFormat::Pnm.into(), why))
        })?;
    }
    Ok(Box::new(PnmDecoder::new(Cursor::new(bytes))?))
}

/// Estimates the peak memory of decoding, in bytes: the decoder's samples, and once more for converting or
/// rotating them, or for the decoder's own buffers, as measured on images of every kind.
pub(super) fn working_memory(format: Format, decoder: &impl ImageDecoder) -> u64 {
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let samples = decoder.total_bytes().max(pixels.saturating_mul(3));
    match format {
        // A frame and the canvas, both with alpha.
        Format::WebP => samples.saturating_add(pixels.saturating_mul(8)),
        // Planes of 16 bits, and what the decoder stores for each block.
        Format::Heic | Format::Avif => samples.saturating_add(pixels.saturating_mul(9)),
        // Channels of 32 bits, and the decoder's own buffers.
        Format::Jxl => samples.saturating_add(pixels.saturating_mul(28)),
        // Four components become three.
        Format::Tiff => samples.saturating_add(pixels).saturating_mul(2),
        Format::Jpeg | Format::Png | Format::Gif | Format::Bmp | Format::Pnm => {
            samples.saturating_mul(2)
        }
    }
}

/// Returns the limits of a decoder's buffers: the bytes for the pixels, and some for tables and metadata.
fn memory_limits(pixels: u64) -> image::Limits {
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(pixels.saturating_add(64 << 20));
    limits
}

/// The limit of a PNM's header in bytes, including comments.
const LONGEST_PNM_HEADER: usize = 64 << 10;

/// The limits of strips or tiles in a TIFF, and of the values in any other tag that the decoder reads.
const MOST_CHUNKS: u64 = 1 << 18;
const MOST_VALUES: u64 = 1 << 16;

/// Returns the most values allowed in a TIFF tag. The decoder reads tags before limits can be set, and takes
/// 32 bytes for each value.
fn most_values(tag: u16) -> u64 {
    match tag {
        // Offsets and lengths of strips and tiles.
        273 | 279 | 324 | 325 => MOST_CHUNKS,
        // The image's kind, size and orientation, and a JPEG's tables.
        254..=278 | 284 | 317 | 322 | 323 | 338 | 339 | 347 | 530..=532 => MOST_VALUES,
        // Profiles, XMP and application blocks are not read.
        _ => u64::MAX,
    }
}

fn check_tags(bytes: &[u8]) -> Result<(), SkipReason> {
    let excess = tags::counts(bytes).find(|&(tag, count)| count > most_values(tag));
    excess.map_or(Ok(()), |(tag, count)| {
        let detail = format!("{} values in tag {tag}", grouped(count));
        Err(unsupported(Format::Tiff, detail))
    })
}
