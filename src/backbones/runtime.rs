//! Runs networks with ONNX Runtime, through `ort`.

mod agreement;
mod batch_sizes;
mod buffers;
mod environment;
mod fault;
mod graph_cache;
mod instruction_sets;
mod load;
mod network;
mod operators;
mod pieces;
mod placement;
mod plain;
mod pool;
mod preload;
mod providers;
mod session;
mod signature;
mod source;
mod staging;
mod threads;

use std::iter;
use std::sync::{Arc, Mutex, PoisonError};

use frostline_onnx::export;
use ort::session::Session;

use self::buffers::Buffers;
use self::network::{Network, RunFault};
use self::operators::OwnNetwork;
use self::pieces::Pieces;
pub(crate) use self::plain::{Outputs, PlainNetwork, Port, PortType, Values};
pub(crate) use self::providers::available_providers;
use self::session::Opener;
use super::backbone::{Backbone, Forwarded};
use super::device::{Device, Precision};
use super::manifest::FeatureLayer;
use crate::error::{NetworkProblem, Result};

/// A network that ONNX Runtime runs. As a [`Backbone`], it turns preprocessed images into features.
pub struct OnnxBackbone {
    network: Arc<Network>,
    /// On the CPU, a replica opens its own session on first use; on a GPU, replicas share one.
    session: Option<Arc<Mutex<Session>>>,
    /// Runs the network exactly as in its file, for images that frostline's operators cannot handle. Opened
    /// on first use.
    plain: Option<Arc<Mutex<Session>>>,
    /// The buffers for images that the device normalises.
    buffers: Option<Buffers>,
    /// Why a GPU does not normalise images.
    why_floats: Option<String>,
    num_features: usize,
    /// Why `auto` did not choose a GPU.
    why: Option<String>,
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

    /// Returns why a GPU does not normalise images; `None` if it does, and on other devices.
    #[must_use]
    pub(crate) fn why_floats(&self) -> Option<&str> {
        self.why_floats.as_deref()
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
        let network = Arc::clone(&self.network);
        let size = network.shape.image_len();
        let mut features = Vec::with_capacity(n * self.num_features);
        pieces.run(&network.sizes, n, |piece| {
            let images = &images[piece.start * size..piece.end * size];
            features.extend(self.forward_piece(images, piece.len())?);
            Ok(())
        })?;
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
        let run = |session: &mut Option<Arc<Mutex<Session>>>,
                   open: fn(&Opener) -> Result<Session>|
         -> Result<_, RunFault> {
            let session = match session {
                Some(session) => session,
                none => none.insert(Arc::new(Mutex::new(open(&network.opener)?))),
            };
            let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
            network.run(&mut session, images, n)
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
        // Buffers are of a GPU, where one lane copies its batch while the other computes.
        let shared = self.session.as_ref().filter(|_| self.buffers.is_some());
        let replica = || {
            Box::new(Self {
                network: Arc::clone(&self.network),
                session: shared.cloned(),
                plain: None,
                buffers: self.buffers.as_ref().map(Buffers::replica),
                why_floats: self.why_floats.clone(),
                num_features: self.num_features,
                why: self.why.clone(),
            }) as Box<dyn Backbone>
        };
        let others = match shared {
            Some(_) => 1,
            None => self.network.opener.share.sessions - 1,
        };
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

    fn forward_pixels(&mut self, images: &[&[u8]]) -> Option<Result<Forwarded>> {
        let (buffers, session) = (self.buffers.as_mut()?, self.session.as_ref()?);
        Some(staging::forward(
            buffers,
            session,
            &self.network.sizes,
            images,
        ))
    }
}
