//! A head's predictions for samples, wherever their features come from.

use std::path::PathBuf;

use crate::classifier::{Prediction, Predictor, Rejecting, Tta};
use crate::error::Result;
use crate::features::{Computing, Digest, IndexRow, Samples};

/// The head that predicts, and how it gets the features of images.
#[derive(Debug, Clone)]
pub struct HeadOptions {
    /// The head file; it brings backbone and preprocessing.
    pub path: PathBuf,
    /// Which views of each image are used.
    pub tta: Tta,
    /// What becomes of images that are like none of the training images.
    pub rejecting: Rejecting,
    /// How features are computed, and where they are kept.
    pub computing: Computing,
}

impl HeadOptions {
    pub(super) fn open(&self) -> Result<Predictor> {
        Ok(Predictor::open(&self.path, self.tta)?.rejecting(self.rejecting))
    }
}

/// The prediction for an image with the digest of its bytes, or the reason why it is skipped.
pub(super) type Predicted = Result<(Digest, Prediction), String>;

/// Predicts each of the samples.
pub(super) fn predict<'a>(
    classifier: &Predictor,
    samples: Samples<'a>,
) -> Result<Vec<(&'a IndexRow, Predicted)>> {
    let mut predictions = classifier.predict(samples.features)?.into_iter();
    let mut predicted = |row: &'a IndexRow| {
        let digest = row.content.as_ref().map_err(String::clone)?.digest;
        let prediction = predictions.next().expect("each used sample has features");
        Ok((digest, prediction.map_err(|why| why.to_string())?))
    };
    let rows = samples.rows.iter();
    Ok(rows.map(|row| (*row, predicted(row))).collect())
}
