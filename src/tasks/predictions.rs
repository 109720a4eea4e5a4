//! A head's predictions for samples, from stored or newly computed features.

use std::path::{Path, PathBuf};

use super::provide::provide_for;
use crate::classifier::{Prediction, Predictor, Rejecting, Tta};
use crate::error::Result;
use crate::features::{Computing, Digest, FeatureStore, IndexRow, Samples};

/// The head that predicts, and how it gets the features of images.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HeadOptions {
    /// The head file, which also names the backbone and its preprocessing.
    pub path: PathBuf,
    /// Which views of each image are used.
    pub tta: Tta,
    /// How to treat images unlike any training image.
    pub rejecting: Rejecting,
    /// How features are computed, and where they are stored.
    pub computing: Computing,
}

impl HeadOptions {
    /// A head with the views and the rejection that it was trained with.
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
        let predictor = Predictor::open(&self.path, self.tta)?.rejecting(self.rejecting);
        let (how, spec) = (&self.computing, predictor.spec());
        provide_for(&spec.backbone, how.backbone.as_deref(), &how.run.home);
        Ok(predictor)
    }
}

/// Opens a store whose features fit all classifiers, and returns it with notes for the user.
///
/// # Errors
/// A store that cannot be read, or whose features do not fit one of the heads.
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

/// An image's digest and prediction, or the reason why it is skipped.
pub(super) type Predicted = Result<(Digest, Prediction), String>;

/// Predicts the class of each sample.
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
    Ok(rows.map(|row| (row, predicted(row))).collect())
}
