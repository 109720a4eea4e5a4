//! The backbone manifest: everything needed to use a network, as TOML.
//!
//! # Format
//! `models/NAME.toml` (compiled into the library) or `NAME.toml` next to `NAME.onnx`: `name`, `license`,
//! `sha256` (of the network next to it), and the tables `[source]` (where the weights come from),
//! `[features]` (layer, pooling and number of features) and `[preprocessing]` (see [`Preprocessing`]).
//! Unknown keys are an error, so that a typo does not silently leave a default in place.

use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, FileKind, FileProblem, Result};
use crate::images::{Layout, Preprocessing};
use crate::inputs::{self, Links};
use crate::words::words;

/// The size limit of a manifest, which usually has a few hundred bytes.
const MOST_BYTES: u64 = 1 << 20;

/// The manifest of a backbone: its layer, its preprocessing, and where its file comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackboneManifest {
    /// The name of the backbone.
    pub name: String,
    /// SPDX expression of the weights' licence, or what their model card says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// SHA-256 of the network next to the manifest, computed as in
    /// [`BackboneFile::sha256`](super::BackboneFile::sha256). If it is set, any other network is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Where the weights come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The layer that produces the features.
    #[serde(default)]
    pub features: FeatureLayer,
    /// The preprocessing: from pixels to the network's input.
    #[serde(default)]
    pub preprocessing: Preprocessing,
}

/// The file that a backbone is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The Python package whose wheel contains the file, with its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The file's path inside that wheel or repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The URLs of the file, in the order in which they are tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// The repository on the Hugging Face hub that has the file: `OWNER/NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The commit of that repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The URL of the model card, which describes the network and its licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// The architecture to build, if the file contains only weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// SHA-256 of the file, in lower-case hex.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
}

impl Source {
    /// Returns the name of the file without its folders.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        let path = self.file.as_ref().or(self.urls.first())?;
        path.rsplit('/').next().filter(|name| !name.is_empty())
    }
}

/// The layer that produces the features.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FeatureLayer {
    /// The name of the graph's output; required only if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// How positions are pooled. By default, all values of a layer (N, C) or (N, C, H, W) are features; for
    /// tokens (N, T, D), there is no default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Pool>,
    /// The order of the layer's axes: channels first or last. By default, it is inferred from the graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<Layout>,
    /// The number of tokens before those of the patches: class and register tokens. By default, it is
    /// inferred from the graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_tokens: Option<usize>,
    /// D, the number of features; determined from the network if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_features: Option<usize>,
}

/// How a layer with positions, (N, C, H, W) or tokens (N, T, D), becomes one vector per image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Pool {
    /// All values are features: C·H·W or T·D.
    #[serde(rename = "flatten")]
    Flatten,
    /// The mean over all positions, without class and register tokens: C or D features.
    #[serde(rename = "mean")]
    Mean,
    /// The maximum over all positions, without class and register tokens: C or D features.
    #[serde(rename = "max")]
    Max,
    /// The first token, which is the class token: D features.
    #[serde(rename = "cls")]
    Cls,
    /// The first token, then the mean over the tokens of the patches: 2·D features, as in the linear
    /// evaluation of `DINOv2`.
    #[serde(rename = "cls+mean")]
    ClsMean,
}

impl Pool {
    /// Returns whether it needs a class token.
    pub(super) fn needs_tokens(self) -> bool {
        matches!(self, Self::Cls | Self::ClsMean)
    }
}

words!(
    Pool,
    Error,
    |text| Error::parameter("pool", text, "flatten, mean, max, cls or cls+mean"),
    Flatten = "flatten",
    Mean = "mean",
    Max = "max",
    Cls = "cls",
    ClsMean = "cls+mean",
);

impl FromStr for BackboneManifest {
    type Err = toml::de::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        toml::from_str(text)
    }
}

