//! Arguments that name a backbone, and what to change in its manifest.

use std::path::PathBuf;

use frostline::backbones::{DEFAULT_BACKBONE, Overrides, Preset};
use frostline::error::Error;
use frostline::images::{Channels, Crop, Interpolation, Layout, Resize, channel_values};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct BackboneArgs {
    /// The frozen network: an installed name, or an ONNX file with its manifest FILE.toml beside it.
    #[arg(long, value_name = "NAME|FILE", default_value = DEFAULT_BACKBONE)]
    pub(super) backbone: PathBuf,
    /// Which output to keep, by its name [default: the manifest's, or the only one].
    #[arg(long, value_name = "OUTPUT", help_heading = PREPROCESSING)]
    layer: Option<String>,
    #[command(flatten)]
    preprocessing: PreprocessingArgs,
}

/// What to change in a manifest's preprocessing.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct PreprocessingArgs {
    /// A whole set at once: tutorial (the middle 224 × 224 pixels without a resize, black around smaller
    /// pictures, mean and std 0.5). The options below change it.
    #[arg(long, value_name = "NAME", help_heading = PREPROCESSING)]
    preset: Option<Preset>,
    /// Shorter edge in pixels, `WIDTHxHEIGHT`, or none.
    #[arg(long, value_name = "SIZE", help_heading = PREPROCESSING)]
    resize: Option<Resize>,
    /// Centre crop in pixels, `WIDTHxHEIGHT`, or none; smaller pictures are padded with black.
    #[arg(long, value_name = "SIZE", help_heading = PREPROCESSING)]
    crop: Option<Crop>,
    /// Filter of the resize, antialiased: nearest, box, bilinear, hamming, bicubic or lanczos.
    #[arg(long, value_name = "FILTER", help_heading = PREPROCESSING)]
    interpolation: Option<Interpolation>,
    /// Subtracted after scaling: one number, or three for R,G,B.
    #[arg(long, value_name = "MEAN", value_parser = mean, allow_hyphen_values = true,
          help_heading = PREPROCESSING)]
    mean: Option<Three>,
    /// Divided by after that: one number, or three for R,G,B.
    #[arg(long, value_name = "STD", value_parser = std, help_heading = PREPROCESSING)]
    std: Option<Three>,
    /// Order of the channels: rgb or bgr.
    #[arg(long, value_name = "ORDER", help_heading = PREPROCESSING)]
    channels: Option<Channels>,
    /// Order of the axes: nchw or nhwc.
    #[arg(long, value_name = "AXES", help_heading = PREPROCESSING)]
    layout: Option<Layout>,
    /// Pixel values are divided by this first.
    #[arg(long, value_name = "NUMBER", help_heading = PREPROCESSING)]
    scale: Option<f32>,
}

const PREPROCESSING: &str = "Preprocessing [defaults: the backbone's manifest]";

/// One number a channel; a type of its own, since clap takes arrays for repeated arguments.
type Three = [f32; 3];

fn mean(text: &str) -> Result<Three, Error> {
    channel_values("--mean", text)
}

fn std(text: &str) -> Result<Three, Error> {
    channel_values("--std", text)
}

impl BackboneArgs {
    pub(super) fn overrides(&self) -> Overrides {
        let mut overrides = self.preprocessing.overrides();
        overrides.layer.clone_from(&self.layer);
        overrides
    }
}

impl PreprocessingArgs {
    pub(super) fn overrides(&self) -> Overrides {
        let mut overrides = Overrides::default();
        overrides.resize = self.resize;
        overrides.crop = self.crop;
        overrides.interpolation = self.interpolation;
        overrides.mean = self.mean;
        overrides.std = self.std;
        overrides.channels = self.channels;
        overrides.layout = self.layout;
        overrides.scale = self.scale;
        overrides.preset = self.preset;
        overrides
    }
}
