//! Collects prepared images into full batches, and passes the results on in input order.

use std::collections::{HashMap, VecDeque};
use std::mem::take;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use super::item::{Item, Known, Outcome, Taker};
use super::lanes::{Features, Lanes};
use super::prepare::Prepared;
use super::speed::Timings;
use crate::error::Result;
use crate::features::content::{Digest, Picture};
use crate::features::directory::Directory;
use crate::features::dtype::Dtype;
use crate::images::{Found, SkipReason};
use crate::progress::Progress;

/// Fills batches, hands them to the lanes, and passes on their results.
pub(super) struct Batcher<'a> {
    batch_size: usize,
    /// Number of images still to come, if known.
    to_come: Option<usize>,
    lanes: Lanes,
    each: Taker<'a>,
    progress: &'a dyn Progress,
    /// The number type in which the features will be stored.
    dtype: Dtype,
    /// The images in all batches so far, if duplicates are computed only once.
    seen: Option<Directory>,
    /// The digests whose features cannot be used. Duplicates of these images are skipped too.
    refused: HashMap<Digest, SkipReason>,
    /// The inputs of the batch that is being filled.
    waiting: Vec<(Found, Waiting)>,
    /// When the first of these inputs arrived.
    since: Option<Instant>,
    /// The pixels of the batch that is being filled.
    pictures: Vec<Vec<u8>>,
    /// The batches handed to the lanes, oldest first.
    running: VecDeque<Running>,
    /// Number of these batches that have images to compute.
    busy: usize,
    /// Number of images whose features were computed.
    computed: usize,
    timings: Timings,
}

/// A batch whose results have not been passed on yet.
struct Running {
    inputs: Vec<(Found, Waiting)>,
    /// `None` if no input has an image to compute.
    features: Option<Receiver<Features>>,
}

/// An input whose result has not been passed on yet.
enum Waiting {
    InBatch(Picture),
    Done(Outcome),
}

impl<'a> Batcher<'a> {
    pub(super) fn new(
        (batch_size, to_come): (usize, Option<usize>),
        lanes: Lanes,
        known: &Known,
        progress: &'a dyn Progress,
        each: Taker<'a>,
    ) -> Self {
        Self {
            batch_size,
            to_come,
            lanes,
            each,
            progress,
            dtype: known.dtype,
            seen: known.once.then(|| known.directory.clone()),
            refused: HashMap::new(),
            waiting: Vec::new(),
            since: None,
            pictures: Vec::new(),
            running: VecDeque::new(),
            busy: 0,
            computed: 0,
            timings: Timings::default(),
        }
    }

    /// Adds the next input.
    pub(super) fn add(&mut self, found: Found, prepared: Prepared) -> Result<()> {
        let (waiting, timings) = match prepared {
            Prepared::Skipped(reason, timings) => {
                (Waiting::Done(Outcome::Skipped(reason)), timings)
            }
            Prepared::Failed(error) => return Err(error),
            Prepared::Known(picture, timings) => (Waiting::Done(Outcome::Reused(picture)), timings),
            Prepared::Pixels(picture, pixels, timings) => {
                (self.add_pixels(picture, pixels), timings)
            }
        };
        self.timings.decode += timings.decode;
        self.timings.preprocess += timings.preprocess;
        self.since.get_or_insert_with(Instant::now);
        self.waiting.push((found, waiting));
        self.to_come = self.to_come.map(|n| n.saturating_sub(1));
        if self.pictures.len() >= self.full() || self.pictures.is_empty() {
            self.start_batch();
        }
        // One batch more than there are lanes, so that a free lane need not wait for a batch to fill.
        self.take_up(self.lanes.count())
    }

    /// Returns the number of images in a full batch. It is lower towards the end of a run, so that all lanes
    /// finish at about the same time.
    fn full(&self) -> usize {
        let left = self.to_come.map(|n| n + self.pictures.len());
        let share = left.map_or(usize::MAX, |left| left.div_ceil(self.lanes.parallel()));
        self.batch_size.min(share).max(1)
    }

