//! Takes steps on a list of batches, shared between threads that synchronise twice per step.

use std::thread;

use pulp::Arch;

use super::share::Share;
use super::step::{Bias, Descent, Rule};
use super::threads::{Exchange, Meeting};
use crate::error::{Error, Result, ThreadsFor};
use crate::head::data::Block;
use crate::head::linear::{Batch, CrossEntropy, products};
use crate::progress::Progress;
use crate::threads::start;

/// Multiplications of a step that are worth another thread: some 3 µs of work, while two synchronisations
/// cost 1 µs.
const WORTH_A_THREAD: usize = 1 << 16;

/// Values of the next batch that a thread prefetches while it works on the current one: 256 KiB, so that both
/// batches fit the L2 cache.
const AHEAD: usize = 1 << 16;

/// The loss of a batch before its step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BatchLoss {
    /// `Σ m · w[y] · l`, where m are the sample weights.
    pub sum: f64,
    /// `Σ m · w[y]`: without weights, the number of samples.
    pub weight: f64,
}

impl BatchLoss {
    /// Returns the mean loss, as PyTorch reports it; NaN without samples.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum / self.weight
    }

    /// Adds the loss of another batch.
    pub fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.weight += other.weight;
    }
}

/// The batches of a pass, and everything that stays constant during it.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a, 'f> {
    pub(super) block: &'a Block<'f>,
    /// Rows per image.
    pub(super) views: usize,
    /// The weight of each image, if not 1. A step whose weights sum to 0 is not taken.
    pub(super) weights: Option<&'a [f64]>,
    /// The rows of each step; no step is empty.
    pub(super) batches: &'a [&'a [usize]],
    /// The most threads to use.
    pub(super) threads: usize,
    pub(super) loss: &'a CrossEntropy,
    pub(super) rule: &'a Rule,
    /// May ask to stop before a step.
    pub(super) progress: &'a dyn Progress,
}

impl Pass<'_, '_> {
    /// Takes all steps and returns the summed loss of the batches, each before its step.
    ///
    /// # Errors
    /// [`Error::NoThread`]; no step has been taken then. [`Error::Interrupted`].
    pub(super) fn run(&self, shares: &mut [Share], bias: &mut Bias) -> Result<BatchLoss> {
        let batch = self
            .batches
            .iter()
            .map(|rows| rows.len())
            .max()
            .unwrap_or(0);
        let exchange = Exchange::new(batch, self.loss.n_classes(), shares.len());
        let threads = self.threads(batch, shares.len());
        let each = shares.len() / threads;
        let meeting = Meeting::of(threads);
        let thread = |number| Thread {
            pass: self,
            exchange: &exchange,
            meeting: &meeting,
            arch: Arch::new(),
            number,
            threads,
            first: number * each,
        };
        let (first, others) = shares.split_at_mut(each);
        let loss: Result<_> = thread::scope(|scope| {
            for (number, shares) in (1..).zip(others.chunks_mut(each)) {
                let (thread, mut bias) = (thread(number), bias.clone());
                let work = move || thread.run(shares, &mut bias);
                let started = start(scope, ThreadsFor::Features, work);
                started.inspect_err(|_| meeting.call_off())?;
            }
            Ok(thread(0).run(first, bias))
        });
        // A scope panics if one of its threads has panicked.
        loss?.ok_or(Error::Interrupted { kept: None })
    }

    /// Returns the number of threads to use, which divides the number of shares.
    fn threads(&self, batch: usize, shares: usize) -> usize {
        let step = 2 * batch * self.block.features.ncols() * self.loss.n_classes();
        let most = self.threads.min(step / WORTH_A_THREAD).clamp(1, shares);
        let divisor = (1..=most).rev().find(|n| shares.is_multiple_of(*n));
        divisor.unwrap_or(1)
    }
}

/// One thread of a pass.
struct Thread<'a, 'p, 'f> {
    pass: &'a Pass<'p, 'f>,
    exchange: &'a Exchange,
    meeting: &'a Meeting,
    arch: Arch,
    number: usize,
    threads: usize,
    /// The index of its first share.
    first: usize,
}

