//! Runs readers, decoders, batches and lanes in parallel.
//!
//! Several threads read files ahead, so that no decoder waits for a disk or a network. The number and size of
//! the waiting files are bounded. There are as many decoding threads as CPUs; in addition, lanes (threads
//! with a network each) run the batches. Any thread that has work continues, so all CPUs are busy regardless
//! of which stage takes longer.
//!
//! To bound memory, at most as many files are handed out as two batches and the threads hold. The results are
//! passed on in input order. A full batch goes to the next free lane while the next one is filled. If images
//! arrive during the run, a batch older than `Images::moment` is run even if it is not full.

use std::thread;
use std::time::{Duration, Instant};

use super::batches::Batcher;
use super::decoders::{Decoders, Panicked};
use super::images::{Images, Next};
use super::item::{Known, Taker};
use super::lanes::Lanes;
use super::meter::Meter;
use super::prepare::{AHEAD, Preparer, REMOTE_AHEAD};
use super::speed::{Means, Speed, Timings};
use super::trial::Trial;
use crate::backbones::{Backbone, FeatureSpec};
use crate::error::{Error, Result};
use crate::features::recognition::readers;
use crate::images::{DecodeBudget, DecodeOptions, Limits, Preprocessing, Preprocessor, View};
use crate::progress::Progress;

/// How images become features.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// How files are decoded to pixels.
    pub decoding: DecodeOptions,
    /// How pixels become the network's input.
    pub preprocessing: Preprocessing,
    /// The V views of each image, at least 1.
    pub views: Vec<View>,
    /// Number of views per batch of the network, at least 1. Towards the end of a run batches are smaller, so
    /// that all lanes have work.
    pub batch_size: usize,
    /// Number of decoding threads, at least 1. Files are read by four times as many threads, at most 64 or
    /// this number, whichever is larger, and objects of stores by at least 64.
    pub threads: usize,
}

impl Pipeline {
    /// Creates the pipeline for the features that `spec` describes.
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

    /// Runs all images through the network and its replicas in parallel, and passes the results to `each`.
    ///
    /// # Errors
    /// Errors of the network, of the list of images and of `each`; [`Error::NoThread`];
    /// [`Error::Interrupted`] if `progress` asks to stop, after the running batches have been passed on.
    /// Images that cannot be used are results, not errors.
    pub fn run(
        &self,
        mut images: Images<'_>,
        backbone: &mut dyn Backbone,
        known: &Known,
        progress: &dyn Progress,
        each: Taker<'_>,
    ) -> Result<Speed> {
        let begun = Instant::now();
        let preprocessor = Preprocessor::new(&self.preprocessing)?;
        let (count, threads) = (images.count(), self.threads.max(1));
        let is_remote = images.is_remote();
        let (num_features, on_cpu) = (backbone.num_features(), backbone.cpus() > 0);
        // A single image needs only one lane; creating replicas would take longer than running it.
        let mut replicas = match count {
            Some(0 | 1) => Vec::new(),
            _ => backbone.replicas(),
        };
        // On another device lanes take turns.
        let parallel = if on_cpu { 1 + replicas.len() } else { 1 };
        let meter = Meter::new(threads);
        let preparer = Preparer {
            decoding: &self.decoding,
            known,
            budget: DecodeBudget::default(),
            ahead: DecodeBudget::new(if is_remote {
                REMOTE_AHEAD
            } else {
                AHEAD * threads as u64
            }),
            views: &self.views,
            meter: &meter,
            trial: Trial::default(),
        };
        progress.begin("images", count.unwrap_or(0) as u64);
        let result = thread::scope(|scope| {
            let batch_size = (self.batch_size / self.views.len().max(1)).max(1);
            // On another device one batch computes, one is being copied, and one is being filled.
            let ahead = if on_cpu { 2 } else { 3 };
            let (each_kind, most) = (
                [readers(threads, false), threads],
                (ahead * batch_size, count),
            );
            let decoders = Decoders::start(scope, &preparer, &preprocessor, each_kind, most)?;
            let mut lanes = Lanes::new(self.views.len() * num_features, parallel);
            lanes.open(scope, backbone, preprocessor.clone(), &meter)?;
            for replica in &mut replicas {
                lanes.open(scope, replica.as_mut(), preprocessor.clone(), &meter)?;
            }
            let batcher = Batcher::new((batch_size, count), lanes, known, progress, each);
            feed(&mut images, decoders, batcher, progress)
        });
        progress.end();
        let (computed, timings) = result?;
        let means = Means {
            elapsed: begun.elapsed(),
            cpus: threads,
            lanes: parallel,
            on_cpu,
            reducible: preparer.trial.reducible(),
        };
        let read = meter.starved();
        Ok(Speed::of(computed, Timings { read, ..timings }, means))
    }
}

/// Hands all files to the decoders, and the decoders' results to the batcher.
fn feed(
    images: &mut Images<'_>,
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
            // Wait for a name only if no file is being prepared.
            let idle = !decoders.busy();
            let patience = if idle {
                images
                    .moment(batcher.has_work())
                    .saturating_sub(batcher.age())
            } else {
                Duration::ZERO
            };
            match images.next(patience)? {
                Next::Found(found, known) => decoders.give(found, known),
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
