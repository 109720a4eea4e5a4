//! Networks in the local cache of the hub's own tools.

use std::fs;
use std::path::{Path, PathBuf};

use super::{COMMIT, Files, Home, Hub, NETWORK, WEIGHTS, files, is_large, sha256, tiny_vit};
use crate::harness::run;

const REPOSITORY: &str = "models--acme--tiny-vit";

/// Fills the cache as the hub's tools do, and returns the folder of the snapshot.
fn cached(home: &Home, files: &Files) -> PathBuf {
    let repository = home.cache().join("hub").join(REPOSITORY);
    let snapshot = repository.join("snapshots").join(COMMIT);
    for folder in [
        &snapshot.join("onnx"),
        &repository.join("refs"),
        &repository.join("blobs"),
    ] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(repository.join("refs/main"), COMMIT).unwrap();
    for (path, bytes) in files {
        keep(&repository, &snapshot.join(path), bytes);
    }
    snapshot
}

/// Keeps a file: a large one is a link to one that is named by its SHA-256.
fn keep(repository: &Path, path: &Path, bytes: &[u8]) {
    #[cfg(unix)]
    if is_large(&path.to_string_lossy()) {
        let blob = repository.join("blobs").join(sha256(bytes));
        fs::write(&blob, bytes).unwrap();
        return std::os::unix::fs::symlink(&blob, path).unwrap();
    }
    let _ = repository;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_network_with_all_that_it_needs_is_used_without_asking_the_hub() {
    let Some(home) = Home::new() else { return };
    let hub = Hub::new("acme/tiny-vit", tiny_vit());
    let offline = |args: &[&str]| run(home.pull(&hub.hub, args).env("HF_HUB_OFFLINE", "1"));
    offline(&["hf:acme/tiny-vit"])
        .exits(1)
        .says(&["HF_HUB_OFFLINE is set", "HF_HOME"]);
    let snapshot = cached(&home, &tiny_vit());
    for name in ["hf:acme/tiny-vit", &format!("hf:acme/tiny-vit@{COMMIT}")] {
        let ran = offline(&[name]).exits(0);
        ran.says(&["without asking the hub", "preprocessor_config.json"]);
    }
    home.pulls(&hub, &["hf:acme/tiny-vit"]);
    assert_eq!(hub.lines().len(), 0);
    home.has("acme--tiny-vit", &tiny_vit(), &[NETWORK, WEIGHTS]);
    let manifest = home.manifest("tiny-vit");
    assert_eq!(manifest.license.as_deref(), Some("mit"));
    assert_eq!(manifest.source.unwrap().revision.as_deref(), Some(COMMIT));
    // Without its weights, the cached network is not enough.
    fs::remove_file(snapshot.join(WEIGHTS)).unwrap();
    let missing = "`onnx/vit_external.onnx.data` is not in the cache";
    offline(&["hf:acme/tiny-vit"]).exits(1).says(&[missing]);
    home.pulls(&hub, &["hf:acme/tiny-vit"]);
    assert!(!hub.lines().is_empty());
}

/// The hub's tools keep only the files that were asked for.
#[test]
fn what_the_cache_lacks_is_not_replaced_by_something_else() {
    for missing in [NETWORK, "preprocessor_config.json"] {
        let Some(home) = Home::new() else { return };
        let hub = Hub::new("acme/tiny-vit", tiny_vit());
        let part: Vec<_> = tiny_vit()
            .into_iter()
            .filter(|(path, _)| path != missing)
            .collect();
        cached(&home, &part);
        home.pulls(&hub, &["hf:acme/tiny-vit"]);
        assert!(!hub.lines().is_empty(), "{missing}");
        let all = [NETWORK, WEIGHTS, "preprocessor_config.json"];
        home.has("acme--tiny-vit", &tiny_vit(), &all);
    }
}

#[cfg(unix)]
#[test]
fn a_wrong_file_and_links_in_a_circle_are_survived() {
    let Some(home) = Home::new() else { return };
    let hub = Hub::new("acme/tiny-vit", files(&[]));
    let snapshot = cached(&home, &tiny_vit());
    for number in 0..8 {
        let link = snapshot.join(format!("link{number}"));
        std::os::unix::fs::symlink(".", link).unwrap();
    }
    let blob = fs::canonicalize(snapshot.join(WEIGHTS)).unwrap();
    fs::write(blob, "wrong").unwrap();
    let ran = run(&mut home.pull(&hub.hub, &["hf:acme/tiny-vit"])).exits(1);
    ran.says(&[
        "in the hub's local cache",
        WEIGHTS,
        "remove the file from the cache",
    ]);
}
