//! Devices and precisions: what is reported and recorded, and that float16 changes features only by rounding.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use frostline::features::{Digest, FeatureStore};

use crate::golden_features::cosine;
use crate::harness::{frostline, installed_home, two_classes};

fn extracted(folder: &Path, name: &str, options: &[&str]) -> Vec<Vec<f32>> {
    let path = |name: &str| folder.join(name).display().to_string();
    let (images, store) = (path("images"), path(name));
    let mut args = vec!["extract", &images, "-o", &store];
    args.extend(options);
    frostline(args).exits(0);
    let store = FeatureStore::open(Path::new(&store)).unwrap();
    let (_, digests): (Vec<_>, Vec<Digest>) = store.index().used().unzip();
    let features = store.features(&digests).unwrap();
    features
        .rows()
        .into_iter()
        .map(|row| row.to_vec())
        .collect()
}

#[test]
fn half_precision_differs_by_rounding_only() {
    let Some(_) = installed_home() else { return };
    let folder = tempfile::tempdir().unwrap();
    two_classes(&folder.path().join("images"), 2, 0);
    let full = extracted(folder.path(), "fp32", &[]);
    let half = extracted(folder.path(), "fp16", &["--precision", "fp16"]);
    assert_ne!(full, half, "it was computed in float16");
    for (full, half) in full.iter().zip(&half) {
        let full: Vec<f64> = full.iter().map(|&x| x.into()).collect();
        let cosine = cosine(half, &full);
        assert!(cosine >= 0.999, "{cosine}");
    }
    let manifest = fs::read_to_string(folder.path().join("fp16/manifest.json")).unwrap();
    for recorded in [
        "\"precision\": \"fp16\"",
        "\"device\": \"cpu\"",
        "ONNX Runtime 1.",
    ] {
        assert!(manifest.contains(recorded), "{recorded}: {manifest}");
    }
    // Adding float32 features to these gets a warning.
    let path = |name: &str| folder.path().join(name).display().to_string();
    frostline(["extract", &path("images"), "-o", &path("fp16")])
        .exits(0)
        .says(&["precision is fp16", "and fp32"]);
}

#[test]
fn auto_says_why_it_takes_the_cpu_and_cuda_is_an_error_at_once() {
    let Some(_) = installed_home() else { return };
    if Path::new("/proc/driver/nvidia").exists() {
        eprintln!("not tested: there is an NVIDIA GPU");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    two_classes(&folder.path().join("images"), 1, 0);
    let path = |name: &str| folder.path().join(name).display().to_string();
    frostline(["extract", &path("images"), "-o", &path("auto")])
        .exits(0)
        .says(&["device    cpu"]);
    // Without a GPU the reason is printed only with `--verbose`.
    let ran = frostline(["extract", &path("images"), "-o", &path("verbose"), "-v"]).exits(0);
    ran.says(&["device    cpu", "no GPU"]);
    for device in ["cuda", "cuda:1", "tensorrt"] {
        let start = Instant::now();
        let (images, store) = (path("images"), path(device));
        frostline(["extract", &images, "-o", &store, "--device", device])
            .exits(1)
            .says(&["is missing", "--device cpu"]);
        // The limit is two seconds on an idle machine.
        assert!(start.elapsed() < Duration::from_secs(5));
        assert!(!Path::new(&store).exists(), "a store was created");
    }
}
