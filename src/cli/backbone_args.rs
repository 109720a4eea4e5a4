//! Arguments that choose a backbone and override its manifest.

use std::path::PathBuf;

use super::choices::choices;
use super::headings::PREPROCESSING;
use super::number::float;
use frostline::backbones::{DEFAULT_BACKBONE, Overrides, Pool, Preset};
use frostline::images::{Channels, Crop, Interpolation, Layout, Resize, channel_values};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct BackboneArgs {
    /// Frozen network: an installed name, or an ONNX file `NAME.onnx` with its manifest `NAME.toml` next to
    /// it.
    #[arg(long, value_name = "NAME|FILE", default_value = DEFAULT_BACKBONE)]
    pub(super) backbone: PathBuf,
    /// Name of the network's output to store [default: the manifest's, or the only one].
    #[arg(long, value_name = "OUTPUT", help_heading = PREPROCESSING)]
    layer: Option<String>,
    #[command(flatten)]
    pooling: PoolingArgs,
    #[command(flatten)]
    preprocessing: PreprocessingArgs,
}

/// How a layer with positions becomes features.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct PoolingArgs {
    /// Pooling over the positions of the layer: flatten keeps all values, mean and max leave one for each
    /// channel, cls takes the class token of a transformer, cls+mean both [default: the manifest's, else
    /// flatten; for tokens, a choice is required].
    #[arg(long, value_name = "POOL", help_heading = PREPROCESSING,
          value_parser = choices::<Pool>(&["flatten", "mean", "max", "cls", "cls+mean"]),
          hide_possible_values = true)]
    pool: Option<Pool>,
    /// Axis order of the layer, if the network does not show it: nchw (channels first) or nhwc (channels
    /// last).
    #[arg(long, value_name = "AXES", help_heading = PREPROCESSING,
          value_parser = choices::<Layout>(&["nchw", "nhwc"]), hide_possible_values = true)]
    map: Option<Layout>,
    /// Number of class and register tokens that mean and max leave out, if the network does not show it.
    #[arg(long, value_name = "N", help_heading = PREPROCESSING)]
    prefix_tokens: Option<usize>,
}

impl PoolingArgs {
    pub(super) fn add_to(&self, overrides: &mut Overrides) {
        overrides.pool = self.pool;
        overrides.map = self.map;
        overrides.prefix_tokens = self.prefix_tokens;
    }
}

/// Overrides of a manifest's preprocessing.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct PreprocessingArgs {
    /// Preset of all preprocessing options: tutorial (no resize, 224 × 224 centre crop padded with black,
    /// mean and std 0.5). The options below override it.
    #[arg(long, value_name = "NAME", help_heading = PREPROCESSING,
          value_parser = choices::<Preset>(&["tutorial"]), hide_possible_values = true)]
    preset: Option<Preset>,
    /// Resize the shorter edge to SIZE pixels, the image to `WIDTHxHEIGHT`, or not at all (none).
    #[arg(long, value_name = "SIZE", help_heading = PREPROCESSING)]
    resize: Option<Resize>,
    /// Centre crop in pixels, `WIDTHxHEIGHT`, or none; smaller images are padded with black.
    #[arg(long, value_name = "SIZE", help_heading = PREPROCESSING)]
    crop: Option<Crop>,
    /// Resize filter, antialiased: nearest, box, bilinear, hamming, bicubic or lanczos.
    #[arg(long, value_name = "FILTER", help_heading = PREPROCESSING,
          value_parser = choices::<Interpolation>(FILTERS), hide_possible_values = true)]
    interpolation: Option<Interpolation>,
    /// Mean to subtract after scaling: one number, or three for R,G,B.
    #[arg(long, value_name = "MEAN", value_parser = mean, allow_hyphen_values = true,
          help_heading = PREPROCESSING)]
    mean: Option<Three>,
    /// Standard deviation to divide by after that: one number, or three for R,G,B.
    #[arg(long, value_name = "STD", value_parser = std, help_heading = PREPROCESSING)]
    std: Option<Three>,
    /// Channel order: rgb or bgr.
    #[arg(long, value_name = "ORDER", help_heading = PREPROCESSING,
          value_parser = choices::<Channels>(&["rgb", "bgr"]), hide_possible_values = true)]
    channels: Option<Channels>,
    /// Axis order: nchw or nhwc.
    #[arg(long, value_name = "AXES", help_heading = PREPROCESSING,
          value_parser = choices::<Layout>(&["nchw", "nhwc"]), hide_possible_values = true)]
    layout: Option<Layout>,
    /// Number to divide pixel values (0 to 255) by, before mean and std.
    #[arg(long, value_name = "NUMBER", help_heading = PREPROCESSING, value_parser = float::<f32>)]
    scale: Option<f32>,
}

const FILTERS: &[&str] = &[
    "nearest", "box", "bilinear", "hamming", "bicubic", "lanczos",
];

/// One number per channel; an alias, because clap would read a plain array as a repeated argument.
type Three = [f32; 3];

fn mean(text: &str) -> Result<Three, String> {
    let mean = three("--mean", text)?;
    let usable = mean.iter().all(|value| value.is_finite());
    usable
        .then_some(mean)
        .ok_or_else(|| "must be finite".to_owned())
}

fn std(text: &str) -> Result<Three, String> {
    let std = three("--std", text)?;
    let usable = std.iter().all(|&value| value.is_finite() && value > 0.0);
    usable
        .then_some(std)
        .ok_or_else(|| "must be finite and above 0".to_owned())
}

fn three(name: &'static str, text: &str) -> Result<Three, String> {
    let values = channel_values(name, text).map_err(|error| error.to_string())?;
    let mut typed = text.split(',').map(str::trim);
    typed.try_for_each(|value| float::<f32>(value).map(drop))?;
    Ok(values)
}

impl BackboneArgs {
    pub(super) fn overrides(&self) -> Overrides {
        let mut overrides = self.preprocessing.overrides();
        overrides.layer.clone_from(&self.layer);
        self.pooling.add_to(&mut overrides);
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
