//! The identity of features: everything that must agree before two feature vectors can be compared.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::device::Precision;
use super::manifest::{Pool, features_problem};
use crate::images::{
    Alpha, DecodeOptions, Exif, JpegScale, Layout, Limits, PIXEL_VERSION, Preprocessing, View,
};

/// The identity of features: the network, its layer, and everything done to an image before it.
///
/// It is stored with features and with heads. Two specs match only if they are equal, except for the
/// backbone's name and the path of its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSpec {
    /// The network and its layer.
    pub backbone: BackboneId,
    /// The preprocessing: from pixels to the network's input.
    pub preprocessing: Preprocessing,
    /// The decoding: from the file to pixels.
    pub decoding: Decoding,
    /// The views of each image.
    pub views: Vec<View>,
}

/// The identity of a network: the SHA-256 of its content, and the layer used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackboneId {
    /// Its name, for display.
    pub name: String,
    /// SHA-256 of the ONNX file (and of its external data), in lower-case hex.
    pub sha256: String,
    /// The output used as features.
    pub layer: String,
    /// How positions are pooled.
    pub pool: Pool,
    /// The order of the layer's axes, if the graph does not determine it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<Layout>,
    /// The number of tokens that pooling leaves out: class and register tokens.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub prefix_tokens: usize,
    /// D, the number of features.
    pub num_features: usize,
    /// The path of the network, if it was passed as a file: a hint for finding it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The bundle that the specification was read from, which contains the network.
    #[serde(skip)]
    pub bundle: Option<PathBuf>,
}

/// The decoding options that change pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decoding {
    /// Whether images are rotated according to their EXIF orientation.
    pub exif: Exif,
    /// The background of transparent pixels.
    pub alpha: Alpha,
    /// The scale at which large JPEGs are decoded.
    #[serde(default, skip_serializing_if = "JpegScale::is_full")]
    pub jpeg_scale: JpegScale,
    /// The [`PIXEL_VERSION`] of the code that decoded the images; 1 if it was not stored.
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
    /// Returns decoding options with these choices and the given limits.
    #[must_use]
    pub fn within(self, limits: Limits) -> DecodeOptions {
        DecodeOptions {
            exif: self.exif,
            alpha: self.alpha,
            jpeg_scale: self.jpeg_scale,
            limits,
        }
    }

    /// Returns the same choices, for images decoded by this version of the code.
    #[must_use]
    pub fn by_this_version(self) -> Self {
        Self {
            pixel_version: PIXEL_VERSION,
            ..self
        }
    }

    /// Describes the difference between the pixel versions, if they differ.
    #[must_use]
    fn other_version(self, other: Self, names: [&str; 2]) -> Option<String> {
        let versions = [self.pixel_version, other.pixel_version];
        (versions[0] != versions[1]).then(|| {
            format!(
                "{}: since version 2, JPEGs have libjpeg-turbo's pixels; features of version 1 are close to \
                 them (cosine 0.999) but not equal",
                difference("pixel_version", versions, names)
            )
        })
    }

    /// Returns the options that change pixels.
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

/// What computed features: runtime, device and precision. It is recorded for information only; other engines
/// agree within float tolerance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Engine {
    /// The inference library with its version, such as `ONNX Runtime 1.32.0`.
    pub runtime: String,
    /// The device actually used, such as `cpu` or `cuda:0`.
    pub device: String,
    /// The floating-point precision it computed in.
    #[serde(default)]
    pub precision: Precision,
    /// The number of convolutions computed in the Winograd domain.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub winograd_layers: usize,
    /// The version of frostline.
    pub frostline: String,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Engine {
    /// Creates an engine with this version of frostline.
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

    /// Returns the arithmetic, for display: `fp32`, or `fp32 with 16 Winograd convolutions`.
    #[must_use]
    pub fn arithmetic(&self) -> String {
        match self.winograd_layers {
            0 => self.precision.to_string(),
            1 => format!("{} with 1 Winograd convolution", self.precision),
            n => format!("{} with {n} Winograd convolutions", self.precision),
        }
    }

    /// Returns what differs, as `device is A in NAME and B in NAME`, with `names` for the two.
    #[must_use]
    pub fn differences(&self, other: &Self, names: [&str; 2]) -> Vec<String> {
        let fields = |engine: &Self| {
            [
                ("runtime", engine.runtime.clone()),
                ("device", engine.device.clone()),
                ("precision", engine.arithmetic()),
                ("frostline", engine.frostline.clone()),
            ]
        };
        different(fields(self), fields(other), names)
    }
}

