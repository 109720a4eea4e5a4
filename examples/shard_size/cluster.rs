//! Workers that take shards from a queue, are slow or preempted, and try again.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use crate::random::Random;

/// Whether what a preempted worker has stored is still there for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    /// On a shared file system: the next worker goes on after the last part.
    Kept,
    /// On the worker's own disk: the shard starts again.
    Lost,
}

/// A cluster and its job; times in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cluster {
    pub(crate) images: u64,
    pub(crate) workers: usize,
    /// Images per second of a median worker.
    pub(crate) rate: f64,
    /// The sigma of the log-normal distribution of the workers' speeds.
    pub(crate) spread: f64,
    /// The share of shards on a slow machine or disk, and how many times as long they take.
    pub(crate) stragglers: (f64, f64),
    /// Starting the program, opening the network and listing the images.
    pub(crate) start_up: f64,
    /// The mean time until a worker is preempted, and until another one takes its place.
    pub(crate) preempted_after: f64,
    pub(crate) replaced_after: f64,
    /// The most work that a killed run loses: a part is written at the latest after this time.
    pub(crate) part: f64,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            images: 100_000_000,
            workers: 1_000,
            rate: 200.0,
            spread: 0.15,
            stragglers: (0.01, 4.0),
            start_up: 15.0,
            preempted_after: 4.0 * 3600.0,
            replaced_after: 180.0,
            part: 10.0,
        }
    }
}

/// How a job went; times in seconds, of all workers together except `length` and `ideal`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    /// Until the last shard was done.
    pub(crate) length: f64,
    /// The same if all workers were median ones and nothing went wrong.
    pub(crate) ideal: f64,
    /// All the time that workers were held.
    pub(crate) held: f64,
    pub(crate) started: f64,
    /// Work that had to be done again.
    pub(crate) lost: f64,
    /// Waiting for the last shards.
    pub(crate) idle: f64,
}

impl Outcome {
    /// Returns the time that computed nothing that was kept.
    pub(crate) fn wasted(&self) -> f64 {
        self.started + self.lost + self.idle
    }

    pub(crate) fn mean(outcomes: &[Self]) -> Self {
        let mean =
            |of: fn(&Self) -> f64| outcomes.iter().map(of).sum::<f64>() / outcomes.len() as f64;
        Self {
            length: mean(|o| o.length),
            ideal: mean(|o| o.ideal),
            held: mean(|o| o.held),
            started: mean(|o| o.started),
            lost: mean(|o| o.lost),
            idle: mean(|o| o.idle),
        }
    }
}

/// A worker, ordered by the time at which it is free.
struct Free {
    at: f64,
    preempted: f64,
    worker: usize,
}

impl PartialEq for Free {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Free {}

impl PartialOrd for Free {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Free {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at
            .total_cmp(&other.at)
            .then(self.worker.cmp(&other.worker))
    }
}

impl Cluster {
    /// Simulates the job in shards of this many images.
    pub(crate) fn run(&self, size: u64, storage: Storage, seed: u64) -> Outcome {
        let mut random = Random::new(seed);
        let speeds: Vec<f64> = (0..self.workers)
            .map(|_| self.rate * random.log_normal(self.spread))
            .collect();
        let mut shards: VecDeque<f64> = (0..self.images.div_ceil(size))
            .map(|i| {
                let images = size.min(self.images - i * size) as f64;
                let is_slow = random.uniform() < self.stragglers.0;
                images * if is_slow { self.stragglers.1 } else { 1.0 }
            })
            .collect();
        let mut free: BinaryHeap<Reverse<Free>> = (0..self.workers)
            .map(|worker| {
                let preempted = random.exponential(self.preempted_after);
                Reverse(Free {
                    at: 0.0,
                    preempted,
                    worker,
                })
            })
            .collect();
        let ideal = self.images as f64 / (self.rate * self.workers as f64);
        let mut outcome = Outcome {
            ideal,
            ..Outcome::default()
        };
        let mut ends = vec![0.0; self.workers];
        while let Some(left) = shards.pop_front() {
            let Reverse(mut now) = free.pop().expect("a worker is always back in time");
            let rate = speeds[now.worker];
            let end = now.at + self.start_up + left / rate;
            if end <= now.preempted {
                outcome.started += self.start_up;
                outcome.held += end - now.at;
                now.at = end;
                outcome.length = outcome.length.max(end);
                ends[now.worker] = end;
            } else {
                let left = self.preempt(&now, left, rate, storage, &mut outcome);
                shards.push_back(left);
                ends[now.worker] = now.preempted.max(now.at);
                now.at = ends[now.worker] + random.exponential(self.replaced_after);
                now.preempted = now.at + random.exponential(self.preempted_after);
            }
            free.push(Reverse(now));
        }
        outcome.idle = ends.iter().map(|end| outcome.length - end).sum();
        outcome.held += outcome.idle;
        outcome
    }

    /// Ends a shard early; returns the images that are left of it.
    fn preempt(
        &self,
        now: &Free,
        left: f64,
        rate: f64,
        storage: Storage,
        outcome: &mut Outcome,
    ) -> f64 {
        let ran = (now.preempted - now.at).max(0.0);
        let started = ran.min(self.start_up);
        let computed = ran - started;
        outcome.held += ran;
        outcome.started += started;
        // On the average, half a part is in progress.
        let lost = match storage {
            Storage::Kept => computed.min(self.part / 2.0),
            Storage::Lost => computed,
        };
        outcome.lost += lost;
        left - (computed - lost) * rate
    }
}
