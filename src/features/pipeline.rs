//! The pipeline: files → digests and pixels (threads) → batches → features (lanes) → sink, all in input order.
//!
//! Each decoding thread is given every n-th file and puts what becomes of it into a queue of its own; the queues are read
//! in turn. So the order is kept without sorting. No more files are given out than two batches and the threads hold, which
//! bounds memory. A full batch goes to the next free lane, a thread with a network of its own, while the next one is filled;
//! results are taken up in the order of the batches. Where images are named one after the other, a batch that is older
//! than [`MOMENT`] is run as it is.

mod batches;
mod lanes;
mod prepare;
mod source;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use self::batches::Batcher;
use self::lanes::Lanes;
use self::prepare::{Prepared, Preparer};
pub use self::source::{All, Named, Next, Source};
use super::digest::Digest;
use super::dtype::Dtype;
use super::recognition::Recognised;
use crate::backbones::{Backbone, FeatureSpec};
use crate::error::{Error, Result};
use crate::images::{
    DecodeBudget, DecodeOptions, Found, Limits, Preprocessing, Preprocessor, SkipReason, View,
};
use crate::progress::Progress;
use crate::stamp::Stamp;

/// How long an image waits for others to fill its batch, where they are yet to be named.
const MOMENT: Duration = Duration::from_millis(50);

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
pub struct Item {
    /// The input.
    pub found: Found,
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
    /// Digests whose features need not be computed; `None` where every image is to be computed.
    fn known(&self) -> Option<Arc<HashSet<Digest>>>;

    /// Whether an image equal to an earlier one is [`Outcome::Reused`]; else it is computed again.
    fn keeps(&self) -> bool {
        self.known().is_some()
    }

    /// Files that need not be read, with what is in them; none of others than [`Sink::known`] has digests of.
    fn recognised(&self) -> Arc<Recognised> {
        Arc::default()
    }

    /// Whether the features (V, D) of an image are of use.
    ///
    /// # Errors
    /// The reason why the image is skipped.
    fn accepts(&self, features: &[f32]) -> Result<(), SkipReason> {
        Dtype::F32.holds(features)
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
    /// Runs all images through the network, and through its replicas side by side, into a sink.
    ///
    /// # Errors
    /// The network's, the source's and the sink's; [`Error::Interrupted`] where `progress` asks for an end, after the
    /// batches that were running have gone to the sink. Bad images are results, not errors.
    pub fn run(
        &self,
        mut source: impl Source,
        backbone: &mut dyn Backbone,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<Timings> {
        let preprocessor = Preprocessor::new(&self.preprocessing)?;
        let (known, recognised) = (sink.known(), sink.recognised());
        let once = sink.keeps();
        let budget = DecodeBudget::default();
        let count = source.count();
        let threads = self.threads.clamp(1, count.unwrap_or(usize::MAX).max(1));
        let num_features = self.views.len() * backbone.num_features();
        let mut replicas = backbone.replicas();
        let batch_size = self.shared_out(count, 1 + replicas.len());
        progress.begin("images", count.unwrap_or(0) as u64);
        let result = thread::scope(|scope| {
            let decoders = (0..threads).map(|_| {
                let (files, own) = channel();
                let (done, results) = channel();
                let mut preparer = Preparer {
                    decoding: &self.decoding,
                    known: known.as_deref(),
                    recognised: &recognised,
                    budget: &budget,
                    preprocessor: preprocessor.clone(),
                    views: &self.views,
                };
                scope.spawn(move || preparer.run(&own, &done));
                Decoder {
                    files,
                    prepared: results,
                }
            });
            let decoders = Decoders::new(decoders.collect(), 2 * batch_size);
            let mut lanes = Lanes::new(num_features);
            lanes.open(scope, backbone, preprocessor.clone());
            for replica in &mut replicas {
                lanes.open(scope, replica.as_mut(), preprocessor.clone());
            }
            let batcher = Batcher::new(batch_size, lanes, sink, progress, once);
            feed(&mut source, decoders, batcher, progress)
        });
        progress.end();
        result
    }

    /// Images in a batch: as many as have their views in it, or less where a few would else leave lanes without any.
    fn shared_out(&self, images: Option<usize>, lanes: usize) -> usize {
        let full = self.batch_size / self.views.len().max(1);
        images.map_or(full, |n| full.min(n.div_ceil(lanes))).max(1)
    }
}

/// Gives the decoders their files and the batcher what becomes of them, until there are no more.
fn feed(
    source: &mut impl Source,
    mut decoders: Decoders,
    mut batcher: Batcher<'_>,
    progress: &dyn Progress,
) -> Result<Timings> {
    let mut open = true;
    while open || decoders.busy() {
        if progress.is_stopped() {
            batcher.take_up(0)?;
            return Err(Error::Interrupted { kept: None });
        }
        while open && decoders.have_room() {
            // Only who has nothing to do can wait for a name.
            let idle = !decoders.busy();
            let patience = if idle {
                MOMENT.saturating_sub(batcher.age())
            } else {
                Duration::ZERO
            };
            match source.next(patience)? {
                Next::Found(found) => decoders.give(found),
                Next::End => open = false,
                Next::NotYet => {
                    if idle {
                        batcher.flush()?;
                    }
                    break;
                }
            }
        }
        match decoders.take() {
            Some(Ok((found, prepared))) => batcher.add(found, prepared)?,
            Some(Err(Panicked)) => break,
            None => {}
        }
    }
    batcher.finish()
}

/// A decoding thread.
struct Decoder {
    files: Sender<Found>,
    prepared: Receiver<(Found, Prepared)>,
}

/// The scope passes its panic on.
struct Panicked;

/// The decoding threads, which have their turns.
struct Decoders {
    all: Vec<Decoder>,
    given: usize,
    taken: usize,
    /// The most files that may be with them.
    most: usize,
}

impl Decoders {
    /// So many prepared pictures wait at most, besides those that are being prepared.
    fn new(all: Vec<Decoder>, waiting: usize) -> Self {
        let most = all.len() + waiting;
        Self {
            all,
            given: 0,
            taken: 0,
            most,
        }
    }

    fn busy(&self) -> bool {
        self.given > self.taken
    }

    fn have_room(&self) -> bool {
        self.given - self.taken < self.most
    }

    fn give(&mut self, found: Found) {
        // A thread that has panicked is noticed where its result is missing.
        let _ = self.all[self.given % self.all.len()].files.send(found);
        self.given += 1;
    }

    /// Waits for the oldest file that is still being prepared and returns it; None if there is no such file.
    fn take(&mut self) -> Option<Result<(Found, Prepared), Panicked>> {
        let decoder = self
            .busy()
            .then(|| &self.all[self.taken % self.all.len()])?;
        self.taken += 1;
        Some(decoder.prepared.recv().map_err(|_| Panicked))
    }
}
