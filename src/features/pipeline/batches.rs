//! Puts prepared pictures into full batches, and passes results on in input order.

use std::collections::{HashMap, HashSet, VecDeque};
use std::mem::take;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use super::item::{Item, Known, Outcome, Taker};
use super::lanes::{Features, Lanes};
use super::prepare::Prepared;
use super::speed::Timings;
use crate::error::Result;
use crate::features::content::{Digest, Picture};
use crate::features::dtype::Dtype;
use crate::images::{Found, SkipReason};
use crate::progress::Progress;

/// The one that fills batches, and empties them.
pub(super) struct Batcher<'a> {
    batch_size: usize,
    /// Images that have not come yet, where their number is known.
    to_come: Option<usize>,
    lanes: Lanes,
    each: Taker<'a>,
    progress: &'a dyn Progress,
    /// What features must be fit for.
    dtype: Dtype,
    /// Digests of all batches, where equal images are to be computed once.
    seen: Option<HashSet<Digest>>,
    /// Those of them whose features are of no use: equal images are skipped with them.
    refused: HashMap<Digest, SkipReason>,
    /// Inputs of the batch that is being filled.
    waiting: Vec<(Found, Waiting)>,
    /// When the first of them came.
    since: Option<Instant>,
    /// Its pictures.
    pictures: Vec<Vec<u8>>,
    /// Batches that are with the lanes, the oldest first.
    running: VecDeque<Running>,
    /// How many of them have pictures to compute.
    busy: usize,
    /// Images whose features were computed.
    computed: usize,
    timings: Timings,
}

/// A batch whose features have not been taken up.
struct Running {
    inputs: Vec<(Found, Waiting)>,
    /// None for inputs without a picture to compute.
    features: Option<Receiver<Features>>,
}

/// A result whose turn has not come yet.
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
            seen: known.once.then(HashSet::new),
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

    /// Takes the next input.
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
        // One batch more than there are lanes, so that a lane that gets free need not wait for it to be
        // filled.
        self.take_up(self.lanes.count())
    }

    /// Pictures of a full batch: fewer towards the end of a run, so that all lanes end at about the same
    /// time.
    fn full(&self) -> usize {
        let left = self.to_come.map(|n| n + self.pictures.len());
        let share = left.map_or(usize::MAX, |left| left.div_ceil(self.lanes.count()));
        self.batch_size.min(share).max(1)
    }

    /// Runs what is left, and takes up all results; how many were computed, and how long it took.
    pub(super) fn finish(mut self) -> Result<(usize, Timings)> {
        self.flush()?;
        Ok((self.computed, self.timings))
    }

    /// Runs a batch that is not full too, and waits for all results.
    pub(super) fn flush(&mut self) -> Result<()> {
        if !self.waiting.is_empty() {
            self.start_batch();
        }
        self.take_up(0)
    }

    fn add_pixels(&mut self, picture: Picture, pixels: Vec<u8>) -> Waiting {
        if self
            .seen
            .as_mut()
            .is_some_and(|seen| !seen.insert(picture.digest))
        {
            return Waiting::Done(Outcome::Reused(picture));
        }
        self.pictures.push(pixels);
        Waiting::InBatch(picture)
    }

    /// How long the first image of the batch being filled has waited; zero if the batch is empty.
    pub(super) fn age(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
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

    /// Takes up the batches that are ready, and waits for others while more than `most` have pictures to
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
                    // A lane that does not answer has panicked; the scope passes its panic on.
                    let Some(features) = ready else { return Ok(()) };
                    let (features, timings) = features?;
                    self.timings.preprocess += timings.preprocess;
                    self.timings.forward += timings.forward;
                    features
                }
            };
            self.release(&features)?;
        }
        Ok(())
    }

    /// Passes the oldest batch on.
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
                    self.judged(picture, row)
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

    fn judged(&mut self, picture: Picture, features: &[f32]) -> Outcome {
        match self.dtype.holds(features) {
            Ok(()) => Outcome::Computed(picture, features.to_vec()),
            Err(reason) => {
                self.refused.insert(picture.digest, reason.clone());
                Outcome::Skipped(reason)
            }
        }
    }

    /// An image that equals an earlier one fares as that one did.
    fn unless_refused(&self, outcome: Outcome) -> Outcome {
        let reason = match &outcome {
            Outcome::Reused(picture) => self.refused.get(&picture.digest),
            _ => None,
        };
        reason.cloned().map_or(outcome, Outcome::Skipped)
    }
}
