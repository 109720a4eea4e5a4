//! What the alpha channel of a file means.

use image::ColorType;

use crate::images::pixels::AlphaKind;
use crate::images::{Format, tags};

/// Returns how the colours of an image relate to its alpha.
///
/// A TIFF says so in its tag `ExtraSamples` (TIFF 6.0, page 31). A 32-bit bitmap may have an alpha mask but
/// no alpha values: programs that do not support alpha leave zeros there, which would hide every pixel.
pub(super) fn kind(format: Format, bytes: &[u8], color: ColorType, samples: &[u8]) -> AlphaKind {
    const EXTRA_SAMPLES: u16 = 338;
    const ASSOCIATED: u32 = 1;
    match (format, color) {
        (Format::Tiff, _) => match tags::values(bytes, EXTRA_SAMPLES).as_deref() {
            Some([ASSOCIATED, ..]) => AlphaKind::Premultiplied,
            _ => AlphaKind::Straight,
        },
        (Format::Bmp, ColorType::Rgba8)
            if samples.as_chunks().0.iter().all(|&[_, _, _, a]| a == 0) =>
        {
            AlphaKind::Absent
        }
        #[cfg(any(feature = "heic", feature = "avif"))]
        (Format::Heic | Format::Avif, ColorType::Rgba8) if super::heif::is_premultiplied(bytes) => {
            AlphaKind::Premultiplied
        }
        #[cfg(feature = "jxl")]
        (Format::Jxl, _) if super::jxl::is_premultiplied(bytes) => AlphaKind::Premultiplied,
        _ => AlphaKind::Straight,
    }
}
