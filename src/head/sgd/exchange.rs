//! What the threads of a pass tell each other in a step.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Numbers that one thread writes and all read, with a [`Meeting`](super::meeting::Meeting) in between.
#[derive(Debug)]
pub(super) struct Exchange {
    classes: usize,
    /// Of each share its part of the logits, (B, C).
    parts: Vec<Vec<AtomicU32>>,
    /// The derivatives of the batch's loss by its logits, (B, C).
    residuals: Vec<AtomicU32>,
    /// The loss of each row, (B).
    losses: Vec<AtomicU64>,
}

impl Exchange {
    /// For batches of at most B rows.
    pub(super) fn new(batch: usize, classes: usize, shares: usize) -> Self {
        let numbers =
            || -> Vec<AtomicU32> { (0..batch * classes).map(|_| AtomicU32::default()).collect() };
        Self {
            classes,
            parts: (0..shares).map(|_| numbers()).collect(),
            residuals: numbers(),
            losses: (0..batch).map(|_| AtomicU64::default()).collect(),
        }
    }

    /// A share's part of the logits of a batch of B, (B, C).
    pub(super) fn set_parts(&self, share: usize, parts: &[f32]) {
        for (to, part) in self.parts[share].iter().zip(parts) {
            to.store(part.to_bits(), Ordering::Relaxed);
        }
    }

    /// The logits of a row: the bias and all parts, always in the same order.
    pub(super) fn logits(&self, row: usize, bias: &[f32], logits: &mut [f64]) {
        let places = row * self.classes..(row + 1) * self.classes;
        logits.fill(0.0);
        for part in &self.parts {
            for (logit, part) in logits.iter_mut().zip(&part[places.clone()]) {
                *logit += f64::from(read(part));
            }
        }
        for (logit, bias) in logits.iter_mut().zip(bias) {
            *logit += f64::from(*bias);
        }
    }

    /// The residuals of a row, to be scaled, and its loss.
    pub(super) fn set_row(&self, row: usize, residuals: &[f64], scale: f64, loss: f64) {
        let to = &self.residuals[row * self.classes..];
        for (to, residual) in to.iter().zip(residuals) {
            to.store(((residual * scale) as f32).to_bits(), Ordering::Relaxed);
        }
        self.losses[row].store(loss.to_bits(), Ordering::Relaxed);
    }

    /// The residuals of a batch of B, (B, C).
    pub(super) fn residuals(&self, batch: usize, to: &mut Vec<f32>) {
        to.clear();
        to.extend(self.residuals[..batch * self.classes].iter().map(read));
    }

    /// The sum of the losses of a batch of B.
    pub(super) fn loss(&self, batch: usize) -> f64 {
        let losses = self.losses[..batch].iter();
        losses
            .map(|loss| f64::from_bits(loss.load(Ordering::Relaxed)))
            .sum()
    }
}

fn read(number: &AtomicU32) -> f32 {
    f32::from_bits(number.load(Ordering::Relaxed))
}
