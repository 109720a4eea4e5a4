//! Nearest neighbours among very many rows: each row is compared only with those of the nearest regions.
//!
//! Rows are divided into regions around centres (spherical k-means; an inverted file, as in Jégou, Douze and
//! Schmid 2011, without compression). How many regions a row is compared with follows from the data: more and
//! more, until a sample of rows finds nearly all of its true neighbours. The result is deterministic.

use std::sync::Mutex;

use ndarray::{Array2, Axis};

use super::neighbours::{BLOCK, Neighbour, UnitRows, keep_best};
use crate::error::Result;
use crate::head::parallel::in_parallel;

/// The most rows for which every pair is compared, which takes about a minute with 1280 features on two CPUs.
pub(crate) const MANY: usize = 50_000;

/// Rows of the sample that centres are fitted to, per region.
const SAMPLE: usize = 40;
/// Rounds of k-means. The neighbours are found in neighbouring regions, so the centres need not be exact.
const ROUNDS: usize = 5;
/// Rows whose neighbours are compared with the true ones.
const CHECKED: usize = 200;
/// The share of the true neighbours of the sample that must be found.
const RECALL: f64 = 0.98;
/// Regions that each row is compared with at first, before the sample asks for more.
const PROBES: usize = 8;

/// The nearest rows of each query, nearest first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// The neighbours of each query.
    pub nearest: Vec<Vec<Neighbour>>,
    /// The share of the true neighbours that an approximate search has found for a sample of the rows; 1 for
    /// an exact one.
    pub recall: f64,
}

impl UnitRows {
    /// Returns the `k` nearest *other* rows for every row, nearest first; in a tie, the earlier row is first.
    /// Among more than 50,000 rows, the search is approximate.
    #[must_use]
    pub fn nearest_others(&self, k: usize) -> Vec<Vec<Neighbour>> {
        self.search(self, k, |query, row, _| query == row).nearest
    }

    /// Like [`nearest`](Self::nearest) if there are `queries`, otherwise like
    /// [`nearest_others`](Self::nearest_others). Also calls `near`, on any thread, for every query and row
    /// with a similarity of `threshold` or more.
    ///
    /// Among more than 50,000 rows, the search is approximate: it may miss some neighbours, and some of the
    /// pairs that `near` is called for.
    ///
    /// # Errors
    /// [`DataProblem::Widths`](crate::error::DataProblem::Widths) when the two do not have the same D.
    pub(crate) fn nearest_and_near(
        &self,
        queries: Option<&Self>,
        k: usize,
        threshold: f32,
        near: impl Fn(usize, usize) + Sync,
    ) -> Result<Found> {
        self.same_width(queries.unwrap_or(self))?;
        let others = queries.is_none();
        let left_out = |query, row, cosine| {
            let itself = others && query == row;
            if cosine >= threshold && !itself {
                near(query, row);
            }
            itself
        };
        Ok(self.search(queries.unwrap_or(self), k, left_out))
    }

    /// As [`nearest_seeing`](Self::nearest_seeing), but approximate among more than [`MANY`] rows.
    fn search(
        &self,
        queries: &Self,
        k: usize,
        left_out: impl Fn(usize, usize, f32) -> bool + Sync,
    ) -> Found {
        if self.len() <= MANY {
            return Found {
                nearest: self.nearest_seeing(queries, k, left_out),
                recall: 1.0,
            };
        }
        let regions = Regions::of(self, k);
        Found {
            nearest: regions.nearest_seeing(queries, k, left_out),
            recall: regions.recall(),
        }
    }
}

/// Rows divided into regions.
pub(super) struct Regions<'a> {
    rows: &'a UnitRows,
    /// (R, D).
    centres: UnitRows,
    /// The rows of each region, in ascending order.
    members: Vec<Vec<usize>>,
    probes: usize,
    recall: f64,
}

impl<'a> Regions<'a> {
    /// Divides rows into regions, in which the `k` nearest rows are to be found.
    pub(super) fn of(rows: &'a UnitRows, k: usize) -> Self {
        let count = (rows.len() as f64).sqrt() as usize;
        let centres = centres(rows, count.max(1));
        let mut members = vec![Vec::new(); centres.len()];
        for (row, near) in nearest_centres(rows, &centres, 1).iter().enumerate() {
            members[near[0]].push(row);
        }
        let mut regions = Self {
            rows,
            centres,
            members,
            probes: PROBES,
            recall: 0.0,
        };
        regions.probe_enough(k);
        regions
    }

    /// Returns the share of the true neighbours that a sample of rows has found.
    pub(super) fn recall(&self) -> f64 {
        self.recall
    }

    /// Compares a sample of rows with more and more regions, until nearly all true neighbours are found.
    fn probe_enough(&mut self, k: usize) {
        let step = self.rows.len().div_ceil(CHECKED).max(1);
        let sample: Vec<usize> = (0..self.rows.len()).step_by(step).collect();
        let queries = UnitRows(self.rows.rows().select(Axis(0), &sample));
        let itself = |query: usize, row: usize, _| sample[query] == row;
        let truth = self.rows.nearest_seeing(&queries, k, itself);
        loop {
            let found = self.nearest_seeing(&queries, k, itself);
            let all: usize = truth.iter().map(Vec::len).sum();
            let pairs = truth.iter().zip(&found);
            let hits = pairs.map(|(truth, found)| {
                let is_found = |near: &&Neighbour| found.iter().any(|found| found.row == near.row);
                truth.iter().filter(is_found).count()
            });
            self.recall = hits.sum::<usize>() as f64 / all.max(1) as f64;
            if self.recall >= RECALL || self.probes >= self.centres.len() {
                return;
            }
            self.probes *= 2;
        }
    }

