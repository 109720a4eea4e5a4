//! A fuzzing entry point: an untrusted head file, used as `classify` uses it.

use super::{Predictor, Tta};
use crate::head::fuzz::{features, heads};

/// Reads arbitrary bytes as a head file, both unchanged and with a corrected checksum, and classifies some
/// rows of features with it.
///
/// # Panics
/// If a prediction has a value that is not a probability.
pub fn head_bytes(bytes: &[u8]) {
    for head in heads(bytes) {
        let Ok(classifier) = Predictor::of(head, Tta::Trained) else {
            continue;
        };
        let views = classifier.spec().views.len();
        let rows = features(classifier.spec().backbone.num_features);
        let all: Vec<usize> = (0..rows.nrows() * views).map(|row| row / views).collect();
        let features = rows.select(ndarray::Axis(0), &all);
        let predictions = classifier.predict(features.view());
        for prediction in predictions.expect("D is the head's").into_iter().flatten() {
            let p = prediction.probabilities();
            assert!(p.iter().all(|p| (0.0..=1.0 + 1e-9).contains(p)), "{p:?}");
            assert!(prediction.best().0 < classifier.classes().len());
            let _ = prediction.verdict().reason(classifier.classes());
        }
    }
}
