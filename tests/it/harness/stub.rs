//! A backbone without weights, and the manifest of its features.

use frostline::backbones::{Backbone, BackboneId, Decoding, Engine, FeatureSpec, Pool, Precision};
use frostline::features::{Content, Digest, Dtype, IndexRow, StoreManifest};
use frostline::images::{Crop, Preprocessing, Resize, View};

/// A backbone without weights; its features are the means of each channel over each quarter of the input.
#[derive(Default)]
pub(crate) struct Stub {
    /// Number of images in each batch, in order.
    pub(crate) batches: Vec<usize>,
}

/// Side of the stub's input, in pixels.
pub(crate) const SIDE: usize = 8;

impl Stub {
    pub(crate) fn images(&self) -> usize {
        self.batches.iter().sum()
    }
}

impl Backbone for Stub {
    fn num_features(&self) -> usize {
        12
    }

    fn forward(&mut self, images: &[f32], n: usize) -> frostline::Result<Vec<f32>> {
        self.batches.push(n);
        let planes = images[..n * 3 * SIDE * SIDE].chunks_exact(SIDE * SIDE);
        Ok(planes.flat_map(quarters).collect())
    }
}

fn quarters(plane: &[f32]) -> [f32; 4] {
    let mut sums = [0.0; 4];
    for (i, value) in plane.iter().enumerate() {
        let (y, x) = (i / SIDE, i % SIDE);
        sums[y / (SIDE / 2) * 2 + x / (SIDE / 2)] += value;
    }
    sums.map(|sum| sum / (SIDE * SIDE / 4) as f32)
}

/// Returns the stub's preprocessing.
pub(crate) fn preprocessing() -> Preprocessing {
    let mut preprocessing = Preprocessing::default();
    preprocessing.resize = Resize::Exact(SIDE as u32, SIDE as u32);
    preprocessing.crop = Crop::None;
    preprocessing
}

/// Returns the manifest of a store of the stub's features.
pub(crate) fn manifest() -> StoreManifest {
    let backbone = BackboneId {
        name: "stub".to_owned(),
        sha256: "0".repeat(64),
        layer: "quarters".to_owned(),
        pool: Pool::Flatten,
        map: None,
        prefix_tokens: 0,
        num_features: 12,
        file: None,
        bundle: None,
    };
    let spec = FeatureSpec {
        backbone,
        preprocessing: preprocessing(),
        decoding: Decoding::default(),
        views: vec![View::Center],
    };
    StoreManifest::new(
        spec,
        Dtype::F32,
        Engine::new("stub", "cpu", Precision::Fp32),
    )
}

/// Returns the digest of the store's image with this seed.
pub(crate) fn digest(seed: u8) -> Digest {
    Digest::of(&[seed])
}

/// Returns the features of the image with this seed.
pub(crate) fn features(seed: u8) -> Vec<f32> {
    (0..12).map(|i| f32::from(seed) + i as f32 / 16.0).collect()
}

/// Returns the index row of the image with this seed.
pub(crate) fn index_row(seed: u8, class: &str) -> IndexRow {
    IndexRow {
        path: format!("{seed}.png"),
        class: Some(class.to_owned()),
        content: Ok(Content {
            digest: digest(seed),
            width: 4,
            height: 3,
        }),
    }
}