    /// As [`UnitRows::nearest_seeing`], among the rows of the nearest regions of each query.
    pub(super) fn nearest_seeing(
        &self,
        queries: &UnitRows,
        k: usize,
        left_out: impl Fn(usize, usize, f32) -> bool + Sync,
    ) -> Vec<Vec<Neighbour>> {
        let mut asking = vec![Vec::new(); self.centres.len()];
        let probes = nearest_centres(queries, &self.centres, self.probes);
        for (query, regions) in probes.into_iter().enumerate() {
            for region in regions {
                asking[region].push(query);
            }
        }
        let best: Vec<Mutex<Vec<Neighbour>>> = queries
            .0
            .rows()
            .into_iter()
            .map(|_| Mutex::default())
            .collect();
        in_parallel(asking.len(), |region| {
            let members = &self.members[region];
            let rows = self.rows.0.select(Axis(0), members);
            for some in asking[region].chunks(BLOCK) {
                let block = queries.0.select(Axis(0), some);
                let cosines = block.dot(&rows.t());
                for (&query, cosines) in some.iter().zip(cosines.rows()) {
                    let mut best = best[query].lock().expect("no thread panics here");
                    for (&row, cosine) in members.iter().zip(cosines) {
                        let cosine = cosine.clamp(-1.0, 1.0);
                        if !left_out(query, row, cosine) {
                            keep_best(&mut best, k, Neighbour { row, cosine });
                        }
                    }
                }
            }
        });
        let found = best
            .into_iter()
            .map(|best| best.into_inner().expect("no thread panicked"));
        found.collect()
    }
}

/// Returns `count` centres, (R, D), fitted to a sample of the rows.
fn centres(rows: &UnitRows, count: usize) -> UnitRows {
    let evenly = |n: usize| (0..n).map(move |i| i * rows.len() / n).collect::<Vec<_>>();
    let sample = evenly((count * SAMPLE).min(rows.len()));
    let sample = UnitRows(rows.0.select(Axis(0), &sample));
    let mut centres = UnitRows(rows.0.select(Axis(0), &evenly(count.min(rows.len()))));
    for _ in 0..ROUNDS {
        let nearest = nearest_centres(&sample, &centres, 1);
        let mut sums = Array2::zeros(centres.0.dim());
        for (row, near) in sample.0.rows().into_iter().zip(&nearest) {
            sums.row_mut(near[0]).scaled_add(1.0, &row);
        }
        // A centre that is the nearest of no row stays.
        for (mut sum, centre) in sums.rows_mut().into_iter().zip(centres.0.rows()) {
            if sum.iter().all(|x| *x == 0.0) {
                sum.assign(&centre);
            }
        }
        centres = UnitRows::of(sums.view());
    }
    centres
}

/// Returns the `k` nearest centres of each row.
fn nearest_centres(rows: &UnitRows, centres: &UnitRows, k: usize) -> Vec<Vec<usize>> {
    let nearest = centres.nearest_seeing(rows, k, |_, _, _| false);
    let of_row = |near: Vec<Neighbour>| near.iter().map(|n| n.row).collect();
    nearest.into_iter().map(of_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 4,000 rows around 30 directions, of which every tenth is nearly that of the row before.
    fn rows() -> UnitRows {
        let number = |i: usize, j: usize| ((i * 7919 + j * 104_729) % 1009) as f32 / 1009.0 - 0.5;
        let value = |(i, j): (usize, usize)| {
            let own = if i % 10 == 1 { i - 1 } else { i };
            let nudge = if own == i { 0.0 } else { 1e-3 * number(i, j) };
            number(own % 30, j + 5) + 0.4 * number(own * 31 + 3, j * j) + nudge
        };
        UnitRows::of(Array2::from_shape_fn((4000, 24), value).view())
    }

    #[test]
    fn nearly_all_neighbours_are_found() {
        let rows = rows();
        let itself = |query: usize, row: usize, _| query == row;
        let truth = rows.nearest_seeing(&rows, 8, itself);
        let regions = Regions::of(&rows, 8);
        assert!(regions.recall() >= RECALL && regions.probes < regions.centres.len());
        let found = regions.nearest_seeing(&rows, 8, itself);
        let mut hits = 0;
        for (truth, found) in truth.iter().zip(&found) {
            assert_eq!(found.len(), 8);
            assert!(found.is_sorted_by(|a, b| a.cosine >= b.cosine));
            let is_found = |near: &&Neighbour| found.iter().any(|found| found.row == near.row);
            hits += truth.iter().filter(is_found).count();
        }
        assert!(hits as f64 >= 0.97 * (8 * rows.len()) as f64, "{hits}");
        for row in (1..rows.len()).step_by(10) {
            assert_eq!(found[row][0].row, row - 1);
        }
        assert_eq!(
            Regions::of(&rows, 8).nearest_seeing(&rows, 8, itself),
            found
        );
    }

    #[test]
    fn equal_rows_and_zeros_are_compared_too() {
        let mut features =
            Array2::from_shape_fn((500, 3), |(i, j)| ((i % 5) * (j + 1)) as f32 - 4.0);
        features.row_mut(7).fill(0.0);
        let rows = UnitRows::of(features.view());
        let regions = Regions::of(&rows, 2);
        let found = regions.nearest_seeing(&rows, 2, |query, row, _| query == row);
        assert!(found.iter().all(|near| near.len() == 2));
        assert_eq!([found[11][0].row, found[11][1].row], [1, 6]);
    }
}
