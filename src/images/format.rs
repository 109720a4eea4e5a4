//! The image formats that can be decoded.

use std::fmt;

/// The formats that are decoded.
///
/// Exhaustive: code that needs something for each format is to fail to compile when one is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG, also progressive and CMYK.
    Jpeg,
    /// PNG, also animated.
    Png,
    /// GIF.
    Gif,
    /// WebP, lossy or lossless.
    WebP,
    /// Windows bitmap.
    Bmp,
    /// TIFF, also `BigTIFF`.
    Tiff,
    /// PBM, PGM, PPM and PAM.
    Pnm,
    /// HEVC in HEIF, as iPhones write it.
    Heic,
    /// AV1 in HEIF.
    Avif,
    /// JPEG XL.
    Jxl,
}

impl Format {
    /// The article before its name.
    pub(super) fn article(self) -> &'static str {
        match self {
            Self::Avif => "an",
            _ => "a",
        }
    }

    /// Whether this build has its decoder.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        self.feature().is_none_or(|(_, enabled)| enabled)
    }

    /// The cargo feature that brings its decoder, and whether it is enabled; `None` if every build has it.
    pub(super) fn feature(self) -> Option<(&'static str, bool)> {
        match self {
            Self::Heic => Some(("heic", cfg!(feature = "heic"))),
            Self::Avif => Some(("avif", cfg!(feature = "avif"))),
            Self::Jxl => Some(("jxl", cfg!(feature = "jxl"))),
            Self::Jpeg
            | Self::Png
            | Self::Gif
            | Self::WebP
            | Self::Bmp
            | Self::Tiff
            | Self::Pnm => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Gif => "GIF",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Pnm => "PNM",
            Self::Heic => "HEIC",
            Self::Avif => "AVIF",
            Self::Jxl => "JPEG XL",
        })
    }
}
