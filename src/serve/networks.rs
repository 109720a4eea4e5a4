//! Networks, each shared by all heads on the same features.

use std::sync::Arc;

use super::options::ServeOptions;
use crate::backbones::{Backbone, FeatureSpec, Frozen};
use crate::error::Result;
use crate::features::{Live, Observer, Pipeline, Waiting};
use crate::serve::events::{Event, Host};

/// A running network. Its threads end when the last model and the last request that use it are gone.
#[derive(Debug)]
pub(super) struct Network {
    /// What its features are.
    pub(super) spec: FeatureSpec,
    pub(super) live: Live,
}

impl Network {
    /// Loads the network of the features that `spec` describes.
    ///
    /// # Errors
    /// Those of [`Frozen::for_spec`] and [`Live::start`].
    pub(super) fn load(
        spec: &FeatureSpec,
        options: &ServeOptions,
        observer: Arc<dyn Observer>,
        host: &dyn Host,
    ) -> Result<Self> {
        let frozen = Frozen::for_spec(spec, None, &options.run)?;
        host.event(&Event::Network {
            backbone: spec.backbone.name.clone(),
            engine: frozen.engine.to_string(),
            notes: frozen.notes(),
            why_not_gpu: frozen.backbone.why().map(str::to_owned),
        });
        let threads = options.run.threads;
        let pipeline = Pipeline::of(&frozen.spec, options.images, options.batch_size, threads);
        let waiting = Waiting {
            max_delay: options.max_delay,
            queue: options.queue,
        };
        let spec = frozen.spec.clone();
        let live = Live::start(frozen, backbone, pipeline, waiting, observer)?;
        Ok(Self { spec, live })
    }

    /// Returns whether the features are those that `spec` describes. A head of an earlier pixel version uses
    /// this version's pixels in any case.
    pub(super) fn serves(&self, spec: &FeatureSpec) -> bool {
        let spec = spec.with_pixels_of(&self.spec);
        spec.differences(&self.spec, ["one", "other"]).is_empty()
    }
}

fn backbone(frozen: &mut Frozen) -> &mut dyn Backbone {
    &mut frozen.backbone
}
