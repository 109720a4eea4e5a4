//! Decodes PNG with the `png` crate directly: `image` has it decompress texts and colour profiles, which are
//! not needed and can expand a small file to gigabytes.

use image::error::{DecodingError, LimitError, LimitErrorKind, ParameterError, ParameterErrorKind};
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageResult, Limits};
use png::{BitDepth, Decoder, Reader, Transformations};

use super::pieces::Pieces;
use crate::images::Format;

/// A PNG whose header has been read.
pub(super) struct PngDecoder<'a> {
    reader: Reader<Pieces<'a>>,
    color: ColorType,
}

impl<'a> PngDecoder<'a> {
    /// Reads up to the pixels; texts and colour profiles are skipped.
    pub(super) fn new(bytes: &'a [u8], limits: &Limits) -> ImageResult<Self> {
        let bytes_at_most = limits.max_alloc.unwrap_or(u64::MAX);
        let limits = png::Limits {
            bytes: usize::try_from(bytes_at_most).unwrap_or(usize::MAX),
        };
        let pieces = Pieces::of(Format::Png, bytes);
        let mut decoder = Decoder::new_with_limits(pieces, limits);
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        // Keeps 16-bit samples, looks up palettes, and expands samples of fewer than 8 bits to 8.
        decoder.set_transformations(Transformations::EXPAND);
        let reader = decoder.read_info().map_err(as_image_error)?;
        let color = color_type(reader.output_color_type()).ok_or_else(|| {
            ImageError::Decoding(DecodingError::new(
                ImageFormat::Png.into(),
                "its bit depth does not fit its colour type",
            ))
        })?;
        Ok(Self { reader, color })
    }
}

impl ImageDecoder for PngDecoder<'_> {
    fn dimensions(&self) -> (u32, u32) {
        self.reader.info().size()
    }

    fn color_type(&self) -> ColorType {
        self.color
    }

    fn exif_metadata(&mut self) -> ImageResult<Option<Vec<u8>>> {
        let exif = self.reader.info().exif_metadata.as_ref();
        Ok(exif.map(|block| block.to_vec()))
    }

    fn read_image(mut self, samples: &mut [u8]) -> ImageResult<()> {
        self.reader.next_frame(samples).map_err(as_image_error)?;
        if matches!(
            self.color,
            ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16
        ) {
            for sample in samples.as_chunks_mut().0 {
                *sample = u16::from_be_bytes(*sample).to_ne_bytes();
            }
        }
        Ok(())
    }

    fn read_image_boxed(self: Box<Self>, samples: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(samples)
    }
}

fn color_type((color, depth): (png::ColorType, BitDepth)) -> Option<ColorType> {
    use png::ColorType::{Grayscale, GrayscaleAlpha, Rgb, Rgba};
    Some(match (color, depth) {
        (Grayscale, BitDepth::Eight) => ColorType::L8,
        (Grayscale, BitDepth::Sixteen) => ColorType::L16,
        (GrayscaleAlpha, BitDepth::Eight) => ColorType::La8,
        (GrayscaleAlpha, BitDepth::Sixteen) => ColorType::La16,
        (Rgb, BitDepth::Eight) => ColorType::Rgb8,
        (Rgb, BitDepth::Sixteen) => ColorType::Rgb16,
        (Rgba, BitDepth::Eight) => ColorType::Rgba8,
        (Rgba, BitDepth::Sixteen) => ColorType::Rgba16,
        _ => return None,
    })
}

/// Converts an error to the same kind of error of `image`.
fn as_image_error(error: png::DecodingError) -> ImageError {
    match error {
        png::DecodingError::IoError(error) => ImageError::IoError(error),
        png::DecodingError::LimitsExceeded => {
            ImageError::Limits(LimitError::from_kind(LimitErrorKind::InsufficientMemory))
        }
        png::DecodingError::Parameter(error) => ImageError::Parameter(ParameterError::from_kind(
            ParameterErrorKind::Generic(error.to_string()),
        )),
        error @ png::DecodingError::Format(_) => {
            ImageError::Decoding(DecodingError::new(ImageFormat::Png.into(), error))
        }
    }
}
