//! Arguments on how files become pixels.

use crate::images::{Alpha, DecodeOptions, Exif, JpegScale};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct DecodingArgs {
    /// Turn pictures upright as their EXIF orientation says: apply or ignore.
    #[arg(long, value_name = "POLICY", default_value = "apply")]
    exif: Exif,
    /// What transparent pixels lie on: white or black; or drop the transparency.
    #[arg(long, value_name = "POLICY", default_value = "white")]
    alpha: Alpha,
    /// Scale of JPEGs much larger than what is made of them: full; or reduced, which is quicker and changes pixels slightly.
    #[arg(long, value_name = "SCALE", default_value = "full")]
    jpeg_scale: JpegScale,
    /// Images with more pixels are skipped.
    #[arg(long, value_name = "N", default_value_t = DecodeOptions::default().max_pixels)]
    max_pixels: u64,
}

impl DecodingArgs {
    pub(super) fn options(&self) -> DecodeOptions {
        DecodeOptions {
            exif: self.exif,
            alpha: self.alpha,
            jpeg_scale: self.jpeg_scale,
            max_pixels: self.max_pixels,
        }
    }
}
