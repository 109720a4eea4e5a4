//! `inspect` on real features, if the images are available, and confident learning compared with its
//! reference.

use std::path::Path;

use frostline::ClassIndex;
use frostline::features::{Digest, FeatureStore};
use frostline::head::{
    FitParams, Folds, Groups, LabelErrors, LabelledFeatures, out_of_fold, softmax,
};
use frostline::progress::Silent;
use frostline::tasks::{InspectOptions, Likeness, inspect};
use linfa::ParamGuard;
use ndarray::Array2;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde::Deserialize;

use crate::harness::{frostline, golden_as, installed_home, shared_data};

#[derive(Deserialize)]
struct Golden {
    probabilities: Vec<Vec<f64>>,
    targets: Vec<usize>,
    thresholds: Vec<f64>,
    confident_joint: Vec<Vec<usize>>,
    estimated_errors: f64,
    suspects: Vec<usize>,
}

#[test]
fn confident_learning_is_that_of_the_reference() {
    let golden: Golden = golden_as("label_errors");
    let shape = (golden.targets.len(), golden.thresholds.len());
    let p = Array2::from_shape_vec(shape, golden.probabilities.concat()).unwrap();
    let errors = LabelErrors::of(p.view(), &golden.targets);
    for (ours, theirs) in errors.thresholds.iter().zip(&golden.thresholds) {
        assert!((ours - theirs).abs() < 1e-12);
    }
    assert_eq!(errors.confident_joint, golden.confident_joint.into());
    assert!((errors.estimated_errors - golden.estimated_errors).abs() < 1e-12);
    let rows: Vec<usize> = errors.suspects.iter().map(|suspect| suspect.row).collect();
    assert_eq!(rows, golden.suspects);
}

fn extract(images: &Path, store: &Path) {
    let [images, store] = [images, store].map(|path| path.display().to_string());
    frostline(["extract", &images, "-o", &store, "--quiet"]).exits(0);
}

#[test]
fn the_pairs_of_alien_vs_predator_come_out() {
    let (Some(_), Some(data)) = (installed_home(), shared_data("alien_predator")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let [train, validation] = ["train", "validation"].map(|split| {
        let store = folder.path().join(split);
        extract(&data.join(split), &store);
        store
    });
    let mut options = InspectOptions::new(train);
    options.against = Some(validation);
    let report = inspect(&options).unwrap();
    let leakage = report.leakage.unwrap();
    let pairs: Vec<(&str, &str)> = leakage
        .images
        .iter()
        .map(|leaked| (leaked.twin.path.as_str(), leaked.image.path.as_str()))
        .collect();
    let mut equal = pairs[..leakage.n_equal].to_vec();
    equal.sort_unstable();
    assert_eq!(
        equal,
        [
            ("predator/199.jpg", "predator/1.jpg"),
            ("predator/247.jpg", "predator/58.jpg")
        ]
    );
    let mut near = pairs[leakage.n_equal..].to_vec();
    near.sort_unstable();
    // Four pairs that were checked by eye; no other pair is as similar.
    assert_eq!(
        near,
        [
            ("alien/120.jpg", "alien/26.jpg"),
            ("alien/149.jpg", "alien/58.jpg"),
            ("alien/289.jpg", "alien/16.jpg"),
            ("predator/169.jpg", "predator/39.jpg")
        ]
    );
    assert!((leakage.share - 6.0 / 200.0).abs() < 1e-12);
    assert!(
        leakage.images[..2]
            .iter()
            .all(|l| l.likeness == Likeness::Equal)
    );
    // Two pairs of duplicates within the training set, and two across the sets.
    assert_eq!(report.duplicates.len(), 4);
    assert!(report.contradictions.is_empty() && report.notes.is_empty());
}

/// Reads a store's features, targets, classes and digests.
fn read(store: &Path) -> (Array2<f32>, Vec<usize>, ClassIndex, Vec<[u8; 32]>) {
    let store = FeatureStore::open(store).unwrap();
    let (names, digests): (Vec<String>, Vec<Digest>) = store
        .index()
        .used()
        .map(|(row, digest)| (row.class.unwrap(), digest))
        .unzip();
    let classes = ClassIndex::from_names(names.iter().cloned());
    let targets = names.iter().map(|name| classes.class_to_idx(name).unwrap());
    let keys = digests.iter().map(|digest| digest.0).collect();
    (
        store.features(&digests).unwrap(),
        targets.collect(),
        classes,
        keys,
    )
}

/// Changes the class of twelve random rows.
fn flip(targets: &mut [usize], n_classes: usize, seed: u64) -> Vec<usize> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut below = |n: usize| usize::try_from(random.next_u64() % n as u64).unwrap();
    let mut flipped = Vec::new();
    while flipped.len() < 12 {
        let row = below(targets.len());
        if !flipped.contains(&row) {
            targets[row] = (targets[row] + 1 + below(n_classes - 1)) % n_classes;
            flipped.push(row);
        }
    }
    flipped
}

#[test]
fn flipped_labels_are_among_the_first_suspects() {
    let (Some(_), Some(data)) = (installed_home(), shared_data("clothing10")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("train");
    extract(&data.join("train"), &store);
    let (features, truth, classes, keys) = read(&store);
    let groups = Groups::of_equal(&keys);
    let mut found = Vec::new();
    for seed in 0..3 {
        let mut targets = truth.clone();
        let flipped = flip(&mut targets, classes.len(), seed);
        let set = LabelledFeatures::new(features.view(), &targets, &classes).unwrap();
        let folds = Folds::new(&targets, &groups, 5, 0).unwrap();
        let params = FitParams::new().check().unwrap();
        let p = softmax(out_of_fold(&params, &set, None, &folds, &Silent).unwrap());
        let suspects = LabelErrors::of(p.view(), &targets).suspects;
        let first = suspects.iter().take(30);
        found.push(
            first
                .filter(|suspect| flipped.contains(&suspect.row))
                .count(),
        );
    }
    eprintln!("flipped labels among the first 30 suspects, of 12: {found:?}");
    assert!(found.iter().sum::<usize>() >= 27, "{found:?}");
}
