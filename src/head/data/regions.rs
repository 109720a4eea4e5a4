//! Rows divided into regions, so that very many rows can be searched: each query is compared only with the
//! rows of the regions nearest to it.
//!
//! Regions have centres (spherical k-means; an inverted file, as in Jégou, Douze and Schmid 2011, without
//! compression). How many regions a query is compared with follows from the data: more and more, until a
//! sample of rows finds nearly all of its true neighbours. The result is deterministic.

use std::sync::Mutex;

use ndarray::{ArrayView2, Axis};

use super::centres::{centres, nearest_centres};
use super::neighbours::{BLOCK, Nearest, Neighbour, UnitRows, Wanted};
use crate::error::Result;
use crate::head::parallel::in_parallel;
use crate::progress::{Progress, go_on};

/// Rows of the sample that centres are fitted to, per region.
const SAMPLE: usize = 40;
/// Rounds of k-means. The neighbours are found in neighbouring regions, so the centres need not be exact.
const ROUNDS: usize = 5;
/// Rows whose neighbours are compared with the true ones.
const CHECKED: usize = 200;
/// The share of the true neighbours of the sample that must be found.
const RECALL: f64 = 0.98;
/// Regions that each query is compared with at first, before the sample asks for more.
const PROBES: usize = 8;
/// Queries that are searched together; what is kept for each meanwhile takes 1 KiB or more.
const AT_ONCE: usize = 1 << 15;

/// The regions of some rows. It does not hold the rows: they are passed again to each search, of any length,
/// and scaled as [`UnitRows`] are when they are compared.
#[derive(Debug)]
pub(super) struct Regions {
    /// (R, D).
    centres: UnitRows,
    /// The rows of each region, in ascending order.
    members: Vec<Vec<usize>>,
    probes: usize,
    recall: f64,
}

impl Regions {
    /// Divides rows (N, D) into √N regions, in which the `k` nearest rows are to be found. `progress` is
    /// asked whether to stop.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub(super) fn of(rows: ArrayView2<'_, f32>, k: usize, progress: &dyn Progress) -> Result<Self> {
        let count = (rows.nrows() as f64).sqrt() as usize;
        let count = count.max(1);
        let centres = centres(rows, count, count * SAMPLE, ROUNDS);
        let mut members = vec![Vec::new(); centres.len()];
        for (number, some) in rows.axis_chunks_iter(Axis(0), AT_ONCE).enumerate() {
            go_on(progress)?;
            let nearest = nearest_centres(&UnitRows::of(some), &centres, 1);
            for (row, near) in (number * AT_ONCE..).zip(nearest) {
                members[near[0]].push(row);
            }
        }
        let mut regions = Self {
            centres,
            members,
            probes: PROBES,
            recall: 0.0,
        };
        regions.probe_enough(rows, k, progress)?;
        Ok(regions)
    }

    /// Returns the share of the true neighbours that a sample of rows has found.
    pub(super) fn recall(&self) -> f64 {
        self.recall
    }

    /// Compares a sample of rows with more and more regions, until nearly all true neighbours are found.
    fn probe_enough(
        &mut self,
        rows: ArrayView2<'_, f32>,
        k: usize,
        progress: &dyn Progress,
    ) -> Result<()> {
        let step = rows.nrows().div_ceil(CHECKED).max(1);
        let sample: Vec<usize> = (0..rows.nrows()).step_by(step).collect();
        let queries = rows.select(Axis(0), &sample);
        let itself = |query: usize, row: usize, _| sample[query] == row;
        let within = |regions: &Self, probes| {
            regions.search(
                probes,
                rows,
                queries.view(),
                Wanted::nearest(k),
                itself,
                progress,
            )
        };
        let truth = within(self, self.centres.len())?;
        loop {
            let found = within(self, self.probes)?;
            self.recall = share_found(&truth, &found);
            if self.recall >= RECALL || self.probes >= self.centres.len() {
                return Ok(());
            }
            self.probes += self.probes / 2;
        }
    }

    /// As [`UnitRows::nearest_seeing`], among the rows of the regions nearest to each query. `progress` is
    /// asked whether to stop.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub(super) fn nearest_seeing(
        &self,
        rows: ArrayView2<'_, f32>,
        queries: ArrayView2<'_, f32>,
        wanted: Wanted,
        left_out: impl Fn(usize, usize, f32) -> bool + Sync,
        progress: &dyn Progress,
    ) -> Result<Vec<Vec<Neighbour>>> {
        self.search(self.probes, rows, queries, wanted, left_out, progress)
    }

    /// [`nearest_seeing`](Self::nearest_seeing) in a number of regions; in all of them, it is exact.
    fn search(
        &self,
        probes: usize,
        rows: ArrayView2<'_, f32>,
        queries: ArrayView2<'_, f32>,
        wanted: Wanted,
        left_out: impl Fn(usize, usize, f32) -> bool + Sync,
        progress: &dyn Progress,
    ) -> Result<Vec<Vec<Neighbour>>> {
        let mut found = Vec::with_capacity(queries.nrows());
        for some in queries.axis_chunks_iter(Axis(0), AT_ONCE) {
            let (first, some) = (found.len(), UnitRows::of(some));
            let best = (0..some.len()).map(|_| Mutex::new(Nearest::new(wanted)));
            let best: Vec<Mutex<Nearest>> = best.collect();
            let asking = self.asking(&some, probes);
            let in_region = |region: usize| -> Result<()> {
                if asking[region].is_empty() {
                    return Ok(());
                }
                go_on(progress)?;
                let members = &self.members[region];
                let rows = UnitRows::some_of(rows, members);
                for asking in asking[region].chunks(BLOCK) {
                    let cosines = some.0.select(Axis(0), asking).dot(&rows.0.t());
                    for (&query, cosines) in asking.iter().zip(cosines.rows()) {
                        let mut best = best[query].lock().expect("no thread panics here");
                        let left_out = |row, cosine| left_out(first + query, row, cosine);
                        best.take(cosines, |place| members[place], left_out);
                    }
                }
                Ok(())
            };
            let done = in_parallel(self.members.len(), in_region);
            done.into_iter().collect::<Result<()>>()?;
            let unlocked = best.into_iter().map(Mutex::into_inner);
            found.extend(unlocked.map(|best| best.expect("no thread panicked").found));
        }
        Ok(found)
    }

    /// Returns the queries that are compared with each region.
    fn asking(&self, queries: &UnitRows, probes: usize) -> Vec<Vec<usize>> {
        let mut asking = vec![Vec::new(); self.centres.len()];
        for (query, regions) in nearest_centres(queries, &self.centres, probes)
            .into_iter()
            .enumerate()
        {
            for region in regions {
                asking[region].push(query);
            }
        }
        asking
    }
}

