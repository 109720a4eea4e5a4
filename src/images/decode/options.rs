//! The options of decoding.

use serde::{Deserialize, Serialize};

use crate::words::words;

/// Whether the orientation in an image's EXIF block is applied.
///
/// The rotations and mirrors of HEIC, AVIF and JPEG XL do not count as EXIF: they belong to the image and are
/// always applied.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exif {
    /// Rotate the image upright, as viewers do.
    #[default]
    Apply,
    /// Use the pixels as stored.
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
    /// No background: the hidden colour, as in Pillow's `convert("RGB")`.
    Drop,
}

/// The scale at which large JPEGs are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum JpegScale {
    /// Full resolution.
    #[default]
    Full,
    /// 1/2, 1/4 or 1/8 of the resolution, from the lower frequencies alone, if the result is still at least
    /// twice as large as the resize needs. Faster and smaller, with slightly different pixels.
    Reduced,
}

words!(
    Exif,
    &'static str,
    |text| "expected `apply` or `ignore`",
    Apply = "apply",
    Ignore = "ignore",
);
words!(
    Alpha,
    &'static str,
    |text| "expected `white`, `black` or `drop`",
    White = "white",
    Black = "black",
    Drop = "drop",
);
words!(
    JpegScale,
    &'static str,
    |text| "expected `full` or `reduced`",
    Full = "full",
    Reduced = "reduced",
);

impl JpegScale {
    /// Returns whether JPEGs are decoded at full resolution.
    #[must_use]
    pub fn is_full(&self) -> bool {
        *self == Self::Full
    }
}

/// How images are decoded. Different options produce different features.
///
/// Colour profiles are ignored, and 16-bit samples are scaled by 1/257. Only the first frame of an animation,
/// the first page of a TIFF, or the primary image of a HEIC or AVIF is decoded. By default, images are
/// upright, on white, at full resolution, within the limits of [`Limits::default`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DecodeOptions {
    /// Whether to apply the EXIF orientation.
    pub exif: Exif,
    /// The background of transparent pixels.
    pub alpha: Alpha,
    /// The scale of large JPEGs.
    #[serde(skip_serializing_if = "JpegScale::is_full")]
    pub jpeg_scale: JpegScale,
    /// The limits on the size of an image.
    pub limits: Limits,
}

/// The largest file and image that are decoded; both limits are checked before any pixels are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// The most pixels (width × height) that an image may have.
    pub max_pixels: u64,
    /// The most bytes that its file may have.
    pub max_bytes: u64,
}

impl Default for Limits {
    /// 178,956,970 pixels, beyond which Pillow fails too, and 512 MiB, the size of that many 3-byte pixels.
    fn default() -> Self {
        Self {
            max_pixels: 178_956_970,
            max_bytes: 512 << 20,
        }
    }
}
