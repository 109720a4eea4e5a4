//! A head together with what its features are features of: what turns features into classes.

use std::path::Path;

use ndarray::{ArrayView1, ArrayView2, Axis, s};
use serde_json::Value;

use crate::backbones::FeatureSpec;
use crate::classes::ClassIndex;
use crate::error::{Error, FileKind, FileProblem, Result, TaskError};
use crate::features::Digest;
use crate::head::{HeadFile, Likeness, LinearHead, Rejection, Temperature, TrainingRecord};
use crate::images::View;

/// Images that are predicted at once.
const AT_ONCE: usize = 256;

/// Test-time augmentation: which views of an image the head predicts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Tta {
    /// Those that it was trained with.
    #[default]
    Trained,
    /// The centre alone.
    None,
}

/// Whether images unlike all training images are rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Rejecting {
    /// As the head says.
    #[default]
    AsTrained,
    /// No: every image is of one of the classes.
    Off,
}

/// A trained head that predicts classes from features, which are computed elsewhere. It may be shared between
/// threads.
#[derive(Debug, Clone)]
pub struct Predictor {
    head: LinearHead,
    classes: ClassIndex,
    spec: FeatureSpec,
    temperature: Temperature,
    rejection: Option<Rejection>,
    record: TrainingRecord,
}

/// The prediction for one image: a probability for each class, with sum 1, and the [`Verdict`].
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    probabilities: Vec<f64>,
    verdict: Verdict,
}

/// Why features have no prediction. Messages read as `{path}: {reason}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoPrediction {
    /// NaN or infinities, as stores of early versions may hold.
    #[error("has features that are not finite (NaN or infinity); extract them again as f32")]
    Features,
    /// The head's sums leave the range of numbers.
    #[error(
        "its probabilities are not numbers (NaN): the head's weights or the image's features are too large"
    )]
    Probabilities,
}

/// Whether the head accepts an image, or rejects it as unlike all training images.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// It is like some training image, or the head has no rejection.
    Known,
    /// It is like none.
    Unknown {
        /// The cosine between its centre and the nearest training image, in [-1, 1].
        score: f32,
        /// The least that a known image has.
        threshold: f32,
        /// The class of that training image.
        nearest: usize,
    },
}

impl Verdict {
    /// Why it is unknown, where it is.
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
            "the nearest training image ({class}) has a cosine of {score:.3}, below {threshold:.3}"
        ))
    }
}

impl Predictor {
    /// Reads a head file, to be used with the views that it was trained with or with the centre alone.
    ///
    /// # Errors
    /// Those of [`HeadFile::read`], and [`Error::File`] where the head does not say what it was trained on.
    pub fn open(path: &Path, tta: Tta) -> Result<Self> {
        Self::of(HeadFile::read(path)?, tta).map_err(|problem| Error::File {
            path: path.to_owned(),
            problem: FileProblem::Damaged(format!(
                "its manifest of the features cannot be used: {problem}"
            )),
            kind: FileKind::HeadManifest,
        })
    }

    /// What a head file holds, or why its manifest cannot be used.
    pub(super) fn of(file: HeadFile, tta: Tta) -> Result<Self, String> {
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
        })
    }

    /// The same classifier with another opinion on images that are like none of the training images.
    #[must_use]
    pub fn rejecting(mut self, rejecting: Rejecting) -> Self {
        if rejecting == Rejecting::Off {
            self.rejection = None;
        }
        self
    }

    /// What tells images of no class from the others, where the head has that and it is not off.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        self.rejection.as_ref()
    }

    /// The images that the head was trained on, where they are known.
    #[must_use]
    pub fn record(&self) -> &TrainingRecord {
        &self.record
    }

    /// The prediction for a training image by a head that was trained without it and its near-duplicates,
    /// where the head keeps it. Whether the image is of any class is not asked: the head knows it.
    #[must_use]
    pub fn out_of_fold(&self, digest: &Digest) -> Option<Prediction> {
        let logits = self.record.out_of_fold(&digest.0)?;
        // The centre is the first view, and the only one where no other is used.
        let views = logits.nrows().min(self.spec.views.len());
        let logits = logits.slice(s![..views, ..]).mapv(f64::from);
        let probabilities = self.temperature.probabilities(logits, views);
        Some(Prediction {
            probabilities: probabilities.into_iter().collect(),
            verdict: Verdict::Known,
        })
    }

    /// What the logits are divided by.
    #[must_use]
    pub fn temperature(&self) -> Temperature {
        self.temperature
    }

    /// The classes, in the order of the probabilities.
    #[must_use]
    pub fn classes(&self) -> &ClassIndex {
        &self.classes
    }

    /// What the head's features are features of.
    #[must_use]
    pub fn spec(&self) -> &FeatureSpec {
        &self.spec
    }

    /// Checks that features of `spec` are those that the head was trained on; `name` says whose they are.
    /// Returns a note where the head can be used although their pixels were decoded by another version.
    ///
    /// # Errors
    /// [`TaskError::OtherFeatures`] with both sides.
    pub fn require(&self, spec: &FeatureSpec, name: &str) -> Result<Option<String>> {
        let ours = self.spec.with_pixels_of(spec);
        let differences = ours.differences_from_superset(spec);
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

    /// What to know where the head is used on pixels of a version that it was not trained on.
    #[must_use]
    pub fn pixel_note(&self, version: u32) -> Option<String> {
        let trained = self.spec.decoding.pixel_version;
        (trained != version).then(|| {
            format!(
                "the head was trained on features of pixel version {trained}, and is used on those of \
                 version {version}: features of JPEGs differ slightly (cosine 0.999); to use the same \
                 pixels, extract the training images again and fit the head again"
            )
        })
    }

    /// Predicts from features (N · V, D), V views of each image together: a prediction for each image, the
    /// mean of its views' probabilities, or why there is none. Whether it is of any class, its first view
    /// says, the centre, whatever the others are.
    ///
    /// # Errors
    /// [`TaskError::OtherFeatures`] where D is not the head's.
    pub fn predict(
        &self,
        features: ArrayView2<f32>,
    ) -> Result<Vec<Result<Prediction, NoPrediction>>> {
        let views = self.spec.views.len().max(1);
        let mut predictions = Vec::with_capacity(features.nrows() / views);
        // Between logits and predictions lie several copies of the probabilities.
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

/// Whether features and logits of each image are numbers. A sum that left the range on its way may be any
/// logit, also one whose probability is a number.
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

/// What a head's features are features of, or why that cannot be.
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
        "`num_features` is {said}, but the weights are for {features}"
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

    /// A number for each class.
    #[must_use]
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// Whether the image is of any class at all; the probabilities are as they are either way.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The most probable class and its probability.
    #[must_use]
    pub fn best(&self) -> (usize, f64) {
        self.top(1).first().copied().unwrap_or((0, 0.0))
    }

    /// The `k` most probable classes with their probabilities, best first; the lower index first among
    /// equals.
    #[must_use]
    pub fn top(&self, k: usize) -> Vec<(usize, f64)> {
        top(&self.probabilities, k)
    }
}

/// The `k` most probable classes with their probabilities, best first; the lower index first among equals.
#[must_use]
pub(crate) fn top(probabilities: &[f64], k: usize) -> Vec<(usize, f64)> {
    let mut order: Vec<(usize, f64)> = probabilities.iter().copied().enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order.truncate(k);
    order
}

#[cfg(test)]
mod tests;
