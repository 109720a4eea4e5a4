//! The pipeline: files → digests and pixels (threads) → batches → features (lanes) → sink, all in input order.
//!
//! Each decoding thread takes every n-th file and puts what becomes of it into a bounded queue of its own; the queues
//! are read in turn. So the order is kept without sorting, and memory is bounded by batch and threads. A full batch goes to
//! the next free lane, a thread with a network of its own, while the next one is filled; results are taken up in the order
//! of the batches.

mod batches;
mod lanes;
mod prepare;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use self::batches::Batcher;
use self::lanes::Lanes;
use self::prepare::{Prepared, Preparer};
use super::digest::Digest;
use super::recognition::Recognised;
use crate::backbones::{Backbone, FeatureSpec};
use crate::error::Result;
use crate::images::{
    DecodeBudget, DecodeOptions, Found, Limits, Preprocessing, Preprocessor, SkipReason, View,
};
use crate::progress::Progress;
use crate::stamp::Stamp;

/// How images become features.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// From the file to pixels.
    pub decoding: DecodeOptions,
    /// From pixels to the network's input.
    pub preprocessing: Preprocessing,
    /// The V views of each image, at least 1.
    pub views: Vec<View>,
    /// Views of images that the network is given at once, at least 1; fewer where some lanes would else have nothing to do.
    pub batch_size: usize,
    /// Decoding threads, at least 1.
    pub threads: usize,
}

impl Pipeline {
    /// The pipeline to the features that `spec` describes.
    #[must_use]
    pub fn of(spec: &FeatureSpec, limits: Limits, batch_size: usize, threads: usize) -> Self {
        Self {
            decoding: spec.decoding.within(limits),
            preprocessing: spec.preprocessing,
            views: spec.views.clone(),
            batch_size,
            threads,
        }
    }
}

/// What became of one input.
#[derive(Debug)]
pub struct Item<'a> {
    /// The input.
    pub found: &'a Found,
    /// What became of it.
    pub outcome: Outcome,
}

/// A used image, or the reason for leaving one out.
#[derive(Debug)]
pub enum Outcome {
    /// Its features (V, D) were computed now.
    Computed(Picture, Vec<f32>),
    /// Its features are known already: from an earlier run, or from an equal image of this one.
    Reused(Picture),
    /// It could not be used.
    Skipped(SkipReason),
}

/// What is known of a used image besides its features.
#[derive(Debug, Clone, Copy)]
pub struct Picture {
    /// The digest of its bytes.
    pub digest: Digest,
    /// Upright width and height, in pixels.
    pub size: (u32, u32),
    /// The stamp that its file had before it was read, if no later write can have left it.
    pub stamp: Option<Stamp>,
}

/// Where the pipeline's results go, in input order.
pub trait Sink {
    /// Digests whose features need not be computed; `None` where every image is to be computed, equal ones too.
    fn known(&self) -> Option<Arc<HashSet<Digest>>>;

    /// Files that need not be read, with what is in them; none of others than [`Sink::known`] has digests of.
    fn recognised(&self) -> Arc<Recognised> {
        Arc::default()
    }

    /// Takes one result.
    ///
    /// # Errors
    /// Whatever stops the run.
    fn take(&mut self, item: Item) -> Result<()>;
}

/// How long the stages were at work; those of several threads are added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Reading files, hashing and decoding them.
    pub decode: Duration,
    /// Resizing, cropping, normalising.
    pub preprocess: Duration,
    /// The network.
    pub forward: Duration,
    /// The sink.
    pub write: Duration,
}

impl Pipeline {
    /// Runs all entries through the network, and through its replicas side by side, into a sink.
    ///
    /// # Errors
    /// The network's and the sink's; bad images are results, not errors.
    pub fn run(
        &self,
        entries: &[Found],
        backbone: &mut dyn Backbone,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<Timings> {
        let preprocessor = Preprocessor::new(&self.preprocessing)?;
        let (known, recognised) = (sink.known(), sink.recognised());
        let budget = DecodeBudget::default();
        let threads = self.threads.clamp(1, entries.len().max(1));
        let num_features = self.views.len() * backbone.num_features();
        let mut replicas = backbone.replicas();
        let batch_size = self.shared_out(entries.len(), 1 + replicas.len());
        // Two batches wait at most: one for the network to take, one being filled.
        let capacity = (2 * batch_size).div_ceil(threads);
        progress.begin("images", entries.len() as u64);
        let result = thread::scope(|scope| {
            let queues: Vec<Receiver<Prepared>> = (0..threads)
                .map(|first| {
                    let (sender, queue) = sync_channel(capacity);
                    let own = entries.iter().skip(first).step_by(threads);
                    let mut preparer = Preparer {
                        decoding: &self.decoding,
                        known: known.as_deref(),
                        recognised: &recognised,
                        budget: &budget,
                        preprocessor: preprocessor.clone(),
                        views: &self.views,
                    };
                    scope.spawn(move || preparer.run(own, &sender));
                    queue
                })
                .collect();
            let mut lanes = Lanes::new(num_features);
            lanes.open(scope, backbone, preprocessor.clone());
            for replica in &mut replicas {
                lanes.open(scope, replica.as_mut(), preprocessor.clone());
            }
            let mut batcher = Batcher::new(batch_size, lanes, sink, progress, known.is_some());
            for (found, queue) in entries.iter().zip(queues.iter().cycle()) {
                // A decoding thread that ends early has panicked; the scope passes its panic on.
                let Ok(prepared) = queue.recv() else { break };
                batcher.add(found, prepared)?;
            }
            batcher.finish()
        });
        progress.end();
        result
    }

    /// Images in a batch: as many as have their views in it, or less where a few would else leave lanes without any.
    fn shared_out(&self, images: usize, lanes: usize) -> usize {
        let full = self.batch_size / self.views.len().max(1);
        full.min(images.div_ceil(lanes)).max(1)
    }
}
