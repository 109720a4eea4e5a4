//! What a user says differently from a backbone's manifest.

use std::str::FromStr;

use super::manifest::BackboneManifest;
use crate::images::{Channels, Crop, Interpolation, Layout, Preprocessing, Resize};

/// Replacements for fields of a manifest; `None` keeps the field.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Overrides {
    /// The output that is kept.
    pub layer: Option<String>,
    /// Shorter edge, size, or none.
    pub resize: Option<Resize>,
    /// Centre crop.
    pub crop: Option<Crop>,
    /// The filter.
    pub interpolation: Option<Interpolation>,
    /// Subtracted, per channel.
    pub mean: Option<[f32; 3]>,
    /// Divided by, per channel.
    pub std: Option<[f32; 3]>,
    /// Order of the channels.
    pub channels: Option<Channels>,
    /// Order of the axes.
    pub layout: Option<Layout>,
    /// What pixel values are divided by first.
    pub scale: Option<f32>,
    /// A whole set of preprocessing, which the fields above change.
    pub preset: Option<Preset>,
}

/// A named preprocessing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preset {
    /// The middle 224 × 224 pixels without a resize, black around smaller pictures, mean and std 0.5: what
    /// the classic transfer-learning tutorial does (`CenterCrop(224)`, `ToTensor`, `Normalize(0.5, 0.5)`).
    Tutorial,
}

impl Preset {
    /// Its settings.
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
            _ => Err("the only preset is tutorial".to_owned()),
        }
    }
}

impl Overrides {
    /// Replaces what is given.
    pub fn apply(&self, manifest: &mut BackboneManifest) {
        if let Some(layer) = &self.layer {
            manifest.features.layer = Some(layer.clone());
            // The manifest's D belongs to its own layer.
            manifest.features.num_features = None;
        }
        let p = &mut manifest.preprocessing;
        if let Some(preset) = self.preset {
            // The order of axes is the network's, whatever the pictures go through.
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
