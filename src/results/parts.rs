//! Parts that the results of several commands share.

use serde::Serialize;

use super::Wording;
use crate::backbones::{self, BackboneId, Pool, Precision};
use crate::images::Layout;

/// The number of used images of a class.
#[derive(Debug, Serialize)]
pub(super) struct ClassCount<'a> {
    name: &'a str,
    n_images: usize,
}

/// An image that could not be used.
#[derive(Debug, Serialize)]
pub(super) struct SkippedImage<'a> {
    path: &'a str,
    reason: String,
}

/// The network and layer that computed features.
#[derive(Debug, Serialize)]
pub(super) struct Backbone<'a> {
    name: &'a str,
    sha256: &'a str,
    layer: &'a str,
    pool: Pool,
    map: Option<Layout>,
    prefix_tokens: usize,
    num_features: usize,
    file: Option<&'a str>,
}

/// What ran the network.
#[derive(Debug, Serialize)]
pub(super) struct Engine<'a> {
    runtime: &'a str,
    device: &'a str,
    precision: Precision,
    winograd_layers: usize,
    frostline: &'a str,
}

impl<'a> ClassCount<'a> {
    pub(super) fn new((name, n_images): (&'a str, usize)) -> Self {
        Self { name, n_images }
    }
}

impl<'a> SkippedImage<'a> {
    pub(super) fn new(path: &'a str, reason: &str, worded: Wording) -> Self {
        Self {
            path,
            reason: worded(reason),
        }
    }
}

impl<'a> From<&'a BackboneId> for Backbone<'a> {
    fn from(id: &'a BackboneId) -> Self {
        Self {
            name: &id.name,
            sha256: &id.sha256,
            layer: &id.layer,
            pool: id.pool,
            map: id.map,
            prefix_tokens: id.prefix_tokens,
            num_features: id.num_features,
            file: id.file.as_deref(),
        }
    }
}

impl<'a> From<&'a backbones::Engine> for Engine<'a> {
    fn from(engine: &'a backbones::Engine) -> Self {
        Self {
            runtime: &engine.runtime,
            device: &engine.device,
            precision: engine.precision,
            winograd_layers: engine.winograd_layers,
            frostline: &engine.frostline,
        }
    }
}
