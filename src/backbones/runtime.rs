//! Runs networks with ONNX Runtime, through `ort`.

mod agreement;
mod batch_sizes;
mod environment;
mod fault;
mod graph_cache;
mod instruction_sets;
mod network;
mod operators;
mod placement;
mod plain;
mod pool;
mod preload;
mod providers;
mod session;
mod signature;
mod source;
mod threads;

use std::iter;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use frostline_onnx::export;
use ort::session::Session;

use self::agreement::{LEAST_COSINE, cosine, test_picture};
use self::batch_sizes::BatchSizes;
use self::network::{Network, RunFault};
use self::operators::OwnNetwork;
pub(crate) use self::plain::{Outputs, PlainNetwork, Port, PortType, Values};
pub(crate) use self::providers::available_providers;
use self::session::Opener;
use self::signature::{choose_output, input_shape};
use super::backbone::Backbone;
use super::device::{Device, Precision};
use super::library::RuntimeLibrary;
use super::manifest::FeatureLayer;
use super::run_options::RunOptions;
use crate::error::{NetworkProblem, Result};
use crate::images::Preprocessing;

/// A network that ONNX Runtime runs. As a [`Backbone`], it turns preprocessed images into features.
pub struct OnnxBackbone {
    network: Arc<Network>,
    /// A replica opens its own session on first use.
    session: Option<Session>,
    /// Runs the network exactly as in its file, for images that frostline's operators cannot handle. Opened
    /// on first use.
    plain: Option<Session>,
    num_features: usize,
    /// Why `auto` did not choose a GPU.
    why: Option<String>,
}

/// How a batch is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pieces {
    /// As is fastest; one image at a time if several fail to run together.
    Fastest,
    /// As large as possible.
    AsLarge,
}

impl std::fmt::Debug for OnnxBackbone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxBackbone")
            .field("path", &self.network.opener.path)
            .field("layer", &self.network.layer)
            .finish_non_exhaustive()
    }
}

