//! The choices in decoding.

use serde::{Deserialize, Serialize};

use crate::words::words;

/// Whether the orientation in a picture's EXIF block is applied.
///
/// The turns and mirrors of a HEIC, AVIF or JPEG XL are no such note: they belong to the picture, and are
/// always made.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exif {
    /// Turn the picture upright, as viewers do.
    #[default]
    Apply,
    /// Take the pixels as they are stored.
    Ignore,
}

/// The background of transparent pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Alpha {
    /// A white background.
    #[default]
    White,
    /// A black background.
    Black,
    /// The hidden colour, as Pillow's `convert("RGB")` shows it.
    Drop,
}

/// The scale at which large JPEGs are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum JpegScale {
    /// Every pixel.
    #[default]
    Full,
    /// 1/2, 1/4 or 1/8, from the lower frequencies alone, if what is left has twice the edges that the resize
    /// makes of it or more: quicker and smaller, and slightly other pixels.
    Reduced,
}

words!(
    Exif,
    &'static str,
    |text| "the policies are apply and ignore",
    Apply = "apply",
    Ignore = "ignore",
);
words!(
    Alpha,
    &'static str,
    |text| "the policies are white, black and drop",
    White = "white",
    Black = "black",
    Drop = "drop",
);
words!(
    JpegScale,
    &'static str,
    |text| "the scales are full and reduced",
    Full = "full",
    Reduced = "reduced",
);

impl JpegScale {
    /// Whether nothing is left out.
    #[must_use]
    pub fn is_full(&self) -> bool {
        *self == Self::Full
    }
}

/// How pictures are decoded. Other options give other features.
///
/// Colour profiles are ignored, 16-bit samples are scaled by 1/257, and of an animation or a TIFF of many
/// pages the first picture counts, of a HEIC or AVIF the primary one. By default they are upright, on white,
/// at full scale, within the limits of [`Limits::default`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DecodeOptions {
    /// EXIF orientation.
    pub exif: Exif,
    /// Transparency.
    pub alpha: Alpha,
    /// Scale of large JPEGs.
    #[serde(skip_serializing_if = "JpegScale::is_full")]
    pub jpeg_scale: JpegScale,
    /// How large it may be.
    pub limits: Limits,
}

/// The largest file and picture that are decoded; both are checked before pixels are unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// The most pixels (width × height) that a picture may have.
    pub max_pixels: u64,
    /// The most bytes that its file may have.
    pub max_bytes: u64,
}

impl Default for Limits {
    /// 178,956,970 pixels, where Pillow refuses too, and 512 MiB: that many pixels of three bytes.
    fn default() -> Self {
        Self {
            max_pixels: 178_956_970,
            max_bytes: 512 << 20,
        }
    }
}
