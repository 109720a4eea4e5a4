//! Features and heads made with one setting are never mixed with another; each setting is tested alone.

use std::fs;
use std::path::Path;

use crate::harness::{Place, RED, tree, two_outputs, write_picture};

/// Creates a store of 8 × 8 pixels and `other.onnx`, the same network with another weight.
fn with_store() -> Option<Place> {
    let place = Place::fitted()?;
    place.frostline(&format!("{EXTRACT} {SIZE}")).exits(0);
    let other = place.folder().join("other.onnx");
    two_outputs(&other, 2.0);
    let models = place.folder().join("home/models");
    fs::copy(
        models.join("efficientnet-lite0.toml"),
        other.with_extension("toml"),
    )
    .unwrap();
    Some(place)
}

const EXTRACT: &str = "extract {dir}/images -o {dir}/sized";
const SIZE: &str = "--resize 8x8 --crop 8";

#[test]
fn a_store_refuses_each_other_setting() {
    let Some(place) = with_store() else { return };
    let [ours, theirs] = ["home/models/efficientnet-lite0.onnx", "other.onnx"].map(|network| {
        let shown = place
            .frostline(&format!("models show {{dir}}/{network}"))
            .exits(0)
            .out;
        let hash = shown.split_once("SHA-256  ").unwrap().1;
        format!("`efficientnet-lite0` with SHA-256 {hash:.16}…")
    });
    let ours = format!("the network is {ours}");
    let cases = [
        ("--resize 9x9 --crop 8", "resize is 8x8", "9x9"),
        ("--resize 8x8 --crop none", "crop is 8", "none"),
        (
            "--interpolation bicubic",
            "interpolation is bilinear",
            "bicubic",
        ),
        ("--mean 0.5", "mean is 0.485,0.456,0.406", "0.5,0.5,0.5"),
        ("--std 1,1,0.25", "std is 0.229,0.224,0.225", "1,1,0.25"),
        ("--channels bgr", "channels is rgb", "bgr"),
        ("--scale 127.5", "scale is 255", "127.5"),
        ("--layer means", "layer is `map`", "`means`"),
        ("--exif ignore", "exif is apply", "ignore"),
        ("--alpha black", "alpha is white", "black"),
        ("--jpeg-scale reduced", "jpeg_scale is full", "reduced"),
        ("--dtype f16", "dtype is f32", "f16"),
        ("--backbone {dir}/other.onnx", &ours, &theirs),
    ];
    // The process number in the lock file may change.
    let store = || {
        let mut files = tree(Path::new(&place.path("sized")));
        files.remove(Path::new(".lock"));
        files
    };
    let before = store();
    for (change, left, right) in cases {
        let own_size = change.contains("--resize");
        let size = if own_size { "" } else { SIZE };
        let both = format!("{left} in the store and {right} in this run");
        place
            .frostline(&format!("{EXTRACT} {size} {change}"))
            .exits(1)
            .says(&[&both, &place.path("sized"), "--overwrite"]);
        assert!(store() == before, "{change}: the store has changed");
    }
    place
        .frostline(&format!("{EXTRACT} {SIZE}"))
        .exits(0)
        .says(&["12 reused"]);
}

#[test]
fn a_head_refuses_features_of_another_setting() {
    let Some(place) = Place::fitted() else { return };
    place
        .frostline("extract {dir}/images -o {dir}/bgr --channels bgr")
        .exits(0);
    place
        .frostline("evaluate --head {dir}/head {dir}/bgr")
        .exits(1)
        .says(&["channels is rgb in the head and bgr in the features"]);
    let fit = "fit-head {dir}/store --validation {dir}/bgr -o {dir}/new";
    let both = "channels is rgb in the training features and bgr in the validation features";
    place.frostline(fit).exits(1).says(&[both]);
    let classify = "classify {dir}/images --head {dir}/head --store {dir}/bgr";
    place
        .frostline(classify)
        .exits(1)
        .says(&["channels is bgr in the store and rgb in this run"]);
}

#[test]
fn a_head_refuses_another_network_of_the_same_width() {
    let Some(place) = with_store() else { return };
    let classify = "classify {dir}/images --head {dir}/head";
    let other = format!("{classify} --backbone {{dir}}/other.onnx");
    place.frostline(&other).exits(1).says(&[
        "other.onnx",
        "SHA-256",
        "efficientnet-lite0",
        "is not the one that the head was trained with",
    ]);
    fs::remove_file(place.path("home/models/efficientnet-lite0.onnx")).unwrap();
    place
        .frostline(classify)
        .exits(1)
        .says(&["no network with SHA-256", "--backbone FILE"]);
}

#[test]
fn a_validation_set_of_other_classes_is_named() {
    let Some(place) = Place::fitted() else { return };
    write_picture(&place.folder().join("animals/cat/1.png"), RED, 1);
    place
        .frostline("extract {dir}/animals -o {dir}/cats")
        .exits(0);
    place
        .frostline("fit-head {dir}/store --validation {dir}/cats -o {dir}/new")
        .exits(1)
        .says(&["cats` have no class of the training set, only `cat`"]);
    assert!(!place.folder().join("new").exists());
}
