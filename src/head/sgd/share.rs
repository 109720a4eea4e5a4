//! A share of the feature columns, with the weights and momentum of these columns.

use std::ops::Range;

use super::dropout::Dropout;
use crate::head::data::FeatureRows;
use crate::head::linear::LinearHead;
use crate::head::params::FitValues;

/// The approximate maximum of columns per share: four rows of it and the weights of five classes fit an L1
/// cache of 32 KiB.
const WIDTH: usize = 768;
/// f32 values per cache line; every share starts at a multiple of it.
const LINE: usize = 16;

/// Returns the columns of each share of D features: one share or an even number, the same on every machine.
pub(super) fn columns_of(d: usize) -> Vec<Range<usize>> {
    let n = if d > WIDTH {
        2 * d.div_ceil(2 * WIDTH)
    } else {
        1
    };
    let bound = |i: usize| {
        if i == n { d } else { i * d / n / LINE * LINE }
    };
    (0..n).map(|i| bound(i)..bound(i + 1)).collect()
}

/// Some columns of a head in training. A thread works on one or more shares; sums over all columns are
/// computed share by share, so that no result depends on which thread has which share.
#[derive(Debug, Clone)]
pub(super) struct Share {
    pub(super) window: Window,
    /// (C, d), row-major.
    pub(super) weight: Vec<f32>,
    /// (C, d).
    pub(super) velocity: Vec<f32>,
}

/// Extracts a share's columns from the rows of a batch.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) columns: Range<usize>,
    dropout: Option<Dropout>,
    /// Copies of the columns of a batch, (B, d), if they cannot be borrowed.
    copies: Vec<f32>,
}

impl Share {
    /// Returns all shares of a head.
    pub(super) fn all(head: &LinearHead, values: &FitValues) -> Vec<Self> {
        let shares = columns_of(head.n_features()).into_iter().enumerate();
        shares
            .map(|(number, columns)| Self::of(head, values, number, columns))
            .collect()
    }

    fn of(head: &LinearHead, values: &FitValues, number: usize, columns: Range<usize>) -> Self {
        let rows = head.slices().0.chunks_exact(head.n_features().max(1));
        let weight: Vec<f32> = rows.flat_map(|row| row[columns.clone()].to_vec()).collect();
        let dropout = || Dropout::new(values.dropout, values.seed, number);
        Self {
            velocity: vec![0.0; weight.len()],
            weight,
            window: Window {
                columns,
                dropout: (values.dropout > 0.0).then(dropout),
                copies: Vec::new(),
            },
        }
    }
}

impl Window {
    /// Returns the columns of some rows, (B, d), if they can be borrowed.
    pub(super) fn lying<'a>(
        &self,
        features: &'a FeatureRows<'_>,
        rows: &[usize],
    ) -> Option<Vec<&'a [f32]>> {
        let all = features.ready().filter(|_| self.dropout.is_none())?;
        let row = |&row: &usize| &all[row * features.ncols()..][self.columns.clone()];
        Some(rows.iter().map(row).collect())
    }

    /// Returns the columns of some rows, (B, d), copied if they cannot be borrowed.
    pub(super) fn lay<'a>(
        &'a mut self,
        features: &'a FeatureRows<'_>,
        rows: &[usize],
    ) -> Vec<&'a [f32]> {
        if let Some(rows) = self.lying(features, rows) {
            return rows;
        }
        let d = self.columns.len();
        self.copies
            .resize((rows.len() * d).max(self.copies.len()), 0.0);
        for (to, &row) in self.copies.chunks_exact_mut(d).zip(rows) {
            features.copy(row, self.columns.clone(), to);
            if let Some(dropout) = &mut self.dropout {
                dropout.apply(to);
            }
        }
        self.copies.chunks_exact(d).take(rows.len()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_all_columns_once() {
        for (d, n) in [(1, 1), (768, 1), (769, 2), (1280, 2), (4096, 6), (2600, 4)] {
            let shares = columns_of(d);
            assert_eq!(shares.len(), n, "{d}");
            assert!(shares.iter().flat_map(Clone::clone).eq(0..d));
            assert!(shares.iter().all(|share| share.start % LINE == 0));
        }
    }
}
