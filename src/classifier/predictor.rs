//! Predicts classes from features with a head that knows which features it was trained on.

use std::path::Path;

use ndarray::{ArrayView1, ArrayView2, Axis, s};
use serde_json::Value;

use crate::backbones::FeatureSpec;
use crate::classes::ClassIndex;
use crate::error::{Error, FileKind, FileProblem, Result, TaskError};
use crate::features::Digest;
use crate::head::{
    HeadFile, Likeness, LinearHead, OpenedHead, Rejection, Temperature, TrainingRecord,
};
use crate::images::View;

/// Number of images per prediction batch.
const AT_ONCE: usize = 256;

/// Test-time augmentation: which views of an image the head predicts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Tta {
    /// The views that the head was trained with.
    #[default]
    Trained,
    /// Only the centre crop.
    None,
}

/// Whether to reject images that are unlike any training image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Rejecting {
    /// Reject if the head has a rejection rule.
    #[default]
    AsTrained,
    /// Never reject: every image is assigned one of the classes.
    Off,
}

/// A trained head that predicts classes from features computed elsewhere. It can be shared between threads.
#[derive(Debug, Clone)]
pub struct Predictor {
    head: LinearHead,
    classes: ClassIndex,
    spec: FeatureSpec,
    temperature: Temperature,
    rejection: Option<Rejection>,
    record: TrainingRecord,
    metrics: serde_json::Value,
}

/// The prediction for one image: a probability for each class, summing to 1, and the [`Verdict`].
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    probabilities: Vec<f64>,
    verdict: Verdict,
}

/// Why features have no prediction. Messages read as `{path}: {reason}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoPrediction {
    /// The features contain NaN or infinities, which stores of early versions can contain.
    #[error("has features that are not finite (NaN or infinity); extract them again as f32")]
    Features,
    /// The head's sums overflow.
    #[error(
        "has probabilities that are not finite: the head's weights or the image's features are too large"
    )]
    Probabilities,
}

/// Whether the head accepts an image or rejects it as unlike any training image.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// The image resembles a training image, or the head has no rejection rule.
    Known,
    /// The image resembles no training image.
    Unknown {
        /// The cosine similarity of its centre crop to the nearest training image, in [-1, 1].
        score: f32,
        /// The lowest score at which an image is accepted.
        threshold: f32,
        /// The class of the nearest training image.
        nearest: usize,
    },
}

impl Verdict {
    /// Returns why the image is unknown, or `None` if it is known.
    #[must_use]
    pub fn reason(self, classes: &ClassIndex) -> Option<String> {
        let Self::Unknown {
            score,
            threshold,
            nearest,
        } = self
        else {
            return None;
        };
        let class = classes.name(nearest).unwrap_or_default();
        Some(format!(
            "the nearest training image ({class}) has similarity {score:.3}, below the threshold of \
             {threshold:.3}"
        ))
    }
}

impl Predictor {
    /// Reads a head file or the head of a bundle, to predict from the views selected by `tta`.
    ///
    /// # Errors
    /// As [`HeadFile::read`], and [`Error::File`] if the head's feature manifest is unusable.
    pub fn open(path: &Path, tta: Tta) -> Result<Self> {
        Ok(Self::open_with_bytes(path, tta)?.0)
    }

    /// Opens a head as [`Self::open`] does, and returns it with the bytes of the head file.
    pub(crate) fn open_with_bytes(path: &Path, tta: Tta) -> Result<(Self, Vec<u8>)> {
        let opened = OpenedHead::at(path)?;
        let mut predictor = Self::of(opened.head, tta).map_err(|problem| Error::File {
            path: path.to_owned(),
            problem: FileProblem::Damaged(format!(
                "its feature manifest cannot be used: {problem}"
            )),
            kind: FileKind::HeadManifest,
        })?;
        predictor.spec.backbone.bundle = opened.is_bundled.then(|| path.to_owned());
        Ok((predictor, opened.bytes))
    }

    /// Creates a predictor from a head file.
    ///
    /// # Errors
    /// Why its manifest cannot be used.
    pub fn of(file: HeadFile, tta: Tta) -> Result<Self, String> {
        let spec = spec_of(file.manifest, &file.head)?;
        Ok(Self {
            spec: match tta {
                Tta::Trained => spec,
                Tta::None => spec.with_views(&[View::Center]),
            },
            head: file.head,
            classes: file.classes,
            temperature: file.temperature,
            rejection: file.rejection,
            record: file.record,
            metrics: file.metrics,
        })
    }