impl OnnxBackbone {
    /// Loads a network and runs one blank image through it to determine D. If the SHA-256 of its files is
    /// passed, the graph that ONNX Runtime optimises is cached for the next start.
    ///
    /// # Errors
    /// [`BackboneError::Runtime`](crate::error::BackboneError::Runtime) if the device does not work; a
    /// [`NetworkProblem`] if the file, its input, the layer or D does not match the manifest.
    pub fn load(
        library: &RuntimeLibrary,
        (path, sha256): (&Path, Option<&str>),
        features: &FeatureLayer,
        preprocessing: &Preprocessing,
        options: &RunOptions,
    ) -> Result<Self> {
        let image = preprocessing.input_shape();
        let (session, opener, why) = Opener::start(library, (path, sha256), image, options)?;
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
            session: Some(session),
            plain: None,
            num_features: 0,
            why,
        };
        backbone.measure(features.num_features)?;
        if options.precision == Precision::Fp16 {
            backbone.check_against_fp32()?;
        }
        Ok(backbone)
    }

    /// Returns the name of the output used as features.
    #[must_use]
    pub fn layer(&self) -> &str {
        &self.network.layer
    }

    /// Returns the layer and how it is pooled, with all that was inferred.
    pub(crate) fn feature_layer(&self) -> FeatureLayer {
        let pooling = self.network.pooling.get();
        let pooling = pooling.expect("a blank image has run through the network");
        FeatureLayer {
            layer: Some(self.network.layer.clone()),
            pool: Some(pooling.pool),
            map: pooling.map,
            prefix_tokens: Some(pooling.prefix_tokens).filter(|&prefix| prefix > 0),
            num_features: Some(self.num_features),
        }
    }

    /// Returns how the layer is pooled, for a network that contains the pooling.
    pub(crate) fn pooling(&self) -> export::Pooling {
        let pooling = self.network.pooling.get();
        (*pooling.expect("a blank image has run through the network")).into()
    }

    /// Returns the device that actually runs the network.
    #[must_use]
    pub fn device(&self) -> Device {
        self.network.opener.device
    }

    /// Returns the precision that it actually computes in.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.network.opener.precision()
    }

    /// Returns the network's fixed batch size, if it has one; larger batches are run in pieces of that size.
    #[must_use]
    pub(crate) fn fixed_batch(&self) -> Option<usize> {
        self.network.sizes.fixed()
    }

    /// Returns whether images run one at a time because their features would depend on each other.
    pub(crate) fn mixes_images(&self) -> bool {
        self.network.opener.mixes_images
    }

    /// Returns how many of its convolutions are computed in the Winograd domain.
    #[must_use]
    pub fn winograd_layers(&self) -> usize {
        let own = self.network.opener.own_network();
        own.map_or(0, OwnNetwork::n_winograd)
    }

    /// Returns how many of its convolutions frostline's operators compute, in the Winograd domain or not.
    #[doc(hidden)]
    #[must_use]
    pub fn own_convolutions(&self) -> usize {
        let own = self.network.opener.own_network();
        own.map_or(0, OwnNetwork::n_convolutions)
    }

    /// Returns why `auto` did not choose a GPU.
    #[must_use]
    pub(crate) fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// Returns the batch size that did not fit into memory, if any; batches have been half as large since.
    #[must_use]
    pub(crate) fn too_large(&self) -> Option<usize> {
        self.network.sizes.too_large()
    }

    /// Returns whether it failed to run several images together, so that they run one at a time.
    #[must_use]
    pub(crate) fn runs_single(&self) -> bool {
        self.network.sizes.is_single()
    }

    fn measure(&mut self, wanted: Option<usize>) -> Result<()> {
        let blank = vec![0.0; self.network.shape.image_len()];
        let features = self.forward(&blank, 1)?;
        self.require_finite(&features)?;
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
        let cosine = cosine(&half, &full);
        if cosine >= LEAST_COSINE {
            return Ok(());
        }
        let least = LEAST_COSINE;
        let other = NetworkProblem::OtherInFp16 { cosine, least };
        Err(self.network.fault(other))
    }

    /// Runs images as [`Backbone::forward`] does, but in one batch even if image by image would be faster or
    /// is the only way.
    ///
    /// # Errors
    /// Those of [`Backbone::forward`].
    #[doc(hidden)]
    pub fn forward_at_once(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>> {
        self.in_pieces(images, n, Pieces::AsLarge)
    }

    fn in_pieces(&mut self, images: &[f32], n: usize, pieces: Pieces) -> Result<Vec<f32>> {
        let size = self.network.shape.image_len();
        let mut rest = &images[..n * size];
        let mut features = Vec::with_capacity(n * self.num_features);
        while !rest.is_empty() {
            let left = rest.len() / size;
            let piece = match pieces {
                Pieces::Fastest => self.network.sizes.piece(left),
                Pieces::AsLarge => self.network.sizes.most(left),
            };
            match self.forward_piece(&rest[..piece * size], piece) {
                Ok(rows) => {
                    features.extend(rows);
                    rest = &rest[piece * size..];
                }
                Err(RunFault::OutOfMemory(_)) if self.network.sizes.halve(piece) => {}
                Err(RunFault::Other(_))
                    if pieces == Pieces::Fastest && self.network.sizes.try_single(piece) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(features)
    }

    /// Checks the features of an image that any network should be able to handle.
    ///
    /// # Errors
    /// [`NetworkProblem::NotFinite`] if one of them is NaN or infinite.
    pub(crate) fn require_finite(&self, features: &[f32]) -> Result<()> {
        if features.iter().all(|value| value.is_finite()) {
            return Ok(());
        }
        let layer = self.network.layer.clone();
        Err(self.network.fault(NetworkProblem::NotFinite(layer)))
    }

    fn forward_piece(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>, RunFault> {
        let network = &self.network;
        let run = |session: &mut Option<Session>,
                   open: fn(&Opener) -> Result<Session>|
         -> Result<_, RunFault> {
            let session = match session {
                Some(session) => session,
                none => none.insert(open(&network.opener)?),
            };
            network.run(session, images, n)
        };
        match run(&mut self.session, Opener::open) {
            Err(RunFault::NotOurs(_)) => run(&mut self.plain, Opener::open_in_full),
            done => done,
        }
    }
}

impl Backbone for OnnxBackbone {
    fn num_features(&self) -> usize {
        self.num_features
    }

    fn replicas(&self) -> Vec<Box<dyn Backbone>> {
        let replica = || {
            Box::new(Self {
                network: Arc::clone(&self.network),
                session: None,
                plain: None,
                num_features: self.num_features,
                why: self.why.clone(),
            }) as Box<dyn Backbone>
        };
        let others = self.network.opener.share.sessions - 1;
        iter::repeat_with(replica).take(others).collect()
    }

    fn cpus(&self) -> usize {
        self.network.opener.cpus()
    }

    fn best_batch(&self, n: usize) -> usize {
        self.network.sizes.piece(n)
    }

    fn forward(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>> {
        self.in_pieces(images, n, Pieces::Fastest)
    }
}
