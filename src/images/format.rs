//! The image formats that can be decoded.

use std::fmt;

/// An image format that can be decoded.
///
/// Exhaustive on purpose: code that handles each format fails to compile when one is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG, including progressive and CMYK.
    Jpeg,
    /// PNG, including animated ones.
    Png,
    /// GIF.
    Gif,
    /// WebP, lossy or lossless.
    WebP,
    /// Windows bitmap.
    Bmp,
    /// TIFF, including `BigTIFF`.
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
    /// Returns the article for its name.
    pub(super) fn article(self) -> &'static str {
        match self {
            Self::Avif => "an",
            _ => "a",
        }
    }

    /// Returns whether this build includes its decoder.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        self.feature().is_none_or(|(_, enabled)| enabled)
    }

    /// Returns the cargo feature of its decoder and whether it is enabled; `None` if every build has the
    /// decoder.
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
