//! Puts prepared pictures into full batches, and passes results on in input order.

use std::collections::{HashSet, VecDeque};
use std::mem::take;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Instant;

use super::lanes::{Features, Lanes};
use super::prepare::Prepared;
use super::{Item, Outcome, Picture, Sink, Timings};
use crate::error::Result;
use crate::features::Digest;
use crate::images::Found;
use crate::progress::Progress;

/// The one that fills batches, and empties them.
pub(super) struct Batcher<'a, 'b> {
    batch_size: usize,
    lanes: Lanes,
    sink: &'b mut dyn Sink,
    progress: &'b dyn Progress,
    /// Digests of all batches, where equal images are to be computed once.
    seen: Option<HashSet<Digest>>,
    /// Inputs of the batch that is being filled.
    waiting: Vec<(&'a Found, Waiting)>,
    /// Its pictures.
    pictures: Vec<Vec<u8>>,
    /// Batches that are with the lanes, the oldest first.
    running: VecDeque<Running<'a>>,
    /// How many of them have pictures to compute.
    busy: usize,
    timings: Timings,
}

/// A batch whose features have not been taken up.
struct Running<'a> {
    inputs: Vec<(&'a Found, Waiting)>,
    /// None for inputs without a picture to compute.
    features: Option<Receiver<Features>>,
}

/// A result whose turn has not come yet.
enum Waiting {
    InBatch(Picture),
    Done(Outcome),
}

impl<'a, 'b> Batcher<'a, 'b> {
    pub(super) fn new(
        batch_size: usize,
        lanes: Lanes,
        sink: &'b mut dyn Sink,
        progress: &'b dyn Progress,
        once: bool,
    ) -> Self {
        Self {
            batch_size,
            lanes,
            sink,
            progress,
            seen: once.then(HashSet::new),
            waiting: Vec::new(),
            pictures: Vec::new(),
            running: VecDeque::new(),
            busy: 0,
            timings: Timings::default(),
        }
    }

    /// Takes the next input.
    pub(super) fn add(&mut self, found: &'a Found, prepared: Prepared) -> Result<()> {
        let (waiting, timings) = match prepared {
            Prepared::Skipped(reason, timings) => {
                (Waiting::Done(Outcome::Skipped(reason)), timings)
            }
            Prepared::Known(picture, timings) => (Waiting::Done(Outcome::Reused(picture)), timings),
            Prepared::Pixels(picture, pixels, timings) => {
                (self.add_pixels(picture, pixels), timings)
            }
        };
        self.timings.decode += timings.decode;
        self.timings.preprocess += timings.preprocess;
        self.waiting.push((found, waiting));
        if self.pictures.len() == self.batch_size || self.pictures.is_empty() {
            self.start_batch();
        }
        // One batch more than there are lanes, so that a lane that gets free need not wait for it to be filled.
        self.take_up(self.lanes.count())
    }

    /// Runs what is left, and takes up all results.
    pub(super) fn finish(mut self) -> Result<Timings> {
        self.start_batch();
        self.take_up(0)?;
        Ok(self.timings)
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

    fn start_batch(&mut self) {
        let pictures = take(&mut self.pictures);
        let features = (!pictures.is_empty()).then(|| self.lanes.run(pictures));
        self.busy += usize::from(features.is_some());
        self.running.push_back(Running {
            inputs: take(&mut self.waiting),
            features,
        });
    }

    /// Takes up the batches that are ready, and waits for others while more than `most` have pictures to compute.
    fn take_up(&mut self, most: usize) -> Result<()> {
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
        let steps = inputs.len() as u64;
        let mut rows = features.chunks_exact(self.lanes.num_features().max(1));
        for (found, waiting) in inputs {
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
        self.progress.advance(steps);
        self.timings.write += start.elapsed();
        Ok(())
    }
}