    /// Returns the predictor with rejection as trained or turned off.
    #[must_use]
    pub fn rejecting(mut self, rejecting: Rejecting) -> Self {
        if rejecting == Rejecting::Off {
            self.rejection = None;
        }
        self
    }

    /// Returns the rejection rule, if the head has one and it is not turned off.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        self.rejection.as_ref()
    }

    /// Returns the record of the images that the head was trained on, which is empty if they are unknown.
    #[must_use]
    pub fn record(&self) -> &TrainingRecord {
        &self.record
    }

    /// Returns the prediction for a training image by a head trained without it and its near-duplicates, if
    /// the head file stores it. Rejection does not apply, since a training image is known.
    #[must_use]
    pub fn out_of_fold(&self, digest: &Digest) -> Option<Prediction> {
        let logits = self.record.out_of_fold(&digest.0)?;
        // The centre is always the first view.
        let views = logits.nrows().min(self.spec.views.len());
        let logits = logits.slice(s![..views, ..]).mapv(f64::from);
        let probabilities = self.temperature.probabilities(logits, views);
        Some(Prediction {
            probabilities: probabilities.into_iter().collect(),
            verdict: Verdict::Known,
        })
    }

    /// Returns how many training images were predicted as each class out of fold, (C), if the head file
    /// stores that.
    pub(crate) fn out_of_fold_counts(&self) -> Option<Vec<usize>> {
        let (views, logits) = self.record.all_out_of_fold()?;
        let used = views.min(self.spec.views.len()).max(1);
        let mut counts = vec![0; self.classes.len()];
        for image in logits.axis_chunks_iter(Axis(0), views) {
            let logits = image.slice(s![..used, ..]).mapv(f64::from);
            let p = self.temperature.probabilities(logits, used);
            let best = top(&p.into_iter().collect::<Vec<_>>(), 1);
            for (class, _) in best {
                counts[class] += 1;
            }
        }
        Some(counts)
    }

    /// Returns the linear layer, without the temperature.
    pub(crate) fn head(&self) -> &LinearHead {
        &self.head
    }

    /// Returns the metrics of the fit.
    pub(crate) fn metrics(&self) -> &serde_json::Value {
        &self.metrics
    }

    /// Returns the temperature by which the logits are divided.
    #[must_use]
    pub fn temperature(&self) -> Temperature {
        self.temperature
    }

    /// Returns the classes, in the order of the probabilities.
    #[must_use]
    pub fn classes(&self) -> &ClassIndex {
        &self.classes
    }

    /// Returns the specification of the head's features: backbone, preprocessing, decoding and views.
    #[must_use]
    pub fn spec(&self) -> &FeatureSpec {
        &self.spec
    }

    /// Checks that features described by `spec` match those that the head was trained on; `name` is what
    /// errors call them. Returns a note if they match except for the version of the decoded pixels.
    ///
    /// # Errors
    /// [`TaskError::OtherFeatures`] listing the differences.
    pub fn require(&self, spec: &FeatureSpec, name: &str) -> Result<Option<String>> {
        let ours = self.spec.with_pixels_of(spec);
        let differences = ours.differences_from_superset(spec, ["the head", "the features"]);
        if differences.is_empty() {
            return Ok(self.pixel_note(spec.decoding.pixel_version));
        }
        let features = name.to_owned();
        Err(TaskError::OtherFeatures {
            features,
            differences,
        }
        .into())
    }

    /// Returns a note for the user if the head was trained on pixels of another version.
    #[must_use]
    pub fn pixel_note(&self, version: u32) -> Option<String> {
        let trained = self.spec.decoding.pixel_version;
        (trained != version).then(|| {
            format!(
                "the head was trained on features of pixel version {trained} but is used on features of \
                 version {version}: features of JPEGs differ slightly (cosine 0.999); to use the same \
                 pixels, extract the training images again and fit the head again"
            )
        })
    }

    /// Predicts from features (N · V, D), with the V views of each image in consecutive rows. Returns a
    /// prediction for each image, which averages the probabilities of its views, or why there is none. The
    /// verdict depends only on the first view, which is the centre.
    ///
    /// # Errors
    /// [`TaskError::OtherFeatures`] if D is not the head's.
    pub fn predict(
        &self,
        features: ArrayView2<f32>,
    ) -> Result<Vec<Result<Prediction, NoPrediction>>> {
        let views = self.spec.views.len().max(1);
        let mut predictions = Vec::with_capacity(features.nrows() / views);
        // In batches, because each step to the predictions copies the probabilities.
        for some in features.axis_chunks_iter(Axis(0), views * AT_ONCE) {
            predictions.extend(self.predict_some(some, views)?);
        }
        Ok(predictions)
    }

    fn predict_some(
        &self,
        features: ArrayView2<f32>,
        views: usize,
    ) -> Result<Vec<Result<Prediction, NoPrediction>>> {
        let logits = self.head.logits(features)?;
        let usable = usable(features, logits.view(), views);
        let probabilities = self.temperature.probabilities(logits, views);
        let verdicts = self.verdicts(features.slice(s![..; views, ..]))?;
        let images = usable.into_iter().zip(probabilities.rows()).zip(verdicts);
        let prediction = |((usable, probabilities), verdict): ((Result<(), _>, _), _)| {
            usable.and_then(|()| Prediction::new(probabilities, verdict))
        };
        Ok(images.map(prediction).collect())
    }

    fn verdicts(&self, centres: ArrayView2<f32>) -> Result<Vec<Verdict>> {
        let Some(rejection) = &self.rejection else {
            return Ok(vec![Verdict::Known; centres.nrows()]);
        };
        let verdict = |likeness: Likeness| {
            if rejection.rejects(&likeness) {
                Verdict::Unknown {
                    score: likeness.score,
                    threshold: rejection.rule().threshold,
                    nearest: likeness.class,
                }
            } else {
                Verdict::Known
            }
        };
        Ok(rejection
            .likeness(centres)?
            .into_iter()
            .map(verdict)
            .collect())
    }
}

