//! The entry point for features: a backbone, opened once, for images in any form.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::pipeline::{Images, Known, Outcome, Pipeline};
use super::source::Computing;
use crate::backbones::{Decoding, FeatureSpec, Frozen, Home, RunOptions};
use crate::error::Result;
use crate::images::{Image, SkipReason};
use crate::progress::Silent;

/// Computes the features of images with a pretrained network.
///
/// It can be shared between threads. Each call keeps all CPUs or the GPU busy, so calls from several threads
/// run one after the other.
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
    /// Opens a backbone by its name or the path of its ONNX file, on a GPU if available, otherwise on all
    /// CPUs. Backbones and ONNX Runtime are looked up in [`Home::from_env`].
    ///
    /// # Errors
    /// As [`Home::from_env`] and [`Self::with`].
    pub fn open(backbone: impl AsRef<Path>) -> Result<Self> {
        Self::with(backbone, &RunOptions::new(Home::from_env()?))
    }

    /// Opens a backbone with the given options.
    ///
    /// # Errors
    /// [`Error::Backbone`](crate::Error::Backbone) if ONNX Runtime or the device is missing, or if the
    /// backbone is not installed or cannot be run.
    pub fn with(backbone: impl AsRef<Path>, options: &RunOptions) -> Result<Self> {
        Self::by_name(backbone.as_ref(), &Computing::new(options.clone()))
    }

    /// Opens a backbone as [`Self::with`] does, with limits and a batch size. The network and the store of
    /// `how` are not used.
    ///
    /// # Errors
    /// As [`Self::with`].
    #[doc(hidden)]
    pub fn by_name(backbone: &Path, how: &Computing) -> Result<Self> {
        let decoding = Decoding::default();
        let network = Frozen::by_name(backbone, |_| {}, decoding, &how.run)?;
        Ok(Self::of(network, how))
    }

    /// Opens the backbone of the features that `spec` describes, wherever it is installed.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub fn for_spec(spec: &FeatureSpec, options: &RunOptions) -> Result<Self> {
        Self::computing(spec, &Computing::new(options.clone()))
    }

    /// Opens the backbone of the features that `spec` describes, with limits, a batch size and, if it is not
    /// installed, its file. The store of `how` is not used.
    ///
    /// # Errors
    /// As [`Self::with`].
    #[doc(hidden)]
    pub fn computing(spec: &FeatureSpec, how: &Computing) -> Result<Self> {
        let network = Frozen::for_spec(spec, how.backbone.as_deref(), &how.run)?;
        Ok(Self::of(network, how))
    }

    fn of(network: Frozen, how: &Computing) -> Self {
        let spec = network.spec.clone();
        Self {
            network: Mutex::new(network),
            pipeline: Pipeline::of(&spec, how.limits, how.batch_size, how.run.threads),
            spec,
        }
    }

    /// Returns the specification of the features: backbone, layer, preprocessing and views.
    #[must_use]
    pub fn spec(&self) -> &FeatureSpec {
        &self.spec
    }

    /// Returns the number of features of an image: D for each of its V views.
    #[must_use]
    pub fn num_features(&self) -> usize {
        self.spec.backbone.num_features * self.spec.views.len()
    }

    /// Computes the features of images, [`Self::num_features`] values each. The results are in input order;
    /// an image that cannot be used has the reason in its place. Images are decoded in parallel and run in
    /// batches.
    ///
    /// # Errors
    /// Errors of the network. An image that cannot be used is not an error.
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

    /// Computes features as [`Self::features`] does, but passes each result to `each` as soon as it is
    /// available, so that memory use does not grow with the number of images.
    ///
    /// # Errors
    /// Errors of the network and of `each`.
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
        // A poisoned lock is fine: a call that panicked leaves no state that the next one depends on.
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
