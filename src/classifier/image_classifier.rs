//! The entry point for classification: a head and its backbone, opened once, for images in any form.

use std::path::Path;

use ndarray::Array2;

use super::predictor::{NoPrediction, Prediction, Predictor, Tta, Verdict};
use crate::backbones::{Home, RunOptions};
use crate::classes::ClassIndex;
use crate::error::{Error, Result};
use crate::features::{Computing, Extractor};
use crate::images::{Image, SkipReason};

/// Number of images per prediction batch.
const AT_ONCE: usize = 256;

/// Predicts the classes of images with a trained head and the backbone of its features.
///
/// Like an [`Extractor`], it can be shared between threads.
///
/// ```no_run
/// let classifier = frostline::Classifier::open("head.safetensors")?;
/// for prediction in classifier.classify(["cat.jpg", "dog.jpg"])? {
///     println!("{:?}", prediction.map(|prediction| classifier.label(&prediction).map(str::to_owned)));
/// }
/// # Ok::<(), frostline::Error>(())
/// ```
#[derive(Debug)]
pub struct Classifier {
    predictor: Predictor,
    extractor: Extractor,
}

/// Why an image has no prediction. Messages read as `{path}: {reason}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unclassified {
    /// It cannot be read or decoded.
    #[error(transparent)]
    Skipped(#[from] SkipReason),
    /// Its features or probabilities are not finite.
    #[error(transparent)]
    NoPrediction(#[from] NoPrediction),
}

impl Classifier {
    /// Opens a head and the backbone of its features, on a GPU if available, otherwise on all CPUs. Backbones
    /// and ONNX Runtime are looked up in [`Home::from_env`].
    ///
    /// # Errors
    /// As [`Home::from_env`] and [`Self::with`].
    pub fn open(head: impl AsRef<Path>) -> Result<Self> {
        Self::with(head, Tta::Trained, &RunOptions::new(Home::from_env()?))
    }

    /// Opens a head and its backbone with the given options, to predict from the views selected by `tta`.
    ///
    /// # Errors
    /// As [`Predictor::open`] and [`Extractor::for_spec`].
    pub fn with(head: impl AsRef<Path>, tta: Tta, options: &RunOptions) -> Result<Self> {
        let predictor = Predictor::open(head.as_ref(), tta)?;
        Self::of(predictor, &Computing::new(options.clone()))
    }

    /// Opens the backbone of a predictor, with limits, a batch size and, if it is not installed, its file.
    ///
    /// # Errors
    /// As [`Extractor::for_spec`].
    #[doc(hidden)]
    pub fn of(predictor: Predictor, how: &Computing) -> Result<Self> {
        let extractor = Extractor::computing(predictor.spec(), how)?;
        Ok(Self {
            predictor,
            extractor,
        })
    }

    /// Returns the classes, in the order of the probabilities.
    #[must_use]
    pub fn classes(&self) -> &ClassIndex {
        self.predictor.classes()
    }

    /// Returns the name of the most probable class, or `None` if the head rejects the image as unlike any
    /// training image.
    #[must_use]
    pub fn label(&self, prediction: &Prediction) -> Option<&str> {
        match prediction.verdict() {
            Verdict::Known => self.classes().name(prediction.best().0),
            Verdict::Unknown { .. } => None,
        }
    }

    /// Predicts the classes of images. The results are in input order; an image without a prediction has the
    /// reason in its place.
    ///
    /// # Errors
    /// Errors of the network. An image that cannot be used is not an error.
    pub fn classify<I>(&self, images: I) -> Result<Vec<Result<Prediction, Unclassified>>>
    where
        I: IntoIterator<Item: Into<Image>>,
    {
        self.classify_until(images, &|| false)
    }

    /// Classifies images as [`Self::classify`] does, until `is_stopped` returns true, which is asked after
    /// every image.
    ///
    /// # Errors
    /// Errors of the network, and [`Error::Interrupted`].
    pub fn classify_until<I>(
        &self,
        images: I,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Vec<Result<Prediction, Unclassified>>>
    where
        I: IntoIterator<Item: Into<Image>>,
    {
        let mut results = Vec::new();
        let mut waiting = Vec::new();
        self.extractor.each(images, &mut |features| {
            if is_stopped() {
                return Err(Error::Interrupted { kept: None });
            }
            waiting.push(features);
            if waiting.len() == AT_ONCE {
                self.predict(&mut waiting, &mut results)?;
            }
            Ok(())
        })?;
        self.predict(&mut waiting, &mut results)?;
        Ok(results)
    }

    fn predict(
        &self,
        waiting: &mut Vec<Result<Vec<f32>, SkipReason>>,
        results: &mut Vec<Result<Prediction, Unclassified>>,
    ) -> Result<()> {
        let spec = self.predictor.spec();
        let features: Vec<f32> = waiting.iter().flatten().flatten().copied().collect();
        let shape = (
            features.len() / spec.backbone.num_features,
            spec.backbone.num_features,
        );
        let features = Array2::from_shape_vec(shape, features).expect("rows of D features");
        let mut predictions = self.predictor.predict(features.view())?.into_iter();
        results.extend(waiting.drain(..).map(|image| {
            image?;
            let prediction = predictions
                .next()
                .expect("one prediction for each image with features");
            Ok(prediction?)
        }));
        Ok(())
    }
}
