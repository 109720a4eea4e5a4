//! The reference job on real images, if they are available: Alien vs Predator with the default backbone.

use std::fs;

use crate::harness::{frostline, installed_home, shared_data};

fn accuracy(json: &str) -> f64 {
    serde_json::from_str::<serde_json::Value>(json).unwrap()["top1_accuracy"]
        .as_f64()
        .unwrap()
}

#[test]
fn alien_vs_predator() {
    let (Some(_), Some(data)) = (installed_home(), shared_data("alien_predator")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for split in ["train", "validation"] {
        let images = data.join(split).display().to_string();
        // Two images of the training set have a duplicate in it.
        let wanted = if split == "train" {
            "692 computed, 2 duplicates, 0 skipped"
        } else {
            "200 computed, 0 duplicates"
        };
        frostline(["extract", &images, "-o", &path(split)])
            .exits(0)
            .says(&[wanted]);
    }
    let images = data.join("train").display().to_string();
    frostline(["extract", &images, "-o", &path("train")])
        .exits(0)
        .says(&["0 computed, 694 reused"]);
    frostline([
        "fit-head",
        &path("train"),
        "--validation",
        &path("validation"),
        "-o",
        &path("head"),
    ])
    .exits(0);
    let ran = frostline([
        "evaluate",
        "--head",
        &path("head"),
        &path("validation"),
        "--format",
        "json",
    ])
    .exits(0);
    assert!(accuracy(&ran.out) >= 0.94, "{}", ran.out);
    assert!(fs::metadata(path("head")).unwrap().len() > 4 * 2 * 1280);
}
