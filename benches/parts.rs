//! Measures each step from a file to a head by itself: `cargo bench --bench parts [-- PART]`.
//!
//! Images, features and stores are generated. `forward` needs the default backbone from `frostline setup`
//! and is skipped if it is missing.

use std::env;
use std::path::{Path, PathBuf};

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use frostline::ClassIndex;
use frostline::backbones::{
    Backbone, BackboneId, BackboneManifest, DEFAULT_BACKBONE, Decoding, Engine, FeatureSpec,
    Frozen, Home, Pool, Precision, Registry, RunOptions,
};
use frostline::features::{Digest, Dtype, Existing, FeatureStore, StoreManifest, StoreWriter};
use frostline::head::{FitParams, LabelledFeatures, LinearHead, Sgd};
use frostline::images::{
    DecodeOptions, Preprocessing, Preprocessor, RgbImage, View, decode, thumbnail,
};
use linfa::ParamGuard;
use ndarray::Array2;

/// Sizes of a web image and of a phone photo.
const SIZES: [(u32, u32); 2] = [(640, 480), (4000, 3000)];

fn main() {
    divan::main();
}

/// Generates slow waves with fine grain; its JPEG has about 2 bits per pixel, like a photo's.
fn picture((width, height): (u32, u32)) -> RgbImage {
    let mut grain = 1u32;
    let mut pixels = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        for x in 0..width {
            grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let wave = (x as f32 / 97.0).sin() + (y as f32 / 61.0).cos();
            let light = 128.0 + 50.0 * wave + (grain >> 28) as f32;
            pixels.extend([light, 0.8 * light, 255.0 - light].map(|v| v as u8));
        }
    }
    RgbImage::new(width, height, pixels).expect("three samples per pixel")
}

fn manifest() -> BackboneManifest {
    Registry::known_by_name(DEFAULT_BACKBONE).expect("it is compiled in")
}

fn preprocessing() -> Preprocessing {
    manifest().preprocessing
}

#[divan::bench(args = SIZES)]
fn decode_jpeg(bencher: Bencher, size: (u32, u32)) {
    let file = thumbnail(&picture(size), u32::MAX, 90);
    bencher
        .counter(BytesCount::new(file.len()))
        .bench(|| decode(&file, &DecodeOptions::default()).expect("it is whole"));
}

#[divan::bench(args = SIZES)]
fn decode_png(bencher: Bencher, size: (u32, u32)) {
    let file = picture(size).to_png();
    bencher
        .counter(BytesCount::new(file.len()))
        .bench(|| decode(&file, &DecodeOptions::default()).expect("it is whole"));
}

/// Resizes and crops to 224 pixels.
#[divan::bench(args = SIZES)]
fn resize(bencher: Bencher, size: (u32, u32)) {
    let image = picture(size);
    let mut preprocessor = Preprocessor::new(&preprocessing()).expect("it is compiled in");
    bencher
        .counter(BytesCount::new(image.pixels().len()))
        .bench_local(|| preprocessor.fit(&image));
}

/// Converts 8-bit pixels to the network's input.
#[divan::bench]
fn normalise(bencher: Bencher) {
    let mut preprocessor = Preprocessor::new(&preprocessing()).expect("it is compiled in");
    let pixels = preprocessor.fit(&picture(SIZES[0]));
    let mut input = vec![0.0; preprocessing().num_values()];
    bencher
        .counter(BytesCount::new(pixels.len()))
        .bench_local(|| preprocessor.normalise(&pixels, &mut input));
}

fn home() -> Home {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join(".frostline");
    Home::at(env::var_os("FROSTLINE_HOME").map_or_else(own, PathBuf::from))
}

fn load() -> frostline::Result<Frozen> {
    let options = RunOptions::new(home());
    Frozen::by_name(
        DEFAULT_BACKBONE.as_ref(),
        |_| {},
        Decoding::default(),
        &options,
    )
}

