//! Among more than 50,000 images, neighbours are searched approximately, and every command says so.

use std::path::Path;

use frostline::features::{
    Content, Digest, Dtype, Existing, Index, IndexRow, StoreManifest, StoreWriter,
};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde_json::Value;

use crate::harness::{command, manifest, run};

/// More than are compared with each other.
const MANY: usize = 50_020;
/// Of the first images, a near-duplicate is at the end.
const TWINS: usize = 20;
const WIDTH: usize = 8;

/// Writes a store of random features.
fn store(folder: &Path, class: impl Fn(usize) -> Option<&'static str>) {
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(5);
    let mut number = || (generator.next_u64() >> 40) as f32 / 16_777_216.0 - 0.5;
    let mut images: Vec<[f32; WIDTH]> = (TWINS..MANY)
        .map(|_| [(); WIDTH].map(|()| number()))
        .collect();
    for image in 0..TWINS {
        images.push(images[image].map(|x| x + 1e-4 * number()));
    }
    let mut spec = manifest().spec;
    spec.backbone.num_features = WIDTH;
    let manifest = StoreManifest::new(spec, Dtype::F32, manifest().engine);
    let mut writer = StoreWriter::open(folder, manifest, Existing::Extend).unwrap();
    let mut rows = Vec::new();
    for (image, features) in images.iter().enumerate() {
        let digest = Digest::of(&image.to_le_bytes());
        writer.push(digest, features).unwrap();
        rows.push(IndexRow {
            path: format!("{image}.png"),
            class: class(image).map(str::to_owned),
            content: Ok(Content {
                digest,
                width: 4,
                height: 3,
            }),
        });
    }
    let index: Index = rows.into_iter().collect();
    writer.finish_run(&index, &[]).unwrap();
}

/// The note on an approximate search of `what`.
fn note(what: &str) -> String {
    format!("note: {what} were searched approximately, since there are more than 50000 images")
}

#[test]
fn inspect_finds_near_duplicates_whatever_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path(), |_| None);
    let store = folder.path().display().to_string();
    let outputs = ["1", "3"].map(|threads| {
        let mut command = command(["inspect", &store, "--near", "0.99999", "--format", "json"]);
        let ran = run(command.env("RAYON_NUM_THREADS", threads)).exits(0);
        ran.says(&[&note("neighbours and near-duplicates")]).out
    });
    assert_eq!(outputs[0], outputs[1]);
    let found: Value = serde_json::from_str(&outputs[0]).unwrap();
    assert!((0.98..=1.0).contains(&found["recall"].as_f64().unwrap()));
    let groups = found["near_duplicates"].as_array().unwrap();
    let mut pairs: Vec<(usize, usize)> = groups.iter().map(pair).collect();
    pairs.sort_unstable();
    let twins = (0..TWINS).map(|image| (image, MANY - TWINS + image));
    assert!(pairs.into_iter().eq(twins));
}

/// Returns the images of a group of two.
fn pair(group: &Value) -> (usize, usize) {
    let image = |image: &Value| -> usize {
        let path = image["path"].as_str().unwrap();
        path.strip_suffix(".png").unwrap().parse().unwrap()
    };
    let images = group["images"].as_array().unwrap();
    assert_eq!(images.len(), 2);
    (image(&images[0]), image(&images[1]))
}

#[test]
fn fit_head_says_how_it_searched_near_duplicates() {
    let folder = tempfile::tempdir().unwrap();
    let features = folder.path().join("features");
    store(&features, |image| Some(["a", "b"][image % 2]));
    let [features, head] = [features, folder.path().join("head")].map(|p| p.display().to_string());
    let fit = |options: &[&str]| {
        let args = [
            "fit-head", &features, "-o", &head, "--epochs", "1", "--format", "json",
        ];
        run(&mut command(args.iter().chain(options))).exits(0)
    };
    let recall =
        |out: &str| serde_json::from_str::<Value>(out).unwrap()["near_duplicate_recall"].clone();
    let rejecting = fit(&["--reject", "0.05"]).says(&[&note("near-duplicates")]);
    assert!((0.98..=1.0).contains(&recall(&rejecting.out).as_f64().unwrap()));
    assert!(recall(&fit(&[]).out).is_null());
}