/// Returns the share of the true neighbours that were found.
fn share_found(truth: &[Vec<Neighbour>], found: &[Vec<Neighbour>]) -> f64 {
    let all: usize = truth.iter().map(Vec::len).sum();
    let hits = truth.iter().zip(found).map(|(truth, found)| {
        let is_found = |near: &&Neighbour| found.iter().any(|found| found.row == near.row);
        truth.iter().filter(is_found).count()
    });
    hits.sum::<usize>() as f64 / all.max(1) as f64
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::error::Error;
    use crate::progress::Silent;
    use crate::progress::tests::StopsAt;

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

    fn others(regions: &Regions, rows: &UnitRows, k: usize) -> Vec<Vec<Neighbour>> {
        let (rows, itself) = (rows.rows(), |query, row, _: f32| query == row);
        let found = regions.nearest_seeing(rows, rows, Wanted::nearest(k), itself, &Silent);
        found.unwrap()
    }

    #[test]
    fn nearly_all_neighbours_are_found() {
        let rows = rows();
        let truth = rows.nearest_seeing(&rows, Wanted::nearest(8), |query, row, _| query == row);
        let mut regions = Regions::of(rows.rows(), 8, &Silent).unwrap();
        assert!(regions.recall() >= RECALL && regions.probes < regions.centres.len());
        let found = others(&regions, &rows, 8);
        for found in &found {
            assert_eq!(found.len(), 8);
            assert!(found.is_sorted_by(|a, b| a.cosine >= b.cosine));
        }
        let share = share_found(&truth, &found);
        assert!(share >= 0.97, "{share}");
        for row in (1..rows.len()).step_by(10) {
            assert_eq!(found[row][0].row, row - 1);
        }
        // In all regions, every row is compared.
        regions.probes = regions.centres.len();
        assert!(share_found(&truth, &others(&regions, &rows, 8)) >= 1.0);
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let rows = rows();
        let with_threads = |n| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
            let search = || {
                let regions = Regions::of(rows.rows(), 8, &Silent).unwrap();
                (regions.recall(), others(&regions, &rows, 8))
            };
            pool.unwrap().install(search)
        };
        assert_eq!(with_threads(1), with_threads(3));
    }

    #[test]
    fn rows_of_any_length_are_compared_as_if_scaled() {
        let rows = rows();
        let lengths =
            Array2::from_shape_fn((rows.len(), 1), |(row, _)| 2f32.powi(row as i32 % 9 - 4));
        let longer = rows.rows().to_owned() * lengths;
        let [scaled, raw] = [rows.rows(), longer.view()].map(|rows| {
            let regions = Regions::of(rows, 3, &Silent).unwrap();
            let itself = |query, row, _: f32| query == row;
            regions.nearest_seeing(rows, rows, Wanted::nearest(3), itself, &Silent)
        });
        assert_eq!(scaled.unwrap(), raw.unwrap());
    }

    #[test]
    fn equal_rows_and_zeros_are_compared_too() {
        let mut features =
            Array2::from_shape_fn((500, 3), |(i, j)| ((i % 5) * (j + 1)) as f32 - 4.0);
        features.row_mut(7).fill(0.0);
        let rows = UnitRows::of(features.view());
        let regions = Regions::of(rows.rows(), 2, &Silent).unwrap();
        let found = others(&regions, &rows, 2);
        assert!(found.iter().all(|near| near.len() == 2));
        assert_eq!([found[11][0].row, found[11][1].row], [1, 6]);
    }

    #[test]
    fn a_search_that_is_asked_to_stop_stops() {
        let rows = rows();
        let all = StopsAt::new(usize::MAX);
        Regions::of(rows.rows(), 8, &all).unwrap();
        for nth in [1, 2, all.asked()] {
            let stopped = Regions::of(rows.rows(), 8, &StopsAt::new(nth));
            assert!(matches!(stopped, Err(Error::Interrupted { kept: None })));
        }
    }
}
