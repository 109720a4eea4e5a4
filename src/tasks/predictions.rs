//! A head's predictions for samples, wherever their features come from.

use std::path::{Path, PathBuf};

use crate::classifier::{Prediction, Predictor, Rejecting, Tta};
use crate::error::Result;
use crate::features::{Computing, Digest, FeatureStore, IndexRow, Samples};

/// The head that predicts, and how it gets the features of images.
#[derive(Debug, Clone)]
#[non_exhaustive]
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
    /// A head as it was trained.
    #[must_use]
    pub fn new(path: PathBuf, computing: Computing) -> Self {
        Self {
            path,
            tta: Tta::Trained,
            rejecting: Rejecting::AsTrained,
            computing,
        }
    }

    pub(super) fn open(&self) -> Result<Predictor> {
        Ok(Predictor::open(&self.path, self.tta)?.rejecting(self.rejecting))
    }
}

/// Opens a store whose features all of the classifiers can use; returns what the user should know, too.
///
/// # Errors
/// A store that cannot be read, or holds other features.
pub(super) fn open_store(
    path: &Path,
    classifiers: &[&Predictor],
) -> Result<(FeatureStore, Vec<String>)> {
    let store = FeatureStore::open(path)?;
    let name = format!("the features `{}`", path.display());
    let require = |classifier: &&Predictor| classifier.require(&store.manifest().spec, &name);
    let notes: Vec<Option<String>> = classifiers.iter().map(require).collect::<Result<_>>()?;
    let mut notes: Vec<String> = notes.into_iter().flatten().collect();
    notes.dedup();
    Ok((store, notes))
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