/// A share during a step.
struct Laid<'s> {
    /// Its columns of the batch, (B, d).
    x: Vec<&'s [f32]>,
    /// Its columns of the next batch.
    ahead: Vec<&'s [f32]>,
    descent: Descent<'s>,
}

impl Thread<'_, '_, '_> {
    /// Returns the summed loss, or `None` if the threads do not meet, because one has panicked or the first
    /// one was asked to stop.
    fn run(&self, shares: &mut [Share], bias: &mut Bias) -> Option<BatchLoss> {
        let _guard = self.meeting.guard();
        let (mut loss, mut residuals) = (BatchLoss::default(), Vec::new());
        let mut logits = vec![0.0; bias.values.len()];
        let mut batches = self.pass.batches.iter().peekable();
        while let Some(rows) = batches.next() {
            if self.number == 0 && self.pass.progress.is_stopped() {
                self.meeting.call_off();
                return None;
            }
            let next = batches.peek().copied().copied().unwrap_or_default();
            let next = &next[..next.len().min(self.rows_ahead())];
            let weight = rows.iter().map(|&row| self.weight_of(row)).sum();
            if weight == 0.0 {
                continue;
            }
            let laid = self.lay(shares, rows, next);
            self.meeting.wait()?;
            self.residuals(rows, &bias.values, weight, &mut logits);
            self.meeting.wait()?;
            self.exchange.residuals(rows.len(), &mut residuals);
            let sum = self.exchange.loss(rows.len());
            loss.add(BatchLoss { sum, weight });
            for mut share in laid {
                let batch = Batch {
                    rows: &share.x,
                    residuals: &residuals,
                    ahead: &share.ahead,
                    classes: bias.values.len(),
                };
                batch.gradient(self.arch, &mut share.descent);
            }
            bias.descend(&residuals, self.pass.rule);
        }
        Some(loss)
    }

    /// Computes this thread's part of the logits of a batch, and prepares its shares for the gradient.
    fn lay<'s>(&'s self, shares: &'s mut [Share], rows: &[usize], next: &[usize]) -> Vec<Laid<'s>> {
        let features = &self.pass.block.features;
        let mut parts = vec![0.0; rows.len() * self.pass.loss.n_classes()];
        let laid = shares.iter_mut().zip(self.first..).map(|(share, number)| {
            let columns = share.window.columns.len();
            let ahead = share.window.lying(features, next).unwrap_or_default();
            let x = share.window.lay(features, rows);
            let weight: Vec<&[f32]> = share.weight.chunks_exact(columns).collect();
            products(self.arch, &x, &weight, &mut parts);
            self.exchange.set_parts(number, &parts);
            let descent = Descent {
                rule: *self.pass.rule,
                weight: &mut share.weight,
                velocity: &mut share.velocity,
                columns,
            };
            Laid { x, ahead, descent }
        });
        laid.collect()
    }

    fn rows_ahead(&self) -> usize {
        AHEAD * self.threads / self.pass.block.features.ncols()
    }

    /// Computes the losses and residuals of this thread's part of the rows.
    fn residuals(&self, rows: &[usize], bias: &[f32], weight: f64, logits: &mut [f64]) {
        let bound = |i: usize| i * rows.len() / self.threads;
        for row in bound(self.number)..bound(self.number + 1) {
            self.exchange.logits(row, bias, logits);
            let class = self.class_of(rows[row]);
            let own = self.own_weight(rows[row]);
            let loss = self.pass.loss.residuals(class, logits);
            self.exchange.set_row(row, logits, own / weight, own * loss);
        }
    }

    fn class_of(&self, row: usize) -> usize {
        self.pass.block.targets[row / self.pass.views]
    }

    /// Returns the weight of a row in the sums: that of its image times that of its class.
    fn weight_of(&self, row: usize) -> f64 {
        self.own_weight(row) * self.pass.loss.class_weight(self.class_of(row))
    }

    fn own_weight(&self, row: usize) -> f64 {
        let weights = self.pass.weights;
        weights.map_or(1.0, |weights| weights[row / self.pass.views])
    }
}
