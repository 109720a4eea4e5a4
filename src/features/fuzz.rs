//! Doors for fuzzers, and no part of the interface: bytes are read as the store's readers read its files.

use std::path::Path;

use super::arrow_file::{self, Contents, Failure, Source};
use super::digest::Digest;
use super::manifest::{Dtype, StoreManifest};
use super::part::{self, Part, Rows};
use crate::backbones::{BackboneId, Decoding, Engine, FeatureSpec, Pool, Precision};
use crate::error::FileProblem;
use crate::images::{Preprocessing, View};
use crate::seal;
use crate::stamp::Stamp;

/// Makes the checksum of an Arrow or JSON file right whose content was changed; false where there is none.
pub fn reseal(file: &mut [u8]) -> bool {
    if file.first() != Some(&b'{') {
        return arrow_file::reseal(file);
    }
    seal::place_in_json(file).is_some_and(|place| {
        file[place.clone()].copy_from_slice(seal::BLANK.as_bytes());
        seal::put(file, place);
        true
    })
}

/// The features of a part of whatever store its manifest describes; nothing where it is refused.
#[must_use]
pub fn part_bytes(file: &[u8]) -> Option<Vec<f32>> {
    let manifest = manifest_in(file)?;
    let part = read_part(file, &manifest).ok()?;
    let features = part.features(&manifest);
    let spec = &manifest.spec;
    let row = spec.views.len() * spec.backbone.num_features;
    assert_eq!(features.len(), part.layout.digests.len() * row);
    assert!(features.iter().all(|x| x.is_finite()));
    Some(features)
}

/// A small part, to begin from: three images of four features each.
///
/// # Panics
/// Never: it can be written.
#[must_use]
pub fn part_example(dtype: Dtype, views: &[View]) -> Vec<u8> {
    let rows = Rows {
        digests: (0..3u8).map(|image| Digest::of(&[image])).collect(),
        features: (0..12 * views.len()).map(|i| i as f32 / 4.0).collect(),
    };
    part::bytes(rows, &manifest(dtype, views)).expect("all of it fits an Arrow file")
}

/// The manifest of the example's store.
#[must_use]
pub fn manifest(dtype: Dtype, views: &[View]) -> StoreManifest {
    let backbone = BackboneId {
        name: "none".to_owned(),
        sha256: "0".repeat(64),
        layer: "none".to_owned(),
        pool: Pool::Flatten,
        num_features: 4,
        file: None,
    };
    let spec = FeatureSpec {
        backbone,
        preprocessing: Preprocessing::default(),
        decoding: Decoding::default(),
        views: views.to_vec(),
    };
    StoreManifest::new(spec, dtype, Engine::new("none", "cpu", Precision::Fp32))
}

pub(super) fn read_part(file: &[u8], manifest: &StoreManifest) -> Result<Part, Failure> {
    let stamp = Stamp {
        size: file.len() as u64,
        modified: 0,
        changed: 0,
        inode: 0,
    };
    Part::of(file.to_vec(), Path::new("part"), stamp, manifest)
}

/// The manifest in a part, where a store may have it.
fn manifest_in(file: &[u8]) -> Option<StoreManifest> {
    let mut found = None;
    let _ = Contents::find(Source::Bytes(file), |metadata| {
        found = metadata.schema("manifest").map(str::to_owned);
        Err(FileProblem::Cut(String::new()))
    });
    let manifest: StoreManifest = serde_json::from_str(&found?).ok()?;
    manifest.spec.problem().is_none().then_some(manifest)
}
