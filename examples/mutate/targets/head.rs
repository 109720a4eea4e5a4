//! The target for heads.

use frostline::classifier::{Predictor, Tta};
use ndarray::Array2;

use super::Outcome;
use super::scratch::with_file;

/// Values of features, from ordinary ones to the largest float.
const FEATURES: [f32; 4] = [0.0, 1.0, -1e30, f32::MAX];

/// Reads a head and predicts with it: each image gets finite probabilities or none.
pub(super) fn read(bytes: &[u8]) -> Outcome {
    frostline::head::fuzz::head_bytes(bytes);
    with_file("head.safetensors", bytes, |path| {
        let classifier = Predictor::open(path, Tta::Trained)?;
        predict(&classifier);
        Ok(())
    })
}

fn predict(classifier: &Predictor) {
    let (spec, classes) = (classifier.spec(), classifier.classes().len());
    let width = spec.backbone.num_features;
    for number in FEATURES {
        let features = Array2::from_elem((spec.views.len(), width), number);
        let predictions = classifier
            .predict(features.view())
            .expect("the width is the head's");
        for prediction in predictions.into_iter().flatten() {
            let (class, probability) = prediction.best();
            assert!(class < classes && (0.0..=1.0 + 1e-6).contains(&probability));
        }
    }
}
