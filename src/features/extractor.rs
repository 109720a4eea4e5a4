//! The short way to features: a backbone that is opened once, and images in any form.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::pipeline::{Images, Known, Outcome, Pipeline};
use crate::backbones::{Decoding, FeatureSpec, Frozen, Home, RunOptions};
use crate::error::Result;
use crate::images::{Image, Limits, SkipReason};
use crate::progress::Silent;

/// Images that the network is given at once.
const BATCH_SIZE: usize = 8;

/// A pretrained network that turns images into features. It may be shared between threads: each call keeps
/// all CPUs or the GPU busy, so calls from several threads run one after the other.
///
/// ```no_run
/// let extractor = frostline::Extractor::open("efficientnet-lite0")?;
/// for features in extractor.features(["cat.jpg", "dog.jpg"])? {
///     println!("{:?}", features.map(|numbers| numbers.len()));
/// }
/// # Ok::<(), frostline::Error>(())
/// ```
#[derive(Debug)]
pub struct Extractor {
    network: Mutex<Frozen>,
    spec: FeatureSpec,
    pipeline: Pipeline,
}

impl Extractor {
    /// Opens a backbone by its name or the path of its ONNX file, on the GPU if there is one, else on all
    /// CPUs. Backbones and ONNX Runtime are looked for in [`Home::from_env`].
    ///
    /// # Errors
    /// Those of [`Home::from_env`] and [`Self::with`].
    pub fn open(backbone: impl AsRef<Path>) -> Result<Self> {
        Self::with(backbone, &RunOptions::new(Home::from_env()?))
    }

    /// Opens a backbone as `options` say.
    ///
    /// # Errors
    /// [`Error::Backbone`](crate::Error::Backbone) if ONNX Runtime or the device is missing, or the backbone
    /// is not installed or cannot be run.
    pub fn with(backbone: impl AsRef<Path>, options: &RunOptions) -> Result<Self> {
        let decoding = Decoding::default();
        let network = Frozen::by_name(backbone.as_ref(), |_| {}, decoding, options)?;
        Ok(Self::of(network, options.threads))
    }

    /// Opens the backbone that some features or a head were made with, wherever it is installed.
    ///
    /// # Errors
    /// Those of [`Self::with`].
    pub fn for_spec(spec: &FeatureSpec, options: &RunOptions) -> Result<Self> {
        let network = Frozen::for_spec(spec, None, options)?;
        Ok(Self::of(network, options.threads))
    }

    fn of(network: Frozen, threads: usize) -> Self {
        let spec = network.spec.clone();
        Self {
            network: Mutex::new(network),
            pipeline: Pipeline::of(&spec, Limits::default(), BATCH_SIZE, threads),
            spec,
        }
    }

    /// What the features are features of: backbone, layer, preprocessing and views.
    #[must_use]
    pub fn spec(&self) -> &FeatureSpec {
        &self.spec
    }

    /// The number of features of an image: D for each of its V views.
    #[must_use]
    pub fn num_features(&self) -> usize {
        self.spec.backbone.num_features * self.spec.views.len()
    }

    /// Computes the features of images, in their order: [`Self::num_features`] numbers for each, or why it
    /// cannot be used. Images are decoded side by side and run in batches.
    ///
    /// # Errors
    /// Those of the network; a bad image is none.
    pub fn features<I>(&self, images: I) -> Result<Vec<Result<Vec<f32>, SkipReason>>>
    where
        I: IntoIterator<Item: Into<Image>>,
    {
        let mut features = Vec::new();
        self.each(images, &mut |result| {
            features.push(result);
            Ok(())
        })?;
        Ok(features)
    }

    /// As [`Self::features`], but each result is given to `each` as soon as it is known, so that memory does
    /// not grow with the number of images.
    ///
    /// # Errors
    /// Those of the network, and those of `each`.
    pub fn each<I>(
        &self,
        images: I,
        each: &mut dyn FnMut(Result<Vec<f32>, SkipReason>) -> Result<()>,
    ) -> Result<()>
    where
        I: IntoIterator<Item: Into<Image>>,
    {
        let images: Vec<Image> = images.into_iter().map(Into::into).collect();
        let images = Images::Given(images.into_iter());
        // A call that panicked has left nothing half done that the next one reads.
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let backbone = &mut network.backbone;
        let run = self
            .pipeline
            .run(images, backbone, &Known::default(), &Silent, &mut |item| {
                each(match item.outcome {
                    Outcome::Computed(_, features) => Ok(features),
                    Outcome::Skipped(reason) => Err(reason),
                    Outcome::Reused(_) => unreachable!("no features are known"),
                })
            });
        run.map(drop)
    }
}
