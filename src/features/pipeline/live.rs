//! Computes features of images that arrive at any time from any number of callers, with the decoders and
//! lanes of a run.
//!
//! An image waits in a bounded queue until a thread decodes it, and then at most `max_delay` for others to
//! fill its batch. A free lane takes its share of the decoded images, so that idle lanes get work too.
//! Results are passed on as they are ready, in no particular order.

mod job;
mod queue;
mod ready;
#[cfg(test)]
mod tests;
mod workers;

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub(crate) use job::{Input, Job, Observer, Unanswered, Wanted};
pub(crate) use queue::QueueFull;

use self::queue::Queue;
use self::ready::Ready;
use self::workers::{Shared, decode_all, run_batches};
use super::forward::{NetworkInput, forward};
use super::item::Known;
use super::meter::Meter;
use super::prepare::{AHEAD, Preparer};
use super::run::Pipeline;
use super::trial::Trial;
use crate::backbones::Backbone;
use crate::error::{Error, Result, ThreadsFor};
use crate::images::{DecodeBudget, Preprocessor};
use crate::threads::start;

/// How many images wait, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    /// The longest time that a decoded image waits for others to fill its batch.
    pub(crate) max_delay: Duration,
    /// The largest number of images that wait to be decoded.
    pub(crate) queue: usize,
}

/// A network that computes features until this is dropped.
#[derive(Debug)]
pub(crate) struct Live {
    queue: Arc<Queue>,
    supervisor: Option<JoinHandle<()>>,
}

impl Live {
    /// Starts the threads. `network` is what owns the backbone that `backbone` returns.
    ///
    /// # Errors
    /// Those of the network, [`Error::NoThread`], and parameters of the preprocessing that are out of range.
    pub(crate) fn start<N: Send + 'static>(
        network: N,
        backbone: fn(&mut N) -> &mut dyn Backbone,
        pipeline: Pipeline,
        waiting: Waiting,
        observer: Arc<dyn Observer>,
    ) -> Result<Self> {
        let preprocessor = Preprocessor::new(&pipeline.preprocessing)?;
        let queue = Arc::new(Queue::new(waiting.queue));
        let (started, result) = sync_channel(1);
        let crew = Crew {
            pipeline,
            preprocessor,
            max_delay: waiting.max_delay,
            queue: Arc::clone(&queue),
            observer,
        };
        let mut network = network;
        let supervise = move || crew.work(backbone(&mut network), &started);
        let supervisor = thread::Builder::new().spawn(supervise);
        let supervisor = supervisor.map_err(|source| Error::NoThread {
            purpose: ThreadsFor::Images,
            source,
        })?;
        let live = Self {
            queue,
            supervisor: Some(supervisor),
        };
        // Without a message the supervisor has panicked; dropping `live` waits for it.
        result.recv().unwrap_or(Ok(()))?;
        Ok(live)
    }

    /// Adds images to the queue: all of them, or none if they do not fit.
    ///
    /// # Errors
    /// [`QueueFull`].
    pub(crate) fn submit(&self, jobs: Vec<Job>) -> Result<(), QueueFull> {
        self.queue.push(jobs)
    }

    /// Returns the number of images that wait to be decoded.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }
}

impl Drop for Live {
    /// Finishes the images in the queue.
    fn drop(&mut self) {
        self.queue.close();
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
    }
}

/// What the threads of a network share; the supervising thread owns it.
struct Crew {
    pipeline: Pipeline,
    preprocessor: Preprocessor,
    max_delay: Duration,
    queue: Arc<Queue>,
    observer: Arc<dyn Observer>,
}

impl Crew {
    /// Runs until the queue is closed and empty.
    fn work(self, backbone: &mut dyn Backbone, started: &SyncSender<Result<()>>) {
        let threads = self.pipeline.threads.max(1);
        let views = self.pipeline.views.len().max(1);
        let mut replicas = backbone.replicas();
        if let Err(error) = self.warm_up(backbone, &mut replicas) {
            let _ = started.send(Err(error));
            return;
        }
        let (meter, known) = (Meter::new(threads), Known::default());
        let preparer = Preparer {
            decoding: &self.pipeline.decoding,
            known: &known,
            budget: DecodeBudget::default(),
            ahead: DecodeBudget::new(AHEAD * threads as u64),
            views: &self.pipeline.views,
            meter: &meter,
            trial: Trial::default(),
        };
        let shared = Shared {
            queue: &self.queue,
            ready: Ready::new(
                (self.pipeline.batch_size / views).max(1),
                self.max_delay,
                threads,
                // On another device lanes take turns.
                backbone.cpus() > 0,
            ),
            preparer: &preparer,
            preprocessor: &self.preprocessor,
            views,
            observer: &*self.observer,
        };
        let shared = &shared;
        thread::scope(|scope| {
            let run = || {
                start(scope, ThreadsFor::Images, move || {
                    run_batches(shared, backbone);
                })?;
                for lane in &mut replicas {
                    start(scope, ThreadsFor::Images, move || {
                        run_batches(shared, lane.as_mut());
                    })?;
                }
                for _ in 0..threads {
                    start(scope, ThreadsFor::Images, move || decode_all(shared))?;
                }
                Ok(())
            };
            let running = run();
            if running.is_err() {
                self.queue.close();
                shared.ready.close();
            }
            let _ = started.send(running);
        });
    }

    /// Runs each lane once: the first run opens its session and allocates its memory.
    fn warm_up(&self, first: &mut dyn Backbone, replicas: &mut [Box<dyn Backbone>]) -> Result<()> {
        let blank = vec![0; self.preprocessor.settings().num_values()];
        let run = |lane| {
            let blank = [NetworkInput::Pixels(&blank)];
            forward(&blank, &mut Vec::new(), lane, &self.preprocessor)
        };
        run(first)?;
        for replica in replicas {
            run(replica.as_mut())?;
        }
        Ok(())
    }
}
