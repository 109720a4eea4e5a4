//! Computes the features of images, except for those that a store already has.

use std::path::{Path, PathBuf};
use std::slice::from_ref;
use std::time::Duration;

use ndarray::{Array2, ArrayView2, Axis};

use super::kept::{Kept, described};
use super::samples::{Done, Samples, Taking};
use crate::backbones::{FeatureSpec, Frozen, RunOptions};
use crate::error::Result;
use crate::features::dtype::Dtype;
use crate::features::identity::is_store;
use crate::features::manifest::StoreManifest;
use crate::features::pipeline::{Images, Item, Next, Outcome, Pipeline, Speed, Taker};
use crate::images::{Limits, View};
use crate::progress::Progress;

/// How the features of images are computed, and where they are stored.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Computing {
    /// The network's file, if the network is not installed.
    pub backbone: Option<PathBuf>,
    /// A store to read features from and add them to.
    pub store: Option<PathBuf>,
    /// The size limits of images.
    pub limits: Limits,
    /// How the network is run. Its number of threads also applies to decoding.
    pub run: RunOptions,
    /// Number of images per batch of the network.
    pub batch_size: usize,
}

impl Computing {
    /// Uses an installed backbone, run with the given options, without a store.
    #[must_use]
    pub fn new(run: RunOptions) -> Self {
        Self {
            backbone: None,
            store: None,
            limits: Limits::default(),
            run,
            batch_size: 8,
        }
    }
}

/// Images, the network that computes their features, and the store that has some of them.
#[derive(Debug)]
pub(crate) struct Computed<'a> {
    /// The images.
    pub images: Images<'a>,
    /// The pipeline from files to features.
    pub pipeline: Pipeline,
    /// The network, or `None` if all features are in the store.
    pub network: Option<Frozen>,
    /// The store, if there is one.
    pub store: Option<Kept>,
}

impl<'a> Computed<'a> {
    /// Loads the network for the features that `spec` describes, and opens the store. If a store has more
    /// views than `spec`, all of its views are computed.
    ///
    /// # Errors
    /// If the network is not found or cannot be run; if the store cannot be read, is locked, or holds other
    /// features.
    pub(crate) fn of(images: Images<'a>, spec: &FeatureSpec, how: &Computing) -> Result<Self> {
        let path = how.store.as_deref();
        let found = path.filter(|path| is_store(path)).map(StoreManifest::read);
        let found = found.transpose()?;
        let spec = match &found {
            Some(store) if store.spec.has_views(&spec.views) => spec.with_views(&store.spec.views),
            _ => spec.clone(),
        };
        let network = Frozen::for_spec(&spec, how.backbone.as_deref(), &how.run)?;
        let open = |path: &Path| {
            let dtype = found.map_or(Dtype::default(), |store| store.dtype);
            let (spec, engine) = (network.spec.clone(), network.engine.clone());
            Kept::cache(path, StoreManifest::new(spec, dtype, engine))
        };
        Ok(Self {
            images,
            pipeline: Pipeline::of(&spec, how.limits, how.batch_size, how.run.threads),
            store: path.map(open).transpose()?,
            network: Some(network),
        })
    }

    pub(super) fn each(
        self,
        views: &[View],
        progress: &dyn Progress,
        take: Taking<'_>,
    ) -> Result<Done> {
        let Self {
            images,
            pipeline,
            mut network,
            mut store,
        } = self;
        let known = store.as_ref().map(Kept::known).unwrap_or_default();
        let mut passing = Passing {
            computed_views: pipeline.views.len().max(1),
            places: places(views, &pipeline.views),
            store: store.as_mut(),
            done: Done::default(),
            take,
        };
        let entries = images.entries();
        let each = &mut |item| passing.pass(item);
        let ran = match &mut network {
            Some(found) => pipeline.run(images, &mut found.backbone, &known, progress, each),
            None => all_known(images, each),
        };
        let mut done = passing.done;
        done.speed = match (ran, store) {
            (Ok(speed), None) => speed,
            (Ok(speed), Some(store)) => store.finish(entries, speed, &mut done)?,
            (Err(error), None) => return Err(error),
            (Err(error), Some(store)) => return Err(store.keep(error)),
        };
        if let Some(network) = network {
            done.network_notes = network.notes();
            done.why_not_gpu = network.backbone.why().map(str::to_owned);
        }
        Ok(done)
    }
}

/// Returns the position of each view among the computed views.
fn places(views: &[View], computed: &[View]) -> Vec<usize> {
    let place = |view| computed.iter().position(|other| other == view);
    views.iter().filter_map(place).collect()
}

/// Passes on images that are all recognised, without the network and without reading files.
fn all_known(mut images: Images<'_>, each: Taker<'_>) -> Result<Speed> {
    while let Next::Found(found, picture) = images.next(Duration::ZERO)? {
        let outcome = if let Some(reason) = found.reason() {
            Outcome::Skipped(reason.clone())
        } else {
            Outcome::Reused(picture.expect("all samples are recognised"))
        };
        each(Item { found, outcome })?;
    }
    Ok(Speed::default())
}

/// Passes on each image with its requested features.
struct Passing<'a> {
    /// Number of views computed per image.
    computed_views: usize,
    /// The positions of the requested views among the computed ones.
    places: Vec<usize>,
    store: Option<&'a mut Kept>,
    done: Done,
    take: Taking<'a>,
}

impl Passing<'_> {
    fn pass(&mut self, item: Item) -> Result<()> {
        *match &item.outcome {
            Outcome::Computed(..) => &mut self.done.computed,
            Outcome::Reused(_) => &mut self.done.reused,
            Outcome::Skipped(_) => &mut self.done.skipped,
        } += 1;
        let wanted = !self.places.is_empty();
        let (row, features) = match &mut self.store {
            Some(store) => store.take(item, wanted)?,
            None => described(&item.found, item.outcome),
        };
        let features = features
            .filter(|_| wanted)
            .map(|numbers| self.rows(numbers));
        let none = || ArrayView2::from_shape((0, 0), &[]).expect("the shape is empty");
        (self.take)(Samples {
            rows: from_ref(&row),
            features: features.as_ref().map_or_else(none, Array2::view),
        })
    }

    /// Selects the requested views (V, D).
    fn rows(&self, features: Vec<f32>) -> Array2<f32> {
        let shape = (self.computed_views, features.len() / self.computed_views);
        let rows = Array2::from_shape_vec(shape, features);
        let rows = rows.expect("all views have the same number of features");
        rows.select(Axis(0), &self.places)
    }
}
