//! Sums and histograms over samples that are not kept.

use std::collections::BTreeMap;

use ndarray::{ArrayView1, ArrayView2, Axis};

use super::bootstrap::Bootstrap;
use super::confusion::Counts;
use super::evaluation::{Approximation, Evaluation, Figures};
use super::histogram::Histogram;
use super::ranking::ks;
use super::reliability::Bins;
use super::scored_samples::{Sample, check};
use crate::classes::ClassIndex;
use crate::error::Result;
use crate::head::linear::argmax;
use crate::head::parallel::start_processors;

/// The most counters of all histograms together, which take 32 MiB.
const COUNTERS: usize = 1 << 22;

/// The sums over some samples.
#[derive(Debug)]
pub(super) struct Sums {
    n_classes: usize,
    pub(super) cells: BTreeMap<(usize, usize), u64>,
    pub(super) hits: Vec<u64>,
    pub(super) surprise: Mean,
    pub(super) squared: Mean,
    pub(super) bins: Bins,
    histograms: Vec<Histogram>,
}

/// The mean of some numbers, and their variance (Welford 1962).
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Mean {
    n: usize,
    pub(super) value: f64,
    /// The sum of the squared differences from the mean.
    squares: f64,
}

impl Mean {
    fn add(&mut self, number: f64) {
        self.n += 1;
        let difference = number - self.value;
        self.value += difference / self.n as f64;
        self.squares += difference * (number - self.value);
    }

    /// Returns the variance of the mean; 0 for fewer than two numbers.
    pub(super) fn variance(&self) -> f64 {
        let n = self.n as f64;
        self.squares / (n - 1.0).max(1.0) / n.max(1.0)
    }
}

impl Sums {
    /// Sums some samples.
    ///
    /// # Errors
    /// As [`Evaluation::new`].
    pub(super) fn of(
        n_classes: usize,
        targets: &[usize],
        probabilities: ArrayView2<'_, f64>,
    ) -> Result<Self> {
        // With two classes, both areas are that of the second one.
        let histograms = if n_classes == 2 { 1 } else { n_classes };
        let bins = COUNTERS / histograms.max(1);
        let mut sums = Self {
            n_classes,
            cells: BTreeMap::new(),
            hits: vec![0; ks(n_classes).count()],
            surprise: Mean::default(),
            squared: Mean::default(),
            bins: Bins::default(),
            histograms: vec![Histogram::new(bins); histograms],
        };
        for (&target, row) in targets.iter().zip(probabilities.rows()) {
            sums.add(target, row)?;
        }
        Ok(sums)
    }

    /// Adds a sample.
    ///
    /// # Errors
    /// As [`Evaluation::new`].
    pub(super) fn add(&mut self, target: usize, row: ArrayView1<'_, f64>) -> Result<()> {
        check(self.n_classes, &[target], row.insert_axis(Axis(0)))?;
        let pair = (target, argmax(row));
        let sample = Sample::new(pair, row, 0);
        *self.cells.entry(pair).or_insert(0) += 1;
        for (k, hits) in ks(self.n_classes).zip(&mut self.hits) {
            *hits += u64::from(sample.place < k);
        }
        self.surprise.add(sample.surprise);
        self.squared.add(sample.squared);
        self.bins.add(&sample, 1);
        let first = self.n_classes - self.histograms.len();
        for (class, histogram) in (first..).zip(&mut self.histograms) {
            histogram.add(row[class], target == class);
        }
        Ok(())
    }

    /// Computes the metrics, and their intervals unless there are no resamples.
    ///
    /// # Errors
    /// As [`Evaluation::with_intervals`].
    pub(super) fn evaluate(
        &self,
        classes: &ClassIndex,
        bootstrap: Bootstrap,
    ) -> Result<Evaluation> {
        bootstrap.check()?;
        start_processors()?;
        let mut areas: Vec<_> = self.histograms.iter().map(Histogram::area).collect();
        let error = areas.iter().flatten().map(|area| area.error);
        let approximation = Approximation {
            roc_auc_error: error.fold(0.0, f64::max),
        };
        // With two classes, there is one histogram.
        areas.resize(self.n_classes, areas.last().copied().flatten());
        let cells: Vec<_> = self.cells.keys().copied().collect();
        let counts = self.cells.values().copied().collect();
        let figures = Figures {
            n: self.surprise.n,
            counts: Counts::of_cells(self.n_classes, &cells, counts),
            cells: cells.into(),
            log_loss: self.surprise.value,
            brier_score: self.squared.value,
            hits: self.hits.clone(),
            bins: self.bins.clone(),
            areas: areas
                .iter()
                .map(|area| area.map(|area| area.value))
                .collect(),
        };
        let mut evaluation = Evaluation::of(classes, figures);
        evaluation.approximation = Some(approximation);
        if bootstrap.resamples > 0 {
            evaluation.intervals = Some(self.intervals(&evaluation, &areas, bootstrap)?);
        }
        Ok(evaluation)
    }
}