    /// Runs the remaining images, and passes on all results. Returns how many images were computed, and the
    /// timings.
    pub(super) fn finish(mut self) -> Result<(usize, Timings)> {
        self.flush()?;
        Ok((self.computed, self.timings))
    }

    /// Runs the current batch even if it is not full, and waits for all results.
    pub(super) fn flush(&mut self) -> Result<()> {
        if !self.waiting.is_empty() {
            self.start_batch();
        }
        self.take_up(0)
    }

    fn add_pixels(&mut self, picture: Picture, pixels: Vec<u8>) -> Waiting {
        let seen = self.seen.as_ref();
        if seen.is_some_and(|seen| !seen.claim(&picture.digest)) {
            return Waiting::Done(Outcome::Reused(picture));
        }
        self.pictures.push(pixels);
        Waiting::InBatch(picture)
    }

    /// Returns how long the first image of the current batch has waited, or zero if the batch is empty.
    pub(super) fn age(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Returns whether there are images whose results have not been passed on.
    pub(super) fn has_work(&self) -> bool {
        !(self.waiting.is_empty() && self.running.is_empty())
    }

    fn start_batch(&mut self) {
        self.since = None;
        let pictures = take(&mut self.pictures);
        let features = (!pictures.is_empty()).then(|| self.lanes.run(pictures));
        self.busy += usize::from(features.is_some());
        self.running.push_back(Running {
            inputs: take(&mut self.waiting),
            features,
        });
    }

    /// Passes on the batches that are ready, and waits for others while more than `most` have images to
    /// compute.
    pub(super) fn take_up(&mut self, most: usize) -> Result<()> {
        while let Some(oldest) = self.running.front() {
            let features = match &oldest.features {
                None => Vec::new(),
                Some(lane) => {
                    let ready = match lane.try_recv() {
                        Err(TryRecvError::Empty) if self.busy <= most => return Ok(()),
                        Err(TryRecvError::Empty) => lane.recv().ok(),
                        other => other.ok(),
                    };
                    // A lane that does not answer has panicked; the thread scope propagates the panic.
                    let Some(features) = ready else { return Ok(()) };
                    let done = features?;
                    self.timings.preprocess += done.preprocess;
                    self.timings.forward += done.forward;
                    done.features
                }
            };
            self.release(&features)?;
        }
        Ok(())
    }

    /// Passes on the results of the oldest batch.
    fn release(&mut self, features: &[f32]) -> Result<()> {
        let start = Instant::now();
        let Some(Running {
            inputs,
            features: lane,
        }) = self.running.pop_front()
        else {
            return Ok(());
        };
        self.busy -= usize::from(lane.is_some());
        let (steps, mut computed) = (inputs.len() as u64, 0);
        let mut rows = features.chunks_exact(self.lanes.num_features().max(1));
        for (found, waiting) in inputs {
            let outcome = match waiting {
                Waiting::Done(outcome) => self.unless_refused(outcome),
                Waiting::InBatch(picture) => {
                    let row = rows
                        .next()
                        .expect("a backbone returns a row for each image");
                    computed += 1;
                    self.outcome_of(picture, row)
                }
            };
            (self.each)(Item { found, outcome })?;
        }
        self.computed += computed as usize;
        self.progress.advance(computed);
        self.progress.pass_over(steps - computed);
        self.timings.write += start.elapsed();
        Ok(())
    }

    fn outcome_of(&mut self, picture: Picture, features: &[f32]) -> Outcome {
        match self.dtype.holds(features) {
            Ok(()) => Outcome::Computed(picture, features.to_vec()),
            Err(reason) => {
                self.refused.insert(picture.digest, reason.clone());
                Outcome::Skipped(reason)
            }
        }
    }

    /// Skips a duplicate of an image whose features could not be used.
    fn unless_refused(&self, outcome: Outcome) -> Outcome {
        let reason = match &outcome {
            Outcome::Reused(picture) => self.refused.get(&picture.digest),
            _ => None,
        };
        reason.cloned().map_or(outcome, Outcome::Skipped)
    }
}
