//! User settings that override a backbone's manifest.

use std::str::FromStr;

use super::manifest::{BackboneManifest, Pool};
use crate::images::{Channels, Crop, Interpolation, Layout, Preprocessing, Resize};

/// Replacements for fields of a manifest; `None` keeps the field.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Overrides {
    /// The output used as features.
    pub layer: Option<String>,
    /// How positions are pooled.
    pub pool: Option<Pool>,
    /// The order of the axes of the layer.
    pub map: Option<Layout>,
    /// The number of class and register tokens.
    pub prefix_tokens: Option<usize>,
    /// The resize: shorter edge, size, or none.
    pub resize: Option<Resize>,
    /// The centre crop.
    pub crop: Option<Crop>,
    /// The filter of the resize.
    pub interpolation: Option<Interpolation>,
    /// The mean subtracted from each channel.
    pub mean: Option<[f32; 3]>,
    /// The standard deviation that each channel is divided by.
    pub std: Option<[f32; 3]>,
    /// The order of the channels.
    pub channels: Option<Channels>,
    /// The order of the axes.
    pub layout: Option<Layout>,
    /// The number that pixel values are divided by first.
    pub scale: Option<f32>,
    /// A complete preprocessing, which the fields above modify.
    pub preset: Option<Preset>,
}

/// A named preprocessing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preset {
    /// The central 224 × 224 pixels without a resize, with black around smaller images, mean and std 0.5, as
    /// in the classic transfer-learning tutorial (`CenterCrop(224)`, `ToTensor`, `Normalize(0.5, 0.5)`).
    Tutorial,
}

impl Preset {
    /// Returns the settings of the preset.
    #[must_use]
    pub fn preprocessing(self) -> Preprocessing {
        match self {
            Self::Tutorial => Preprocessing {
                resize: Resize::None,
                crop: Crop::Center(224, 224),
                mean: [0.5; 3],
                std: [0.5; 3],
                ..Preprocessing::default()
            },
        }
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "tutorial" => Ok(Self::Tutorial),
            _ => Err("must be tutorial, the only preset".to_owned()),
        }
    }
}

impl Overrides {
    /// Returns whether the overrides set the whole preprocessing, apart from the order of axes and channels.
    pub(crate) fn set_preprocessing(&self) -> bool {
        let sizes = self.resize.is_some() && self.crop.is_some() && self.interpolation.is_some();
        let values = self.mean.is_some() && self.std.is_some() && self.scale.is_some();
        self.preset.is_some() || (sizes && values)
    }

    /// Applies the overrides to a manifest.
    pub fn apply(&self, manifest: &mut BackboneManifest) {
        if let Some(layer) = &self.layer {
            manifest.features.layer = Some(layer.clone());
            // The manifest's D applies only to its own layer.
            manifest.features.num_features = None;
        }
        let features = &mut manifest.features;
        if self.pool.is_some() || self.map.is_some() || self.prefix_tokens.is_some() {
            features.num_features = None;
        }
        features.pool = self.pool.or(features.pool);
        features.map = self.map.or(features.map);
        features.prefix_tokens = self.prefix_tokens.or(features.prefix_tokens);
        let p = &mut manifest.preprocessing;
        if let Some(preset) = self.preset {
            // The network determines the order of the axes; a preset does not change it.
            let layout = p.layout;
            *p = preset.preprocessing();
            p.layout = layout;
        }
        p.resize = self.resize.unwrap_or(p.resize);
        p.crop = self.crop.unwrap_or(p.crop);
        p.interpolation = self.interpolation.unwrap_or(p.interpolation);
        p.mean = self.mean.unwrap_or(p.mean);
        p.std = self.std.unwrap_or(p.std);
        p.channels = self.channels.unwrap_or(p.channels);
        p.layout = self.layout.unwrap_or(p.layout);
        p.scale = self.scale.unwrap_or(p.scale);
    }
}
