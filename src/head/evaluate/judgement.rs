//! Everything about the samples that no weighting changes: worked out once, read by every figure and every resample.

use std::collections::BTreeMap;

use ndarray::{ArrayView1, ArrayView2};

use super::ranking::{Order, place};
use super::reliability::bin_of;
use crate::head::linear::argmax;

/// N samples of C classes, judged.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) n_classes: usize,
    /// (N).
    pub(crate) samples: Vec<Sample>,
    /// The pairs of target and prediction that occur, in order.
    pub(crate) cells: Vec<(usize, usize)>,
    /// The samples in the order of each class's probability, (C).
    pub(crate) orders: Vec<Order>,
}

/// What one sample adds to the figures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Its place in [`Judgement::cells`].
    pub(crate) cell: usize,
    pub(crate) right: bool,
    /// How many classes are put before the right one.
    pub(crate) place: usize,
    /// -ln p of the right class.
    pub(crate) surprise: f64,
    /// The sum of (p - y)² over the classes.
    pub(crate) squared: f64,
    /// The largest probability.
    pub(crate) confidence: f64,
    /// The reliability bin of that.
    pub(crate) bin: usize,
}

impl Judgement {
    /// Judges `probabilities` (N, C) by `targets` (N), both checked.
    pub(crate) fn new(targets: &[usize], probabilities: ArrayView2<'_, f64>) -> Self {
        let n_classes = probabilities.ncols();
        let pairs: Vec<_> = targets
            .iter()
            .zip(probabilities.rows())
            .map(|(&target, row)| (target, argmax(row)))
            .collect();
        let mut places: BTreeMap<_, usize> = pairs.iter().map(|&pair| (pair, 0)).collect();
        places.values_mut().enumerate().for_each(|(i, at)| *at = i);
        let samples = pairs
            .iter()
            .zip(probabilities.rows())
            .map(|(pair, row)| Sample::new(*pair, row, places[pair]))
            .collect();
        Self {
            n_classes,
            samples,
            cells: places.into_keys().collect(),
            orders: (0..n_classes)
                .map(|class| Order::of(class, targets, probabilities))
                .collect(),
        }
    }
}

impl Sample {
    fn new((target, prediction): (usize, usize), row: ArrayView1<'_, f64>, cell: usize) -> Self {
        let confidence = row[prediction];
        let missed =
            |(class, &p): (usize, &f64)| (p - f64::from(u8::from(class == target))).powi(2);
        Self {
            cell,
            right: target == prediction,
            place: place(target, row),
            surprise: surprise(row[target]),
            squared: row.iter().enumerate().map(missed).sum(),
            confidence,
            bin: bin_of(confidence),
        }
    }
}

/// -ln p, finite for every p in [0, 1].
fn surprise(p: f64) -> f64 {
    -p.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}
