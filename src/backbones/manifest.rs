//! The backbone manifest: all that must be known of a network to use it, as TOML.
//!
//! # Format
//! `models/NAME.toml` (compiled into the library) or `NAME.toml` beside `NAME.onnx`: `name`, `license`,
//! `sha256` (of the network beside it), and the tables `[source]` (where the weights come from),
//! `[features]` (which layer, how long) and `[preprocessing]` (see [`Preprocessing`]). Unknown keys are an
//! error, so that a typing mistake does not pass for a default.

use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, FileKind, FileProblem, Result};
use crate::images::Preprocessing;
use crate::inputs::{self, Links};
use crate::words::words;

/// A manifest has some hundred bytes.
const MOST_BYTES: u64 = 1 << 20;

/// The manifest of a backbone: its layer, its preprocessing, and where its file comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackboneManifest {
    /// The name by which it is asked for.
    pub name: String,
    /// SPDX expression of the weights' licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// SHA-256 of the network beside the manifest, computed as in
    /// [`BackboneFile::sha256`](super::BackboneFile::sha256). If it is given, another network is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Where the weights come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Which of the network's numbers are the features.
    #[serde(default)]
    pub features: FeatureLayer,
    /// From pixels to the network's input.
    #[serde(default)]
    pub preprocessing: Preprocessing,
}

/// The file that a backbone is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The Python package whose wheel holds the file, with its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The file's path inside that wheel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The places where the file can be fetched, in the order in which they are tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// The architecture that turns a file of weights into a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// SHA-256 of the file, in lower-case hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

impl Source {
    /// The file's own name, without the folders before it.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        let path = self.file.as_ref().or(self.urls.first())?;
        path.rsplit('/').next().filter(|name| !name.is_empty())
    }
}

/// The layer that gives the features.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FeatureLayer {
    /// Name of the graph's output; needed only where it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// What becomes of spatial positions.
    #[serde(default)]
    pub pool: Pool,
    /// D; read off the network where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_features: Option<usize>,
}

/// How a layer with spatial positions, (N, C, H, W) or (N, tokens, C), becomes one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Pool {
    /// All C·H·W numbers are features.
    #[default]
    Flatten,
    /// The mean over all positions: C features. Which axis holds the channels is followed through the
    /// network's graph, and refused where that does not tell.
    Mean,
    /// The mean over the positions of (N, C, …).
    #[serde(rename = "mean-channels-first")]
    MeanChannelsFirst,
    /// The mean over the positions of (N, …, C), as of a transformer's tokens.
    #[serde(rename = "mean-channels-last")]
    MeanChannelsLast,
}

words!(
    Pool,
    Error,
    |text| Error::parameter(
        "pool",
        text,
        "flatten, mean, mean-channels-first or mean-channels-last"
    ),
    Flatten = "flatten",
    Mean = "mean",
    MeanChannelsFirst = "mean-channels-first",
    MeanChannelsLast = "mean-channels-last",
);

impl FromStr for BackboneManifest {
    type Err = toml::de::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        toml::from_str(text)
    }
}

impl BackboneManifest {
    /// A manifest with nothing but a name: the only output, ImageNet's preprocessing.
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

    /// Reads `NAME.toml`.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::File`] with the line at fault.
    pub fn read(path: &Path) -> Result<Self> {
        let text = inputs::read_text(path, Links::Follow, MOST_BYTES);
        let text = text.map_err(Error::io("read", path))?;
        text.parse().map_err(|e: toml::de::Error| Error::File {
            path: path.to_owned(),
            problem: FileProblem::Foreign {
                wanted: "a backbone manifest",
                found: sentence(&text, &e),
            },
            kind: FileKind::BackboneManifest,
        })
    }

    /// The manifest as TOML.
    ///
    /// # Panics
    /// Never: every value here has a TOML form.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("names, numbers and lists of numbers have a TOML form")
    }
}

/// What is wrong with a manifest, and where, without the picture of the line that the parser draws over
/// several lines.
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
            pool: Pool::Mean,
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
