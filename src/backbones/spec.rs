//! What features are features *of*: all that must agree before two vectors may be compared.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::device::Precision;
use super::manifest::Pool;
use crate::images::{
    Alpha, DecodeOptions, Exif, JpegScale, Limits, PIXEL_VERSION, Preprocessing, View,
};

/// The identity of features: the network, its layer, and everything that happens to a picture before it.
///
/// Stored with features and with heads; two of them match only if they are equal, but for the backbone's name
/// and where its file lay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSpec {
    /// The network and its layer.
    pub backbone: BackboneId,
    /// From pixels to the network's input.
    pub preprocessing: Preprocessing,
    /// From the file to pixels.
    pub decoding: Decoding,
    /// Which views of each image there are.
    pub views: Vec<View>,
}

/// The identity of a network: the SHA-256 of its content, and the layer that is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackboneId {
    /// Its name, for people.
    pub name: String,
    /// SHA-256 of the ONNX file (and of its external data), in lower-case hex.
    pub sha256: String,
    /// The output that is kept.
    pub layer: String,
    /// What became of spatial positions.
    pub pool: Pool,
    /// D.
    pub num_features: usize,
    /// Where the file lay, if it was given as a file: a hint for finding it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// The decoding options that change pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decoding {
    /// Whether pictures are turned upright.
    pub exif: Exif,
    /// What transparent pixels lie on.
    pub alpha: Alpha,
    /// The scale of large JPEGs.
    #[serde(default, skip_serializing_if = "JpegScale::is_full")]
    pub jpeg_scale: JpegScale,
    /// [`PIXEL_VERSION`] of the code; 1 where nothing is said.
    #[serde(default = "first_version")]
    pub pixel_version: u32,
}

fn first_version() -> u32 {
    1
}

impl Default for Decoding {
    fn default() -> Self {
        Self::of(&DecodeOptions::default())
    }
}

impl Decoding {
    /// These choices, within limits.
    #[must_use]
    pub fn within(self, limits: Limits) -> DecodeOptions {
        DecodeOptions {
            exif: self.exif,
            alpha: self.alpha,
            jpeg_scale: self.jpeg_scale,
            limits,
        }
    }

    /// The same choices, of pictures that this version of the code decodes.
    #[must_use]
    pub fn by_this_version(self) -> Self {
        Self {
            pixel_version: PIXEL_VERSION,
            ..self
        }
    }

    /// What differs in the version of the pixels.
    #[must_use]
    fn other_version(self, right: Self) -> Option<String> {
        let (left, right) = (self.pixel_version, right.pixel_version);
        (left != right).then(|| {
            format!(
                "pixel_version is {left} on the left and {right} on the right: since version 2, JPEGs have \
                 libjpeg-turbo's pixels, and features of version 1 are close to them (cosine 0.999), not \
                 equal"
            )
        })
    }

    /// Those among the options.
    #[must_use]
    pub fn of(options: &DecodeOptions) -> Self {
        Self {
            exif: options.exif,
            alpha: options.alpha,
            jpeg_scale: options.jpeg_scale,
            pixel_version: PIXEL_VERSION,
        }
    }
}

