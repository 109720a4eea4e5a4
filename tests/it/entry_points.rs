//! The library's two entry points accept images in any form and return the same values as the program.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use frostline::backbones::DEFAULT_BACKBONE;
use frostline::classifier::Tta;
use frostline::error::Error;
use frostline::features::{Digest, FeatureStore};
use frostline::images::{DecodeOptions, View, decode};
use frostline::{Classifier, Extractor, Home, Image, RunOptions, SkipReason, Unclassified};

use crate::harness::Place;

fn options(place: &Place) -> RunOptions {
    RunOptions::new(Home::at(place.folder().join("home")))
}

fn images(place: &Place) -> Vec<PathBuf> {
    let store = FeatureStore::open(&place.folder().join("store")).unwrap();
    let rows = store.index().used();
    let images = place.folder().join("images");
    rows.map(|(row, _)| images.join(&row.path)).collect()
}

#[test]
fn the_entry_points_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Extractor>();
    shared::<Classifier>();
}

#[test]
fn each_form_of_an_image_has_the_features_of_the_store() {
    let Some(place) = Place::fitted() else { return };
    let extractor = Extractor::with(DEFAULT_BACKBONE, &options(&place)).unwrap();
    let paths = images(&place);
    let store = FeatureStore::open(&place.folder().join("store")).unwrap();
    let bytes: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let digests: Vec<Digest> = bytes.iter().map(|bytes| Digest::of(bytes)).collect();
    let stored = store.views(&digests, &[View::Center]).unwrap();
    let pixels = bytes
        .iter()
        .map(|bytes| decode(bytes, &DecodeOptions::default()).unwrap());
    let pixels: Vec<Image> = pixels.map(Image::from).collect();
    for features in [
        extractor.features(&paths).unwrap(),
        extractor.features(bytes).unwrap(),
        extractor.features(pixels).unwrap(),
    ] {
        assert_eq!(features.len(), paths.len());
        for (features, stored) in features.into_iter().zip(stored.rows()) {
            let features = features.unwrap();
            assert_eq!(features.len(), extractor.num_features());
            let pairs = features.iter().zip(stored);
            assert!(
                pairs
                    .into_iter()
                    .all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs().max(1.0))
            );
        }
    }
}

#[test]
fn labels_are_those_of_the_program() {
    let Some(place) = Place::fitted() else { return };
    let printed = place
        .frostline("classify {dir}/images --head {dir}/head --format jsonl")
        .exits(0);
    let head = place.folder().join("head");
    let classifier = Classifier::with(head, Tta::Trained, &options(&place)).unwrap();
    let paths = images(&place);
    let predictions = classifier.classify(&paths).unwrap();
    let rows: Vec<serde_json::Value> = printed
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), predictions.len());
    for (row, prediction) in rows.iter().zip(predictions) {
        let prediction = prediction.unwrap();
        assert_eq!(row["label"], classifier.label(&prediction).unwrap());
        let probability = row["probability"].as_f64().unwrap();
        assert!((prediction.best().1 - probability).abs() < 1e-5, "{row}");
    }
}

#[test]
fn classification_can_be_stopped_after_an_image() {
    let Some(place) = Place::fitted() else { return };
    let head = place.folder().join("head");
    let classifier = Classifier::with(head, Tta::Trained, &options(&place)).unwrap();
    let paths = images(&place);
    let asked = AtomicUsize::new(0);
    let stopped = classifier.classify_until(&paths, &|| asked.fetch_add(1, Relaxed) == 2);
    assert!(matches!(stopped, Err(Error::Interrupted { kept: None })));
    assert_eq!(asked.into_inner(), 3);
    assert_eq!(classifier.classify(&paths).unwrap().len(), paths.len());
}

#[test]
fn bad_images_are_results_in_their_places() {
    let Some(place) = Place::fitted() else { return };
    let classifier = Classifier::with(place.folder().join("head"), Tta::Trained, &options(&place));
    let classifier = classifier.unwrap();
    let good = images(&place).remove(0);
    let given = [
        Image::from("missing.jpg"),
        Image::from(&good),
        Image::from(&b"not an image"[..]),
        Image::from(Vec::new()),
        Image::from(SkipReason::Other("has no pixels".to_owned())),
    ];
    let found = classifier.classify(given).unwrap();
    let skipped = |at: usize| match &found[at] {
        Err(Unclassified::Skipped(reason)) => reason.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(found.len(), 5);
    assert_eq!(skipped(0), SkipReason::Missing);
    assert!(found[1].is_ok());
    assert_eq!(skipped(2), SkipReason::NotAnImage("a text file"));
    assert_eq!(skipped(3), SkipReason::Empty);
    assert_eq!(skipped(4).to_string(), "has no pixels");
    assert!(classifier.classify([""; 0]).unwrap().is_empty());
}