/// Runs the default backbone on a batch.
#[divan::bench(args = [1, 8], ignore = load().is_err())]
fn forward(bencher: Bencher, batch: usize) {
    let mut frozen = load().expect("it was loaded before");
    let values = batch * preprocessing().num_values();
    let images: Vec<f32> = (0..values)
        .map(|i| (i % 255) as f32 / 127.5 - 1.0)
        .collect();
    bencher
        .counter(ItemsCount::new(batch))
        .bench_local(|| frozen.backbone.forward(&images, batch));
}

/// Shapes (N, D) of stores.
const STORES: [(usize, usize); 2] = [(2000, 1280), (2000, 4096)];

fn digests(n: usize) -> Vec<Digest> {
    (0..n).map(|i| Digest::of(&i.to_le_bytes())).collect()
}

fn write(path: &Path, digests: &[Digest], features: &[f32]) {
    let num_features = features.len();
    let spec = FeatureSpec {
        backbone: BackboneId {
            name: "none".to_owned(),
            sha256: "0".repeat(64),
            layer: "features".to_owned(),
            pool: Pool::Flatten,
            map: None,
            prefix_tokens: 0,
            num_features,
            file: None,
            bundle: None,
        },
        preprocessing: preprocessing(),
        decoding: Decoding::default(),
        views: vec![View::Center],
    };
    let manifest = StoreManifest::new(
        spec,
        Dtype::F32,
        Engine::new("none", "cpu", Precision::default()),
    );
    let mut writer = StoreWriter::open(path, manifest, Existing::Extend).expect("a new folder");
    for digest in digests {
        writer.push(*digest, features).expect("there is room");
    }
    writer.finish().expect("there is room");
}

/// Writes a store to disk, including the sync.
#[divan::bench(args = STORES, sample_count = 10)]
fn store_write(bencher: Bencher, (n, d): (usize, usize)) {
    let (digests, features) = (digests(n), vec![0.5; d]);
    bencher
        .counter(BytesCount::of_many::<f32>(n * d))
        .with_inputs(|| tempfile::tempdir().expect("there is room"))
        .bench_local_values(|folder| {
            write(&folder.path().join("store"), &digests, &features);
            folder
        });
}

/// Reads a store from the file cache.
#[divan::bench(args = STORES, sample_count = 10)]
fn store_read(bencher: Bencher, (n, d): (usize, usize)) {
    let folder = tempfile::tempdir().expect("there is room");
    let (path, digests) = (folder.path().join("store"), digests(n));
    write(&path, &digests, &vec![0.5; d]);
    bencher
        .counter(BytesCount::of_many::<f32>(n * d))
        .bench_local(|| FeatureStore::open(&path).and_then(|store| store.features(&digests)));
}

/// Runs an epoch in batches of 32 for shapes (N, D, C): the tutorial's job, one limited by memory bandwidth,
/// and one limited by arithmetic.
#[divan::bench(args = [(694, 4096, 2), (20_000, 4096, 10), (20_000, 1280, 100)], sample_count = 5)]
fn sgd_epoch(bencher: Bencher, (n, d, c): (usize, usize, usize)) {
    let features = Array2::from_shape_fn((n, d), |(i, j)| ((i * 31 + j * 17) % 101) as f32 / 101.0);
    let targets: Vec<usize> = (0..n).map(|i| i % c).collect();
    let rows: Vec<usize> = (0..n).map(|i| i * 7919 % n).collect();
    let classes = ClassIndex::from_names((0..c).map(|class| format!("{class:05}")));
    let set = LabelledFeatures::new(features.view(), &targets, &classes).expect("usable");
    let params = FitParams::new().check().expect("the defaults");
    let mut sgd = Sgd::new(&params, &LinearHead::zeros(c, d));
    bencher
        .counter(BytesCount::of_many::<f32>(n * d))
        .bench_local(|| sgd.steps(&set, &rows, 32));
}
