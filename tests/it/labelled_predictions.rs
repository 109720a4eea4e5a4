//! Labelled images and their stored features get the same predictions.

use std::path::Path;

use frostline::backbones::{Home, RunOptions};
use frostline::features::{Computing, Digest};
use frostline::progress::Silent;
use frostline::tasks::{
    EvaluationInput, HeadOptions, LabelledPredictions, TrainingImages, predict_labelled,
};

use crate::harness::Place;

fn labelled(place: &Place, data: &str) -> LabelledPredictions {
    let path = |name: &str| place.folder().join(name);
    let mut computing = Computing::new(RunOptions::new(Home::at(path("home"))));
    computing.batch_size = 4;
    let mut options = EvaluationInput::new(path(data), HeadOptions::new(path("head"), computing));
    options.training_images = TrainingImages::Included;
    predict_labelled(&options, &Silent).unwrap()
}

#[test]
fn images_and_their_features_are_predicted_alike() {
    let Some(place) = Place::fitted() else { return };
    let (images, store) = (labelled(&place, "images"), labelled(&place, "store"));
    assert_eq!(images.targets(), [[0; 6], [1; 6]].concat());
    assert_eq!(images.probabilities().dim(), (12, 2));
    assert_eq!(images.items.len(), store.items.len());
    for (image, row) in images.items.iter().zip(&store.items) {
        let bytes = std::fs::read(&image.path).unwrap();
        assert_eq!(image.digest, Digest::of(&bytes));
        assert_eq!((image.digest, image.target), (row.digest, row.target));
        assert!(Path::new(&image.path).ends_with(&row.path));
        let pairs = image.probabilities.iter().zip(&row.probabilities);
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
