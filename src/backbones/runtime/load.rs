//! Loads a network, and checks what it computes.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use super::agreement::{LEAST_COSINE, LEAST_FROM_PIXELS, cosine, test_picture, test_pixels};
use super::batch_sizes::BatchSizes;
use super::buffers::{Buffers, Normaliser};
use super::network::Network;
use super::session::Opener;
use super::signature::{choose_output, input_shape};
use super::{OnnxBackbone, staging};
use crate::backbones::{
    Backbone as _, Device, DeviceRequest, FeatureLayer, Precision, RunOptions, RuntimeLibrary,
};
use crate::error::{NetworkProblem, Result};
use crate::images::{Preprocessing, Preprocessor};

impl OnnxBackbone {
    /// Loads a network and runs one blank image through it to determine D. If the SHA-256 of its files is
    /// passed, the graph that ONNX Runtime optimises is cached for the next start. `auto` is a GPU if one
    /// runs this image, otherwise the CPU.
    ///
    /// # Errors
    /// [`BackboneError::Runtime`](crate::error::BackboneError::Runtime) if the device does not work; a
    /// [`NetworkProblem`] if the file, its input, the layer or D does not match the manifest.
    pub fn load(
        library: &RuntimeLibrary,
        file: (&Path, Option<&str>),
        features: &FeatureLayer,
        preprocessing: &Preprocessing,
        options: &RunOptions,
    ) -> Result<Self> {
        let on = |device| Self::load_on(device, library, file, features, preprocessing, options);
        let mut backbone = match options.device {
            DeviceRequest::Exactly(device) => on(device)?,
            DeviceRequest::Auto => match on(Device::Cuda(0)) {
                Ok(backbone) => backbone,
                Err(error) => Self {
                    why: Some(error.to_string()),
                    ..on(Device::Cpu)?
                },
            },
        };
        if options.precision == Precision::Fp16 {
            backbone.check_against_fp32()?;
        }
        if backbone.device().is_nvidia()
            && let Err(error) = backbone.normalise_on_device(preprocessing)
        {
            backbone.why_floats = Some(error.to_string());
        }
        Ok(backbone)
    }

    fn load_on(
        device: Device,
        library: &RuntimeLibrary,
        (path, sha256): (&Path, Option<&str>),
        features: &FeatureLayer,
        preprocessing: &Preprocessing,
        options: &RunOptions,
    ) -> Result<Self> {
        let image = preprocessing.input_shape();
        let (session, opener) = Opener::start(library, (path, sha256), image, device, options)?;
        let fault = |problem: NetworkProblem| problem.at(path);
        let shape = input_shape(session.inputs(), preprocessing).map_err(fault)?;
        let layer = choose_output(session.outputs(), features.layer.as_deref()).map_err(fault)?;
        let network = Network {
            sizes: BatchSizes::new(
                shape.batch.or(opener.mixes_images.then_some(1)),
                opener.liked_batches(),
            ),
            wanted: features.clone(),
            pooling: OnceLock::new(),
            layout: preprocessing.layout,
            opener,
            layer,
            shape,
        };
        let mut backbone = Self {
            network: Arc::new(network),
            session: Some(Arc::new(Mutex::new(session))),
            plain: None,
            buffers: None,
            why_floats: None,
            num_features: 0,
            why: None,
        };
        backbone.measure(features.num_features)?;
        Ok(backbone)
    }

    /// Makes [`Backbone::forward_pixels`] normalise images on the network's device, if a test picture then
    /// has the same features. [`Self::load`] does so for NVIDIA's GPUs.
    ///
    /// # Errors
    /// [`NetworkProblem::OtherFromPixels`], and those of the device. Images are then normalised before.
    #[doc(hidden)]
    pub fn normalise_on_device(&mut self, preprocessing: &Preprocessing) -> Result<()> {
        let pixels = test_pixels(self.network.shape.image_len());
        let mut values = vec![0.0; pixels.len()];
        Preprocessor::new(preprocessing)?.normalise(&pixels, &mut values);
        let wanted = self.forward(&values, 1)?;
        let normaliser = Normaliser::open(&self.network, preprocessing)?;
        let mut buffers = Buffers::new(Arc::clone(&self.network), Arc::new(normaliser));
        let session = self.session.as_ref().expect("an image has run");
        let found = staging::forward(&mut buffers, session, &self.network.sizes, &[&pixels])?;
        // The cosine of features that are all zeros is 0.
        let (cosine, least) = (cosine(&found.features, &wanted), LEAST_FROM_PIXELS);
        if found.features != wanted && cosine < least {
            let other = NetworkProblem::OtherFromPixels { cosine, least };
            return Err(self.network.fault(other));
        }
        self.buffers = Some(buffers);
        Ok(())
    }

    fn measure(&mut self, wanted: Option<usize>) -> Result<()> {
        let blank = vec![0.0; self.network.shape.image_len()];
        let features = self.forward(&blank, 1)?;
        // In fp16, values may only be too large for it, which the comparison with fp32 tells.
        if self.precision() != Precision::Fp16 {
            self.require_finite(&features)?;
        }
        self.num_features = features.len();
        match wanted {
            Some(wanted) if wanted != self.num_features => {
                let problem = NetworkProblem::NumFeatures {
                    layer: self.network.layer.clone(),
                    found: self.num_features,
                    wanted,
                };
                Err(self.network.fault(problem))
            }
            _ => Ok(()),
        }
    }

    fn check_against_fp32(&mut self) -> Result<()> {
        let picture = test_picture(self.network.shape.image_len());
        let half = self.forward(&picture, 1)?;
        let mut session = self.network.opener.open_in_full()?;
        let full = self.network.run(&mut session, &picture, 1)?;
        self.require_finite(&full)?;
        let cosine = cosine(&half, &full);
        if cosine >= LEAST_COSINE {
            return Ok(());
        }
        let least = LEAST_COSINE;
        let other = NetworkProblem::OtherInFp16 { cosine, least };
        Err(self.network.fault(other))
    }
}
