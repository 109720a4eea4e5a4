//! Arguments on how files become pixels.

use super::size;
use frostline::images::{Alpha, DecodeOptions, Exif, JpegScale, Limits};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct DecodingArgs {
    /// Turn pictures upright as their EXIF orientation says: apply or ignore.
    #[arg(long, value_name = "POLICY", default_value = "apply")]
    exif: Exif,
    /// What transparent pixels lie on: white or black; or drop the transparency.
    #[arg(long, value_name = "POLICY", default_value = "white")]
    alpha: Alpha,
    /// Scale at which large JPEGs are decoded: full, or reduced to 1/2, 1/4 or 1/8, which is faster and
    /// changes features slightly.
    #[arg(long, value_name = "SCALE", default_value = "full")]
    jpeg_scale: JpegScale,
    #[command(flatten)]
    limits: LimitArgs,
}

/// Arguments on how large images may be.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct LimitArgs {
    /// Skip images with more pixels than N.
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_pixels)]
    max_pixels: u64,
    /// Skip image files larger than SIZE: a number of bytes, or `800M`, `2G`; such files are not read.
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = size::bytes)]
    max_bytes: u64,
}

impl LimitArgs {
    pub(super) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.max_pixels = self.max_pixels;
        limits.max_bytes = self.max_bytes;
        limits
    }
}

impl DecodingArgs {
    pub(super) fn options(&self) -> DecodeOptions {
        let mut options = DecodeOptions::default();
        options.exif = self.exif;
        options.alpha = self.alpha;
        options.jpeg_scale = self.jpeg_scale;
        options.limits = self.limits.limits();
        options
    }
}
