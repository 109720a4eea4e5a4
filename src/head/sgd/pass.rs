//! A pass over rows, batch by batch: its threads each have shares of the features and meet twice a step.

use std::thread;

use pulp::Arch;

use super::descent::Descent;
use super::exchange::Exchange;
use super::meeting::Meeting;
use super::motion::{Motion, Rule};
use super::share::Share;
use super::trainer::BatchLoss;
use crate::head::data::FeatureRows;
use crate::head::linear::{Batch, Targets, products};
use crate::head::parallel::processors;

/// Multiplications of a step that are worth a thread of their own: some 3 µs of work, where two meetings cost one.
const WORTH_A_THREAD: usize = 1 << 16;

/// Numbers of the next batch that a thread asks for while it works on one: 256 KiB, so that with the batch's own they fit
/// the second cache.
const AHEAD: usize = 1 << 16;

/// What a pass is over, and what does not change in it.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a, 'f> {
    pub(super) features: &'a FeatureRows<'f>,
    /// The class of each image, and the number of rows that it has.
    pub(super) classes_of: &'a [usize],
    pub(super) views: usize,
    /// The rows in the order of the steps.
    pub(super) rows: &'a [usize],
    pub(super) batch_size: usize,
    pub(super) targets: &'a Targets,
    pub(super) rule: &'a Rule,
}

/// The bias in training, of which every thread has the same copy.
#[derive(Debug, Clone)]
pub(super) struct Bias {
    pub(super) values: Vec<f32>,
    pub(super) motion: Motion,
}

impl Pass<'_, '_> {
    /// Takes all steps; the loss is that of every batch before its step.
    pub(super) fn run(&self, shares: &mut [Share], bias: &mut Bias) -> BatchLoss {
        let batch = self.batch_size.min(self.rows.len());
        let exchange = Exchange::new(batch, self.targets.n_classes(), shares.len());
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
        thread::scope(|scope| {
            for (number, shares) in (1..).zip(others.chunks_mut(each)) {
                let (thread, mut bias) = (thread(number), bias.clone());
                scope.spawn(move || thread.run(shares, &mut bias));
            }
            thread(0).run(first, bias)
        })
    }

    /// A divisor of the number of shares.
    fn threads(&self, batch: usize, shares: usize) -> usize {
        let step = 2 * batch * self.features.ncols() * self.targets.n_classes();
        let most = processors().min(step / WORTH_A_THREAD).clamp(1, shares);
        (1..=most)
            .rev()
            .find(|n| shares.is_multiple_of(*n))
            .unwrap_or(1)
    }
}

/// One of the threads.
struct Thread<'a, 'p, 'f> {
    pass: &'a Pass<'p, 'f>,
    exchange: &'a Exchange,
    meeting: &'a Meeting,
    arch: Arch,
    number: usize,
    threads: usize,
    /// The number of its first share.
    first: usize,
}

impl Thread<'_, '_, '_> {
    fn run(&self, shares: &mut [Share], bias: &mut Bias) -> BatchLoss {
        let _guard = self.meeting.guard();
        let mut loss = BatchLoss::default();
        let mut logits = vec![0.0; bias.values.len()];
        let (mut parts, mut residuals) = (Vec::new(), Vec::new());
        let mut batches = self.pass.rows.chunks(self.pass.batch_size).peekable();
        while let Some(rows) = batches.next() {
            let next = batches.peek().copied().unwrap_or_default();
            let next = &next[..next.len().min(self.rows_ahead())];
            let weight = rows.iter().map(|&row| self.weight_of(row)).sum();
            parts.resize(rows.len() * bias.values.len(), 0.0);
            let laid = shares.iter_mut().zip(self.first..).map(|(share, number)| {
                let columns = share.window.columns.len();
                let ahead = share.window.lying(self.pass.features, next);
                let x = share.window.lay(self.pass.features, rows);
                let weight: Vec<&[f32]> = share.weight.chunks_exact(columns).collect();
                products(self.arch, &x, &weight, &mut parts);
                self.exchange.set_parts(number, &parts);
                let descent = Descent {
                    rule: *self.pass.rule,
                    weight: &mut share.weight,
                    velocity: &mut share.velocity,
                    columns,
                };
                (x, ahead.unwrap_or_default(), descent)
            });
            let laid: Vec<_> = laid.collect();
            self.meeting.wait();
            self.judge(rows, &bias.values, weight, &mut logits);
            self.meeting.wait();
            self.exchange.residuals(rows.len(), &mut residuals);
            loss.add(BatchLoss {
                sum: self.exchange.loss(rows.len()),
                weight,
            });
            for (x, ahead, mut descent) in laid {
                let batch = Batch {
                    rows: &x,
                    residuals: &residuals,
                    ahead: &ahead,
                    classes: bias.values.len(),
                };
                batch.gradient(self.arch, &mut descent);
            }
            bias.descend(&residuals, self.pass.rule);
        }
        loss
    }

    fn rows_ahead(&self) -> usize {
        AHEAD * self.threads / self.pass.features.ncols()
    }

    /// The losses and residuals of this thread's part of the rows.
    fn judge(&self, rows: &[usize], bias: &[f32], weight: f64, logits: &mut [f64]) {
        let bound = |i: usize| i * rows.len() / self.threads;
        for row in bound(self.number)..bound(self.number + 1) {
            self.exchange.logits(row, bias, logits);
            let loss = self
                .pass
                .targets
                .residuals(self.class_of(rows[row]), logits);
            self.exchange.set_row(row, logits, 1.0 / weight, loss);
        }
    }

    fn class_of(&self, row: usize) -> usize {
        self.pass.classes_of[row / self.pass.views]
    }

    fn weight_of(&self, row: usize) -> f64 {
        self.pass.targets.class_weight(self.class_of(row))
    }
}

impl Bias {
    fn descend(&mut self, residuals: &[f32], rule: &Rule) {
        for row in residuals.chunks_exact(self.values.len()) {
            let sums = self.motion.gradient.iter_mut().zip(row);
            sums.for_each(|(sum, residual)| *sum += residual);
        }
        self.motion.update(&mut self.values, rule, 1.0);
    }
}