impl BackboneManifest {
    /// Creates a manifest with defaults: the network's only output, and ImageNet's preprocessing.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            license: None,
            sha256: None,
            source: None,
            features: FeatureLayer::default(),
            preprocessing: Preprocessing::default(),
        }
    }

    /// Reads a manifest from a TOML file.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::File`] with the line of the mistake or the value out of its range.
    pub fn read(path: &Path) -> Result<Self> {
        let text = inputs::read_text(path, Links::Follow, MOST_BYTES);
        let text = text.map_err(Error::io("read", path))?;
        let invalid = |wanted, found| Error::File {
            path: path.to_owned(),
            problem: FileProblem::Foreign { wanted, found },
            kind: FileKind::BackboneManifest,
        };
        let manifest: Self = text
            .parse()
            .map_err(|e| invalid("a backbone manifest", sentence(&text, &e)))?;
        match manifest.problem() {
            None => Ok(manifest),
            Some(problem) => Err(invalid("a valid backbone manifest", problem)),
        }
    }

    /// Describes the first value out of its range, if any.
    fn problem(&self) -> Option<String> {
        let preprocessing = self.preprocessing.check().err();
        let features = self.features.num_features.and_then(features_problem);
        let of_source = self.source.as_ref().map(|source| &source.sha256);
        let sums = [
            ("sha256", self.sha256.as_ref()),
            ("source.sha256", of_source),
        ];
        let wrong = sums
            .into_iter()
            .find(|(_, sum)| sum.is_some_and(|sum| !is_sha256(sum)));
        let sum = wrong.map(|(key, _)| format!("`{key}` must be 64 lower-case hexadecimal digits"));
        preprocessing
            .map(|error| error.to_string())
            .or(features)
            .or(sum)
    }

    /// Returns the manifest as TOML.
    ///
    /// # Panics
    /// Never: every value can be written as TOML.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every value of a manifest can be written as TOML")
    }
}

/// More features than any network has; a vector of them takes 64 MiB.
const MOST_FEATURES: usize = 1 << 24;

/// Describes what is wrong with a number of features, if anything.
pub(super) fn features_problem(features: usize) -> Option<String> {
    let possible = (1..=MOST_FEATURES).contains(&features);
    (!possible)
        .then(|| format!("`num_features` is {features}, but must be between 1 and {MOST_FEATURES}"))
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Formats a parse error as one sentence with its position, without the parser's multi-line excerpt of the
/// file.
fn sentence(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return message;
    };
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    format!("line {line}, column {column}: {message}")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn round_trip() {
        let mut manifest = BackboneManifest::named("probe");
        manifest.features = FeatureLayer {
            layer: Some("features".into()),
            pool: Some(Pool::ClsMean),
            map: Some(Layout::Nhwc),
            prefix_tokens: Some(5),
            num_features: Some(192),
        };
        assert_eq!(
            manifest.to_toml().parse::<BackboneManifest>().unwrap(),
            manifest
        );
    }

    #[test]
    fn a_name_is_enough() {
        let manifest: BackboneManifest = "name = \"x\"".parse().unwrap();
        assert_eq!(manifest, BackboneManifest::named("x"));
    }

    #[test]
    fn an_error_is_one_sentence_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("probe.toml");
        for (text, wanted) in [
            (
                "name = \"x\"\n[preprocessing]\nresise = 256\n",
                "line 3, column 1: unknown field `resise`",
            ),
            ("name = \"é\" x", "line 1, column 12: "),
            ("", "missing field `name`"),
            (
                "name = \"x\"\n[preprocessing]\nmean = [0.1, 0.2, 0.3, 0.4]\n",
                "line 3, column 8: expected 3 numbers, one for each channel, but found 4",
            ),
            (
                "name = \"x\"\n[features]\nnum_features = 0\n",
                "`num_features` is 0, but must be between 1 and 16777216",
            ),
            (
                "name = \"x\"\nsha256 = \"5AC6\"\n",
                "`sha256` must be 64 lower-case hexadecimal digits",
            ),
            (
                "name = \"x\"\n[source]\nsha256 = \"\"\nbytes = 1\n",
                "`source.sha256` must be 64 lower-case hexadecimal digits",
            ),
            (
                "name = \"x\"\n[preprocessing]\nscale = 1e999\n",
                "line 3, column 9: floating-point number overflowed",
            ),
        ] {
            fs::write(&path, text).unwrap();
            let error = BackboneManifest::read(&path).unwrap_err();
            let message = error.to_string();
            assert!(
                message.contains(wanted) && !message.contains('\n'),
                "{message}"
            );
        }
    }
}