/// What computed some features: runtime, device and precision. It is recorded only; other engines agree to
/// float tolerance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Engine {
    /// The inference library with its version, as `ONNX Runtime 1.32.0`.
    pub runtime: String,
    /// The device that was really used: `cpu`, `cuda:0`.
    pub device: String,
    /// How exactly it computed.
    #[serde(default)]
    pub precision: Precision,
    /// How many convolutions were computed in the Winograd domain.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub winograd_layers: usize,
    /// Version of frostline.
    pub frostline: String,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands references out"
)]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Engine {
    /// An engine of this frostline.
    pub fn new(
        runtime: impl Into<String>,
        device: impl Into<String>,
        precision: Precision,
    ) -> Self {
        Self {
            runtime: runtime.into(),
            device: device.into(),
            precision,
            winograd_layers: 0,
            frostline: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// How it computed, for people: `fp32`, or `fp32 with 16 convolutions by Winograd`.
    #[must_use]
    pub fn arithmetic(&self) -> String {
        match self.winograd_layers {
            0 => self.precision.to_string(),
            1 => format!("{} with 1 convolution by Winograd", self.precision),
            n => format!("{} with {n} convolutions by Winograd", self.precision),
        }
    }

    /// What differs, as `device is A on the left and B on the right`.
    #[must_use]
    pub fn differences(&self, right: &Self) -> Vec<String> {
        let fields = |engine: &Self| {
            [
                ("runtime", engine.runtime.clone()),
                ("device", engine.device.clone()),
                ("precision", engine.arithmetic()),
                ("frostline", engine.frostline.clone()),
            ]
        };
        different(fields(self), fields(right))
    }
}

/// Those fields that are not the same on both sides.
fn different<const N: usize>(
    left: [(&'static str, String); N],
    right: [(&'static str, String); N],
) -> Vec<String> {
    let both = left.into_iter().zip(right);
    both.filter(|((_, left), (_, right))| left != right)
        .map(|((field, left), (_, right))| {
            format!("{field} is {left} on the left and {right} on the right")
        })
        .collect()
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arithmetic = self.arithmetic();
        write!(f, "{} on {} in {arithmetic}", self.runtime, self.device)
    }
}

/// More features to a row than any network has; a vector of them takes 64 MiB.
const MOST_FEATURES: usize = 1 << 24;

impl FeatureSpec {
    /// What is wrong with a specification that was read from a file, where anything is.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let (views, features) = (&self.views, self.backbone.num_features);
        if !(1..=MOST_FEATURES).contains(&features) {
            return Some(format!(
                "`num_features` is {features}, not between 1 and {MOST_FEATURES}"
            ));
        }
        if views.first() != Some(&View::Center) {
            return Some("`views` do not begin with `center`".to_owned());
        }
        let repeated = (1..views.len()).find(|&place| views[..place].contains(&views[place]));
        repeated.map(|place| format!("`views` have `{}` twice", views[place]))
    }

    /// The same with other views.
    #[must_use]
    pub fn with_views(&self, views: &[View]) -> Self {
        Self {
            views: views.to_vec(),
            ..self.clone()
        }
    }

    /// Whether all of these views are there.
    #[must_use]
    pub fn has_views(&self, views: &[View]) -> bool {
        views.iter().all(|view| self.views.contains(view))
    }

    /// What differs from features of which some views are to be used: those that are there and not wanted do
    /// not matter.
    #[must_use]
    pub fn differences_from_superset(&self, right: &Self) -> Vec<String> {
        if right.has_views(&self.views) {
            return self.differences(&right.with_views(&self.views));
        }
        self.differences(right)
    }

    /// What differs, as `field is A on the left and B on the right`; empty if the features may be mixed.
    #[must_use]
    pub fn differences(&self, right: &Self) -> Vec<String> {
        let same_network = self.backbone.sha256 == right.backbone.sha256;
        let network = (!same_network).then(|| {
            let [left, right] = [&self.backbone, &right.backbone];
            format!("the network is {left} on the left and {right} on the right")
        });
        let fields = different(self.fields(), right.fields());
        let version = self.decoding.other_version(right.decoding);
        network.into_iter().chain(fields).chain(version).collect()
    }

    /// The same with the version of the pixels of other features, with which they may be compared.
    #[must_use]
    pub fn with_pixels_of(&self, other: &Self) -> Self {
        let mut spec = self.clone();
        spec.decoding.pixel_version = other.decoding.pixel_version;
        spec
    }

    /// All but the network itself, each as people write it.
    fn fields(&self) -> [(&'static str, String); 15] {
        let (b, p, d) = (&self.backbone, &self.preprocessing, &self.decoding);
        [
            ("layer", format!("`{}`", b.layer)),
            ("pool", b.pool.to_string()),
            ("num_features", b.num_features.to_string()),
            ("resize", p.resize.to_string()),
            ("crop", p.crop.to_string()),
            ("interpolation", p.interpolation.to_string()),
            ("mean", joined(&p.mean, ",")),
            ("std", joined(&p.std, ",")),
            ("channels", p.channels.to_string()),
            ("layout", p.layout.to_string()),
            ("scale", p.scale.to_string()),
            ("exif", d.exif.to_string()),
            ("alpha", d.alpha.to_string()),
            ("jpeg_scale", d.jpeg_scale.to_string()),
            ("views", joined(&self.views, "+")),
        ]
    }
}

fn joined<T: ToString>(all: &[T], separator: &str) -> String {
    let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
    texts.join(separator)
}

impl fmt::Display for BackboneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` with SHA-256 {:.16}…", self.name, self.sha256)
    }
}
