//! The image formats that can be decoded.

use std::fmt;

/// The formats that are decoded.
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

    /// Whether this build has its decoder: each of the last three is a feature of the crate.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        let optional = [
            (Self::Heic, cfg!(feature = "heic")),
            (Self::Avif, cfg!(feature = "avif")),
            (Self::Jxl, cfg!(feature = "jxl")),
        ];
        optional
            .iter()
            .all(|&(format, there)| format != self || there)
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
