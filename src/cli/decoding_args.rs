//! Arguments for decoding image files.

use super::choices::choices;
use super::headings::DECODING;
use super::size;
use frostline::images::{Alpha, DecodeOptions, Exif, JpegScale, Limits};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct DecodingArgs {
    /// Apply or ignore the EXIF orientation, which rotates images upright.
    #[arg(long, value_name = "POLICY", default_value = "apply", help_heading = DECODING,
          value_parser = choices::<Exif>(&["apply", "ignore"]), hide_possible_values = true)]
    exif: Exif,
    /// Background of transparent pixels: white or black; drop ignores the transparency.
    #[arg(long, value_name = "POLICY", default_value = "white", help_heading = DECODING,
          value_parser = choices::<Alpha>(&["white", "black", "drop"]), hide_possible_values = true)]
    alpha: Alpha,
    /// Scale for decoding large JPEGs: full, or reduced (1/2, 1/4 or 1/8), which is faster and changes
    /// features slightly.
    #[arg(long, value_name = "SCALE", default_value = "full", help_heading = DECODING,
          value_parser = choices::<JpegScale>(&["full", "reduced"]), hide_possible_values = true)]
    jpeg_scale: JpegScale,
    #[command(flatten)]
    limits: LimitArgs,
}

/// Arguments that limit the size of images.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct LimitArgs {
    /// Skip images with more than N pixels.
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_pixels,
          help_heading = DECODING)]
    max_pixels: u64,
    /// Skip image files larger than SIZE, a number of bytes or a size such as `800M` or `2G`.
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = size::bytes,
          help_heading = DECODING)]
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
