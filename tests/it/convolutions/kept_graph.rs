//! The graph that ONNX Runtime optimized is cached, reused, and recreated if the cached file is damaged.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// Computes the features of one image with a network of this SHA-256, in a home that may have a cached graph.
fn features(case: &Case, home: &Path, sha256: &str) -> Vec<f32> {
    let [height, width] = case.size;
    let preprocessing = as_they_are(case.size);
    let options = on_cpu(&Home::at(home), 2, Convolutions::Direct);
    let library = RuntimeLibrary::find(&case.home).unwrap();
    let network = (&*case.path(), Some(sha256));
    let layer = FeatureLayer::default();
    let mut backbone =
        OnnxBackbone::load(&library, network, &layer, &preprocessing, &options).unwrap();
    let mut numbers = Numbers(7);
    let image: Vec<f32> = (0..3 * width * height).map(|_| numbers.next()).collect();
    backbone.forward(&image, 1).unwrap()
}

fn small_network() -> Option<Case> {
    let case = Case::of([20, 20])?;
    let mut net = case.net();
    let mut x = net.conv("input", [3, 32], &[]);
    x = net.relu(&x);
    x = net.conv(&x, [32, 16], &[]);
    let y = net.node("Flatten", &[&x], &[]);
    net.write(&case.path(), &[(&y, 2)]);
    Some(case)
}

fn kept(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.join("cache/graphs"))
        .into_iter()
        .flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_kept_graph_gives_the_same_and_a_broken_one_is_made_anew() {
    let Some(case) = small_network() else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let first = features(&case, home.path(), "0123456789abcdef01");
    let [folder] = &kept(home.path())[..] else {
        panic!("not one cached graph: {:?}", kept(home.path()));
    };
    // With the cached graph, the network's file is not read.
    let network = fs::read(case.path()).unwrap();
    fs::write(case.path(), "no network").unwrap();
    assert_eq!(features(&case, home.path(), "0123456789abcdef01"), first);
    fs::write(case.path(), network).unwrap();
    for file in ["weights.bin", "graph.onnx", "sum"] {
        let whole = fs::read(folder.join(file)).unwrap();
        let mut broken = whole.clone();
        let last = broken.len() - 1;
        broken[last] ^= 1;
        fs::write(folder.join(file), &broken).unwrap();
        assert_eq!(
            features(&case, home.path(), "0123456789abcdef01"),
            first,
            "{file}"
        );
        assert_eq!(
            fs::read(folder.join(file)).unwrap(),
            whole,
            "{file} is not repaired"
        );
    }
}

#[test]
fn another_network_has_a_graph_of_its_own_and_a_home_that_cannot_be_written_has_none() {
    let Some(case) = small_network() else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let first = features(&case, home.path(), "0123456789abcdef01");
    features(&case, home.path(), "1123456789abcdef01");
    assert_eq!(kept(home.path()).len(), 2);
    let full = tempfile::tempdir().unwrap();
    fs::write(full.path().join("cache"), "a file where a folder should be").unwrap();
    assert_eq!(features(&case, full.path(), "0123456789abcdef01"), first);
}
