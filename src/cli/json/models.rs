//! Backbones as JSON.

use serde::Serialize;

use crate::cli::errors;
use frostline::backbones::onnx::Outline;
use frostline::backbones::{BackboneFile, BackboneManifest, Installed, Listing, Source};
use frostline::images::path_text::to_text;

/// The result of `models list`.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Backbones<'a> {
    backbones: Vec<Listed<'a>>,
    broken: Vec<String>,
}

/// A known or installed backbone.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    name: &'a str,
    installed: bool,
    path: Option<String>,
    num_features: Option<usize>,
    license: Option<&'a str>,
    source: Option<&'a Source>,
}

/// The result of `models show`.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Network<'a> {
    file: String,
    sha256: &'a str,
    ir_version: i64,
    opset: i64,
    inputs: Vec<Value<'a>>,
    outputs: Vec<Value<'a>>,
    n_weights: usize,
    layers: Vec<Layer<'a>>,
    manifest: &'a BackboneManifest,
}

/// An input or output.
#[derive(Debug, Serialize)]
struct Value<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
}

/// A node of the graph.
#[derive(Debug, Serialize)]
struct Layer<'a> {
    operator: &'a str,
    output: &'a str,
}

impl<'a> From<&'a Listing> for Backbones<'a> {
    fn from(listing: &'a Listing) -> Self {
        Self {
            backbones: listing.backbones.iter().map(Listed::from).collect(),
            broken: listing.broken.iter().map(errors::with_causes).collect(),
        }
    }
}

impl<'a> From<&'a Installed> for Listed<'a> {
    fn from(backbone: &'a Installed) -> Self {
        let manifest = &backbone.manifest;
        Self {
            name: &manifest.name,
            installed: backbone.path.is_some(),
            path: backbone.path.as_deref().map(to_text),
            num_features: manifest.features.num_features,
            license: manifest.license.as_deref(),
            source: manifest.source.as_ref(),
        }
    }
}

impl<'a> Network<'a> {
    pub(in crate::cli) fn new(
        file: &'a BackboneFile,
        sha256: &'a str,
        outline: &'a Outline,
    ) -> Self {
        let values = |values: &'a [(String, String)]| {
            let value = |(name, kind): &'a (String, String)| Value { name, kind };
            values.iter().map(value).collect()
        };
        let layer = |(operator, output): &'a (String, String)| Layer { operator, output };
        Self {
            file: to_text(&file.path),
            sha256,
            ir_version: outline.ir_version,
            opset: outline.opset,
            inputs: values(&outline.inputs),
            outputs: values(&outline.outputs),
            n_weights: outline.initializers,
            layers: outline.nodes.iter().map(layer).collect(),
            manifest: &file.manifest,
        }
    }
}
