//! The pipeline: files → digests and pictures (threads) → batches → features → sink, all in input order.
//!
//! Each decoding thread takes every n-th file and puts what becomes of it into a bounded queue of its own; the queues
//! are read in turn. So the order is kept without sorting, memory is bounded by batch and threads, and batches, hence
//! features, are the same whatever the number of threads.

use std::collections::HashSet;
use std::fs;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::digest::Digest;
use crate::backbones::Backbone;
use crate::error::Result;
use crate::images::{
    DecodeBudget, DecodeOptions, Found, Preprocessing, Preprocessor, SkipReason, decode_within,
    dimensions,
};
use crate::progress::Progress;

/// How images become features.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// From the file to pixels.
    pub decoding: DecodeOptions,
    /// From pixels to the network's input.
    pub preprocessing: Preprocessing,
    /// Images that the network is given at once, at least 1.
    pub batch_size: usize,
    /// Decoding threads, at least 1.
    pub threads: usize,
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
    /// Its features were computed now.
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
}

/// Where the pipeline's results go, in input order.
pub trait Sink {
    /// Digests whose features need not be computed; `None` where every image is to be computed, equal ones too.
    fn known(&self) -> Option<&HashSet<Digest>>;

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

/// A file as a decoding thread leaves it.
enum Prepared {
    Tensor(Picture, Vec<f32>, Timings),
    Known(Picture, Timings),
    Skipped(SkipReason, Timings),
}

impl Pipeline {
    /// Runs all entries through the network into a sink.
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
        progress.begin("images", entries.len() as u64);
        let known = sink.known().cloned();
        let budget = DecodeBudget::default();
        let threads = self.threads.clamp(1, entries.len().max(1));
        // Two batches wait at most: one for the network to take, one being filled.
        let capacity = (2 * self.batch_size).div_ceil(threads);
        let result = thread::scope(|scope| {
            let queues: Vec<Receiver<Prepared>> = (0..threads)
                .map(|first| {
                    let (sender, queue) = sync_channel(capacity);
                    let (known, budget) = (known.as_ref(), &budget);
                    let own = entries.iter().skip(first).step_by(threads);
                    let preprocessor = preprocessor.clone();
                    scope.spawn(move || self.prepare(own, known, budget, preprocessor, &sender));
                    queue
                })
                .collect();
            let mut batcher = Batcher::new(self, backbone, sink, progress, known.is_some());
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

    fn prepare<'a>(
        &self,
        entries: impl Iterator<Item = &'a Found>,
        known: Option<&HashSet<Digest>>,
        budget: &DecodeBudget,
        mut preprocessor: Preprocessor,
        queue: &SyncSender<Prepared>,
    ) {
        for found in entries {
            // The other end is gone where the run has stopped with an error.
            if queue
                .send(self.prepare_one(found, known, budget, &mut preprocessor))
                .is_err()
            {
                return;
            }
        }
    }

    fn prepare_one(
        &self,
        found: &Found,
        known: Option<&HashSet<Digest>>,
        budget: &DecodeBudget,
        preprocessor: &mut Preprocessor,
    ) -> Prepared {
        let start = Instant::now();
        let mut timings = Timings::default();
        let sample = match found {
            Found::Sample(sample) => sample,
            Found::Skipped { reason, .. } => return Prepared::Skipped(reason.clone(), timings),
        };
        let read = fs::read(&sample.path).map_err(|e| SkipReason::Unreadable(e.to_string()));
        let decoded = read.and_then(|bytes| {
            let digest = Digest::of(&bytes);
            if known.is_some_and(|known| known.contains(&digest)) {
                return Ok((
                    Picture {
                        digest,
                        size: dimensions(&bytes, &self.decoding)?,
                    },
                    None,
                ));
            }
            let image = decode_within(&bytes, &self.decoding, budget)?;
            Ok((
                Picture {
                    digest,
                    size: (image.width(), image.height()),
                },
                Some(image),
            ))
        });
        timings.decode = start.elapsed();
        match decoded {
            Err(reason) => Prepared::Skipped(reason, timings),
            Ok((picture, None)) => Prepared::Known(picture, timings),
            Ok((picture, Some(image))) => {
                let mut tensor = vec![0.0; self.preprocessing.num_values()];
                preprocessor.apply(&image, &mut tensor);
                timings.preprocess = start.elapsed().saturating_sub(timings.decode);
                Prepared::Tensor(picture, tensor, timings)
            }
        }
    }
}

/// Collects pictures into full batches, and passes results on in input order.
struct Batcher<'a, 'b> {
    batch_size: usize,
    backbone: &'b mut dyn Backbone,
    sink: &'b mut dyn Sink,
    progress: &'b dyn Progress,
    /// Digests of the batch and the batches before, where equal images are to be computed once.
    seen: Option<HashSet<Digest>>,
    waiting: Vec<(&'a Found, Waiting)>,
    tensors: Vec<f32>,
    count: usize,
    timings: Timings,
}

/// A result whose turn has not come yet.
enum Waiting {
    InBatch(Picture),
    Done(Outcome),
}

impl<'a, 'b> Batcher<'a, 'b> {
    fn new(
        pipeline: &Pipeline,
        backbone: &'b mut dyn Backbone,
        sink: &'b mut dyn Sink,
        progress: &'b dyn Progress,
        once: bool,
    ) -> Self {
        let batch_size = pipeline.batch_size.max(1);
        let tensors = Vec::with_capacity(batch_size * pipeline.preprocessing.num_values());
        let (seen, waiting, timings) = (once.then(HashSet::new), Vec::new(), Timings::default());
        Self {
            batch_size,
            backbone,
            sink,
            progress,
            seen,
            waiting,
            tensors,
            count: 0,
            timings,
        }
    }

