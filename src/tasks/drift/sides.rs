//! The images that are compared: their centre features, and the classes that they are taken for.

use ndarray::{Array2, Axis};

use crate::classifier::Predictor;
use crate::error::Result;
use crate::features::{Digest, Source};
use crate::head::rounded_to_16_bits;
use crate::progress::Progress;
use crate::tasks::inputs::Skipped;
use crate::tasks::predictions::predict;

/// N images.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// (N); empty for images that a head stores.
    pub(super) paths: Vec<String>,
    /// (N).
    pub(super) digests: Vec<Digest>,
    /// The most probable class of each, (N); of a training image out of fold, if the head knows that.
    pub(super) predicted: Vec<usize>,
    /// The features of each image's centre view, (N, D).
    pub(super) centres: Array2<f32>,
    pub(super) skipped: Vec<Skipped>,
    /// Notes on the network and its store.
    pub(super) notes: Vec<String>,
}

impl Side {
    /// Collects the images of a source.
    pub(super) fn of(
        source: Source<'_>,
        classifier: &Predictor,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let views = &classifier.spec().views;
        let mut side = Self::default();
        let mut centres: Vec<f32> = Vec::new();
        let done = source.each(views, progress, &mut |samples| {
            let mut images = samples
                .features
                .axis_chunks_iter(Axis(0), views.len().max(1));
            for (row, predicted) in predict(classifier, samples)? {
                let image = row.content.is_ok().then(|| images.next()).flatten();
                match (predicted, image) {
                    (Ok((digest, prediction)), Some(image)) => {
                        let out_of_fold = classifier.out_of_fold(&digest);
                        let (class, _) = out_of_fold.unwrap_or(prediction).best();
                        side.paths.push(row.path.clone());
                        side.digests.push(digest);
                        side.predicted.push(class);
                        centres.extend(image.row(0));
                    }
                    (Err(reason), _) => {
                        let path = row.path.clone();
                        side.skipped.push(Skipped { path, reason });
                    }
                    (Ok(_), None) => unreachable!("a prediction needs features"),
                }
            }
            Ok(())
        })?;
        let shape = (side.paths.len(), classifier.spec().backbone.num_features);
        side.centres = Array2::from_shape_vec(shape, centres).expect("each centre has D values");
        side.notes = [done.store_notes, done.network_notes].concat();
        Ok(side)
    }

    /// Keeps the images that are `wanted`, and returns the number of the others.
    pub(super) fn keep(&mut self, wanted: impl Fn(&Digest) -> bool) -> usize {
        let n = self.digests.len();
        let kept: Vec<usize> = (0..n).filter(|&row| wanted(&self.digests[row])).collect();
        if kept.len() < n {
            self.paths = kept.iter().map(|&row| self.paths[row].clone()).collect();
            self.predicted = kept.iter().map(|&row| self.predicted[row]).collect();
            self.digests = kept.iter().map(|&row| self.digests[row]).collect();
            self.centres = self.centres.select(Axis(0), &kept);
        }
        n - kept.len()
    }

    /// Rounds the features as a head rounds those that it stores, so that the rounding is no difference.
    pub(super) fn round_to_16_bits(&mut self) {
        self.centres = rounded_to_16_bits(self.centres.view());
    }
}

/// Returns the training images that a head stores for its rejection, if it does. Their classes are their
/// labels.
pub(super) fn banked(classifier: &Predictor) -> Option<Side> {
    let rejection = classifier.rejection()?;
    let rows = 0..rejection.classes().len();
    Some(Side {
        digests: rows.map(|row| Digest::of(&row.to_le_bytes())).collect(),
        predicted: rejection.classes().to_vec(),
        centres: rejection.features().mapv(f32::from),
        ..Side::default()
    })
}