/// Returns a sentence for each field that differs.
fn different<const N: usize>(
    ours: [(&'static str, String); N],
    theirs: [(&'static str, String); N],
    names: [&str; 2],
) -> Vec<String> {
    let both = ours.into_iter().zip(theirs);
    both.filter(|((_, ours), (_, theirs))| ours != theirs)
        .map(|((field, ours), (_, theirs))| difference(field, [ours, theirs], names))
        .collect()
}

/// Returns `field is A in NAME and B in NAME`.
fn difference(field: &str, values: [impl fmt::Display; 2], names: [&str; 2]) -> String {
    let ([ours, theirs], [name, other]) = (values, names);
    format!("{field} is {ours} in {name} and {theirs} in {other}")
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arithmetic = self.arithmetic();
        write!(f, "{} on {} in {arithmetic}", self.runtime, self.device)
    }
}

impl FeatureSpec {
    /// Describes what is wrong with a spec read from a file, if anything.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let (views, features) = (&self.views, self.backbone.num_features);
        if let Some(problem) = features_problem(features) {
            return Some(problem);
        }
        if views.first() != Some(&View::Center) {
            return Some("`views` does not begin with `center`".to_owned());
        }
        if let Err(problem) = self.preprocessing.check() {
            return Some(problem.to_string());
        }
        let repeated = (1..views.len()).find(|&place| views[..place].contains(&views[place]));
        repeated.map(|place| format!("`views` contains `{}` twice", views[place]))
    }

    /// Returns the same spec with other views.
    #[must_use]
    pub fn with_views(&self, views: &[View]) -> Self {
        Self {
            views: views.to_vec(),
            ..self.clone()
        }
    }

    /// Returns whether the spec has all of these views.
    #[must_use]
    pub fn has_views(&self, views: &[View]) -> bool {
        views.iter().all(|view| self.views.contains(view))
    }

    /// Lists the differences from `other`, ignoring views that only `other` has.
    #[must_use]
    pub fn differences_from_superset(&self, other: &Self, names: [&str; 2]) -> Vec<String> {
        if other.has_views(&self.views) {
            return self.differences(&other.with_views(&self.views), names);
        }
        self.differences(other, names)
    }

    /// Returns what differs, as `field is A in NAME and B in NAME`, with `names` for the two; empty if the
    /// features may be mixed.
    #[must_use]
    pub fn differences(&self, other: &Self, names: [&str; 2]) -> Vec<String> {
        let networks = [&self.backbone, &other.backbone];
        let network = (networks[0].sha256 != networks[1].sha256)
            .then(|| difference("the network", networks, names));
        let fields = different(self.fields(), other.fields(), names);
        let version = self.decoding.other_version(other.decoding, names);
        network.into_iter().chain(fields).chain(version).collect()
    }

    /// Returns the same spec with the pixel version of `other`, so that the two can be compared.
    #[must_use]
    pub fn with_pixels_of(&self, other: &Self) -> Self {
        let mut spec = self.clone();
        spec.decoding.pixel_version = other.decoding.pixel_version;
        spec
    }

    /// Returns all fields but the network itself, as text.
    fn fields(&self) -> [(&'static str, String); 18] {
        let (b, p, d) = (&self.backbone, &self.preprocessing, &self.decoding);
        [
            ("layer", format!("`{}`", b.layer)),
            ("pool", b.pool.to_string()),
            (
                "map",
                b.map
                    .map_or("that of the graph".to_owned(), |map| map.to_string()),
            ),
            ("prefix_tokens", b.prefix_tokens.to_string()),
            ("num_features", b.num_features.to_string()),
            ("resize", p.resize.to_string()),
            ("crop", p.crop.to_string()),
            ("crop_rounding", p.crop_rounding.to_string()),
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