    fn add(&mut self, found: &'a Found, prepared: Prepared) -> Result<()> {
        let (waiting, timings) = match prepared {
            Prepared::Skipped(reason, timings) => {
                (Waiting::Done(Outcome::Skipped(reason)), timings)
            }
            Prepared::Known(picture, timings) => (Waiting::Done(Outcome::Reused(picture)), timings),
            Prepared::Tensor(picture, tensor, timings) => {
                (self.add_tensor(picture, &tensor), timings)
            }
        };
        self.timings.decode += timings.decode;
        self.timings.preprocess += timings.preprocess;
        self.waiting.push((found, waiting));
        if self.count == self.batch_size || self.count == 0 {
            self.release()
        } else {
            Ok(())
        }
    }

    fn add_tensor(&mut self, picture: Picture, tensor: &[f32]) -> Waiting {
        if self
            .seen
            .as_mut()
            .is_some_and(|seen| !seen.insert(picture.digest))
        {
            return Waiting::Done(Outcome::Reused(picture));
        }
        self.tensors.extend_from_slice(tensor);
        self.count += 1;
        Waiting::InBatch(picture)
    }

    /// Runs the batch, if there is one, and hands on all that waits.
    fn release(&mut self) -> Result<()> {
        let start = Instant::now();
        let features = if self.count > 0 {
            self.backbone.forward(&self.tensors, self.count)?
        } else {
            Vec::new()
        };
        let forward = start.elapsed();
        let mut rows = features.chunks_exact(self.backbone.num_features().max(1));
        let steps = self.waiting.len() as u64;
        for (found, waiting) in self.waiting.drain(..) {
            let outcome = match waiting {
                Waiting::Done(outcome) => outcome,
                Waiting::InBatch(picture) => {
                    let row = rows
                        .next()
                        .expect("a backbone returns a row for each image");
                    Outcome::Computed(picture, row.to_vec())
                }
            };
            self.sink.take(Item { found, outcome })?;
        }
        self.tensors.clear();
        self.count = 0;
        self.progress.advance(steps);
        self.timings.forward += forward;
        self.timings.write += start.elapsed().saturating_sub(forward);
        Ok(())
    }

    fn finish(mut self) -> Result<Timings> {
        self.release()?;
        Ok(self.timings)
    }
}
