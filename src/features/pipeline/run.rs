//! The pipeline: files → digests and pixels (threads) → batches → features (lanes) → sink, all in input order.
//!
//! Several threads read files ahead, so that no decoder waits for a disk or a network; the files and bytes
//! that wait are bounded. As many threads decode as there are CPUs, and beside them lanes, threads with a
//! network each, run the batches: whichever has work goes on, so that all CPUs are busy whatever takes
//! longer. No more files are given out than two batches and the threads hold, which bounds memory, and their
//! results are taken up in input order. A full batch goes to the next free lane while the next one is filled.
//! Where images are named one after the other, a batch that is older than [`MOMENT`] is run as it is.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::batches::Batcher;
use super::decoders::{Decoders, Panicked, Threads};
use super::images::{Next, Source};
use super::lanes::Lanes;
use super::meter::Meter;
use super::prepare::Preparer;
use super::read_ahead::{AHEAD, readers};
use super::speed::{Bound, Means, Speed, Timings};
use super::trial::Trial;
use crate::backbones::{Backbone, FeatureSpec};
use crate::error::{Error, Result};
use crate::features::content::Digest;
use crate::features::dtype::Dtype;
use crate::features::recognition::Recognised;
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
    /// Views of images that the network is given at once, at least 1; fewer towards the end of a run, so that
    /// all lanes have something to do.
    pub batch_size: usize,
    /// Decoding threads, at least 1; four times as many, at most 64, read files.
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
    ) -> Result<Speed> {
        let begun = Instant::now();
        let preprocessor = Preprocessor::new(&self.preprocessing)?;
        let (known, recognised) = (sink.known(), sink.recognised());
        let once = sink.keeps();
        let count = source.count();
        let num_features = self.views.len() * backbone.num_features();
        let mut replicas = backbone.replicas();
        let threads = self.threads.max(1);
        let meter = Meter::new(threads);
        let preparer = Preparer {
            decoding: &self.decoding,
            known: known.as_deref(),
            recognised: &recognised,
            budget: DecodeBudget::default(),
            ahead: DecodeBudget::new(AHEAD * threads as u64),
            views: &self.views,
            meter: &meter,
            trial: Trial::default(),
        };
        let on_cpu = backbone.cpus() > 0;
        progress.begin("images", count.unwrap_or(0) as u64);
        let result = thread::scope(|scope| {
            let batch_size = (self.batch_size / self.views.len().max(1)).max(1);
            let most = count.unwrap_or(usize::MAX).max(1);
            let of_each = Threads {
                reading: readers(threads).min(most),
                decoding: threads.min(most),
            };
            let waiting = 2 * batch_size;
            let decoders = Decoders::start(scope, &preparer, &preprocessor, of_each, waiting);
            let mut lanes = Lanes::new(num_features);
            lanes.open(scope, backbone, preprocessor.clone(), &meter);
            for replica in &mut replicas {
                lanes.open(scope, replica.as_mut(), preprocessor.clone(), &meter);
            }
            let batcher = Batcher::new((batch_size, count), lanes, sink, progress, once);
            feed(&mut source, decoders, batcher, progress)
        });
        progress.end();
        let (computed, timings) = result?;
        let timings = Timings {
            read: meter.starved(),
            ..timings
        };
        let elapsed = begun.elapsed();
        let means = Means {
            elapsed,
            cpus: threads,
            lanes: 1 + replicas.len(),
            on_cpu,
            reducible: preparer.trial.reducible(),
        };
        Ok(Speed {
            computed,
            elapsed,
            timings,
            bound: Bound::of(&timings, means),
        })
    }
}

/// Gives the decoders their files and the batcher what becomes of them, until there are no more.
fn feed(
    source: &mut impl Source,
    mut decoders: Decoders,
    mut batcher: Batcher<'_>,
    progress: &dyn Progress,
) -> Result<(usize, Timings)> {
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
