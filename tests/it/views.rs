//! Several views of an image: stored together, sampled in training, averaged in prediction.

use std::fs;
use std::path::Path;

use frostline::features::FeatureStore;
use frostline::images::Views;

use crate::harness::{frostline, installed_home, two_classes};

fn place() -> Option<tempfile::TempDir> {
    installed_home()?;
    let place = tempfile::tempdir().unwrap();
    two_classes(&place.path().join("images"), 6, 0);
    Some(place)
}

#[test]
fn views_are_extracted_trained_on_and_averaged() {
    let Some(place) = place() else { return };
    let path = |name: &str| place.path().join(name).display().to_string();
    let (images, five, head) = (path("images"), path("five"), path("head"));
    let extract = ["extract", &images, "-o", &five, "--views", "five-crop"];
    frostline(extract).exits(0).says(&["12 computed"]);
    frostline(extract).exits(0).says(&["0 computed, 12 reused"]);
    let store = FeatureStore::open(Path::new(&five)).unwrap();
    let (_, digests): (Vec<_>, Vec<_>) = store.index().used().unzip();
    let all = store.views(&digests, &Views::FiveCrop.list()).unwrap();
    assert_eq!(all.dim(), (12 * 5, 1280));
    assert_eq!(all.row(5), store.features(&digests).unwrap().row(1));
    assert_ne!(all.row(0), all.row(1), "centre and corner are equal");
    for (args, view, row) in [("", "center", 0), ("--view top-left", "top-left", 1)] {
        let table = path(&format!("{view}.csv"));
        let export = ["features", "export", &five, "-o", &table];
        let ran = frostline(export.into_iter().chain(args.split_whitespace())).exits(0);
        ran.says(&[&format!("12 rows of the view `{view}`, one of 5")]);
        let rows = fs::read_to_string(&table).unwrap();
        let values = rows.lines().nth(1).unwrap().split(',').skip(5);
        let values: Vec<f32> = values.map(|value| value.parse().unwrap()).collect();
        assert_eq!(values, all.row(row).to_vec());
    }

    // The centre is the same as without other views.
    frostline(["extract", &images, "-o", &path("center")]).exits(0);
    let center = FeatureStore::open(Path::new(&path("center"))).unwrap();
    let difference = center.features(&digests).unwrap() - store.features(&digests).unwrap();
    assert!(difference.iter().all(|d| d.abs() < 1e-4));

    frostline(["fit-head", &five, "-o", &head, "--augment"]).exits(0);
    let probability = |args: &[&str]| -> Vec<f64> {
        let rows = frostline(args).exits(0).out;
        let cell = |row: &str| row.split(',').nth(2).unwrap().parse().unwrap();
        rows.lines().skip(1).map(cell).collect()
    };
    let classify = ["classify", &images, "--head", &head];
    let averaged = probability(&classify);
    let stored = probability(&[&classify[..], &["--store", &five]].concat());
    let alone = probability(&[&classify[..], &["--tta", "none"]].concat());
    let alone_stored = probability(&[&classify[..], &["--tta", "none", "--store", &five]].concat());
    for (a, b) in averaged
        .iter()
        .zip(&stored)
        .chain(alone.iter().zip(&alone_stored))
    {
        assert!((a - b).abs() < 1e-4, "{a} and {b}");
    }
    assert_ne!(averaged, alone);
    // These are the head's training images.
    let included = "--include-training";
    frostline(["evaluate", "--head", &head, &five, included]).exits(0);
    // A head trained on several views cannot be evaluated on the centre view alone without `--tta none`.
    frostline(["evaluate", "--head", &head, &path("center")])
        .exits(1)
        .says(&["views is center+top-left", "and center in the features"]);
    frostline([
        "evaluate",
        "--head",
        &head,
        &path("center"),
        "--tta",
        "none",
        included,
    ])
    .exits(0);
}

#[test]
fn one_view_cannot_be_drawn_from() {
    let Some(place) = place() else { return };
    let path = |name: &str| place.path().join(name).display().to_string();
    let (images, store, head) = (path("images"), path("store"), path("head"));
    frostline(["extract", &images, "-o", &store]).exits(0);
    frostline(["fit-head", &store, "-o", &head, "--augment"])
        .exits(1)
        .says(&["one view", "--views hflip"]);
    assert!(fs::metadata(&head).is_err());
    // Other views need another store.
    frostline(["extract", &images, "-o", &store, "--views", "hflip"])
        .exits(1)
        .says(&["views is center in the store and center+center-flipped in this run"]);
}
