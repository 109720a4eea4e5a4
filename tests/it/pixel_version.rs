//! Decoded and preprocessed pixels do not change under the same [`PIXEL_VERSION`].

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use frostline::features::{Digest, Existing, FeatureStore, StoreManifest, StoreWriter};
use frostline::images::{
    Crop, DecodeOptions, Interpolation, PIXEL_VERSION, Preprocessing, Preprocessor, Resize, decode,
};
use serde::{Deserialize, Serialize};

use crate::harness::{Place, golden_as};

/// A file that `scripts/pixel_pictures.py` wrote. Except for transparency and 16 bits, which have their own
/// rules, `decoded` is what Pillow reads.
#[derive(Serialize, Deserialize)]
struct Golden {
    pixel_version: u32,
    pictures: BTreeMap<String, Pixels>,
}

/// BLAKE3 hashes of 8-bit RGB pixels.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Pixels {
    decoded: String,
    /// The shorter edge resized to 24, then the central 20 × 20 cropped.
    bilinear: String,
    bicubic: String,
}

fn pixels(path: &Path) -> Pixels {
    let bytes = fs::read(path).unwrap();
    let image = decode(&bytes, &DecodeOptions::default()).unwrap();
    let fitted = |interpolation| {
        let mut preprocessing = Preprocessing::default();
        preprocessing.resize = Resize::Shorter(24);
        preprocessing.crop = Crop::Center(20, 20);
        preprocessing.interpolation = interpolation;
        let pixels = Preprocessor::new(&preprocessing).unwrap().fit(&image);
        assert_eq!(pixels.len(), 20 * 20 * 3);
        Digest::of(&pixels).to_string()
    };
    Pixels {
        decoded: Digest::of(image.pixels()).to_string(),
        bilinear: fitted(Interpolation::Bilinear),
        bicubic: fitted(Interpolation::Bicubic),
    }
}

#[test]
fn pixels_change_with_their_version_alone() {
    let wanted: Golden = golden_as("pixels");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pixels");
    let pictures = fs::read_dir(&folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, pixels(&path))
    });
    let found = Golden {
        pixel_version: PIXEL_VERSION,
        pictures: pictures.collect(),
    };
    let names = |golden: &Golden| golden.pictures.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&wanted));
    let changed = |(name, pixels): &(&String, &Pixels)| wanted.pictures[*name] != **pixels;
    let changed: Vec<_> = found.pictures.iter().filter(changed).collect();
    assert!(
        changed.is_empty() && wanted.pixel_version == PIXEL_VERSION,
        "the pixels of {} pictures have changed: {:?}. If that is meant, raise `images::PIXEL_VERSION`, so \
         that features of other pixels are not mixed with these, and make tests/golden/pixels.json:\n{}",
        changed.len(),
        changed.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        serde_json::to_string_pretty(&found).unwrap()
    );
}

/// Rewrites the place's features as if pixel version 1 had computed them.
fn store_of_version_1(place: &Place) -> StoreManifest {
    let store = FeatureStore::open(Path::new(&place.path("store"))).unwrap();
    let mut manifest = store.manifest().clone();
    manifest.spec.decoding.pixel_version = 1;
    let old = Path::new(&place.path("old")).to_owned();
    let mut writer = StoreWriter::open(&old, manifest.clone(), Existing::Extend).unwrap();
    for (_, digest) in store.index().used() {
        let features = store.features(&[digest]).unwrap();
        writer.push(digest, features.as_slice().unwrap()).unwrap();
    }
    writer.finish_run(store.index(), &[]).unwrap();
    manifest
}

#[test]
fn other_pixels_are_told_apart_and_heads_go_on() {
    let Some(place) = Place::fitted() else { return };
    store_of_version_1(&place);
    let why = "pixel_version is 1 in the store and 2 in this run: since version 2, JPEGs have";
    place
        .frostline("extract {dir}/images -o {dir}/old")
        .exits(1)
        .says(&[why, "use another folder for the features"]);
    let why_not_mixed = "pixel_version is 1 in the training features and 2 in the validation \
                         features: since version 2, JPEGs have";
    place
        .frostline("fit-head {dir}/old --validation {dir}/store -o {dir}/mixed")
        .exits(1)
        .says(&[why_not_mixed, "extract both with the same"]);
    place
        .frostline("fit-head {dir}/old -o {dir}/old-head")
        .exits(0);
    let note =
        "the head was trained on features of pixel version 1 but is used on features of version 2";
    for line in [
        "classify {dir}/images --head {dir}/old-head",
        "evaluate --head {dir}/old-head {dir}/store --include-training",
        "evaluate --head {dir}/old-head {dir}/images --include-training",
    ] {
        place
            .frostline(line)
            .exits(0)
            .says(&[note, "fit the head again"]);
    }
    // New features in a store are computed with the current pixel version.
    place
        .frostline("classify {dir}/images --head {dir}/old-head --store {dir}/old")
        .exits(1)
        .says(&[why]);
    let same = place
        .frostline("classify {dir}/images --head {dir}/head")
        .exits(0);
    assert!(!same.err.contains("pixel version"), "{}", same.err);
}