/// Checks for each image that its features and logits are finite. The logits are checked because one that
/// overflowed can still yield a finite probability.
fn usable(
    features: ArrayView2<f32>,
    logits: ArrayView2<f64>,
    views: usize,
) -> Vec<Result<(), NoPrediction>> {
    let images = features.axis_chunks_iter(Axis(0), views);
    let images = images.zip(logits.axis_chunks_iter(Axis(0), views));
    let check = |(features, logits): (ArrayView2<f32>, ArrayView2<f64>)| {
        if !features.iter().all(|feature| feature.is_finite()) {
            Err(NoPrediction::Features)
        } else if !logits.iter().all(|logit| logit.is_finite()) {
            Err(NoPrediction::Probabilities)
        } else {
            Ok(())
        }
    };
    images.map(check).collect()
}

/// Parses the specification of a head's features, or returns why it cannot be used.
fn spec_of(manifest: Value, head: &LinearHead) -> Result<FeatureSpec, String> {
    let spec: FeatureSpec = serde_json::from_value(manifest).map_err(|e| e.to_string())?;
    if let Some(problem) = spec.problem() {
        return Err(problem);
    }
    let (said, features) = (spec.backbone.num_features, head.n_features());
    if said == features {
        return Ok(spec);
    }
    Err(format!(
        "`num_features` is {said}, but the weights expect {features}"
    ))
}

impl Prediction {
    fn new(probabilities: ArrayView1<f64>, verdict: Verdict) -> Result<Self, NoPrediction> {
        if !probabilities.iter().all(|p| p.is_finite()) {
            return Err(NoPrediction::Probabilities);
        }
        Ok(Self {
            probabilities: probabilities.to_vec(),
            verdict,
        })
    }

    /// Returns the probability of each class.
    #[must_use]
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// Returns whether the image was accepted or rejected. The probabilities do not depend on it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Returns the most probable class and its probability.
    #[must_use]
    pub fn best(&self) -> (usize, f64) {
        self.top(1).first().copied().unwrap_or((0, 0.0))
    }

    /// Returns the `k` most probable classes with their probabilities, most probable first. Ties are ordered
    /// by index.
    #[must_use]
    pub fn top(&self, k: usize) -> Vec<(usize, f64)> {
        top(&self.probabilities, k)
    }
}

/// Returns the `k` most probable classes with their probabilities, most probable first. Ties are ordered by
/// index.
#[must_use]
pub(crate) fn top(probabilities: &[f64], k: usize) -> Vec<(usize, f64)> {
    let mut order: Vec<(usize, f64)> = probabilities.iter().copied().enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order.truncate(k);
    order
}

#[cfg(test)]
mod tests;
