//! Searches nearest neighbours and near-duplicates: every pair is compared, or among very many rows only
//! those of the nearest regions.

use std::borrow::Borrow;

use ndarray::ArrayView2;

use super::neighbours::{Neighbour, UnitRows, Wanted, for_each_near_pair};
use super::regions::Regions;
use crate::error::Result;
use crate::progress::{Progress, Silent};

/// The most rows of which every pair is compared, which takes about a minute with 1280 features on two CPUs.
pub(crate) const MANY: usize = 50_000;

/// The nearest neighbours of each row by which the recall of a search for near-duplicates is measured.
const NEAREST: usize = 8;

/// Rows whose nearest neighbours can be searched.
#[derive(Debug)]
pub(crate) struct NeighbourSearch<R> {
    rows: R,
    /// `None` where every query is compared with every row.
    regions: Option<Regions>,
}

impl<R: Borrow<UnitRows>> NeighbourSearch<R> {
    /// Prepares the search for the `k` nearest rows of each of `queries` rows.
    ///
    /// It is exact among up to 50,000 rows, and for so few queries that there are no more pairs than among
    /// 50,000 rows. Otherwise it is approximate.
    pub(crate) fn among(rows: R, queries: usize, k: usize) -> Self {
        Self::exact_up_to(MANY, rows, queries, k)
    }

    fn exact_up_to(many: usize, rows: R, queries: usize, k: usize) -> Self {
        let features = rows.borrow().rows();
        let n = features.nrows();
        let is_exact = n <= many || n.saturating_mul(queries) <= many * many;
        let regions = || Regions::of(features, k, &Silent).expect("nothing stops it");
        Self {
            regions: (!is_exact).then(regions),
            rows,
        }
    }

    /// Returns the share of the true nearest neighbours that a sample of the rows has found; `None` if the
    /// search is exact.
    pub(crate) fn recall(&self) -> Option<f64> {
        self.regions.as_ref().map(Regions::recall)
    }

    /// Returns the `k` nearest rows of each query, as [`UnitRows::nearest`] does.
    ///
    /// # Errors
    /// [`DataProblem::Widths`](crate::error::DataProblem::Widths) when the two do not have the same D.
    pub(crate) fn nearest(&self, queries: &UnitRows, k: usize) -> Result<Vec<Vec<Neighbour>>> {
        self.rows.borrow().same_width(queries)?;
        Ok(self.seeing(queries, Wanted::nearest(k), |_, _, _| false))
    }

    /// Returns the `k` nearest *other* rows for every row, as [`UnitRows::nearest_others`] does.
    pub(crate) fn nearest_others(&self, k: usize) -> Vec<Vec<Neighbour>> {
        let itself = |query, row, _: f32| query == row;
        self.seeing(self.rows.borrow(), Wanted::nearest(k), itself)
    }

    /// Returns the `k` nearest rows of each query, or without `queries` the `k` nearest *other* rows of every
    /// row. Also calls `near`, on any thread, for every query and row with a similarity of `threshold` or
    /// more.
    ///
    /// # Errors
    /// As [`nearest`](Self::nearest).
    pub(crate) fn nearest_and_near(
        &self,
        queries: Option<&UnitRows>,
        k: usize,
        threshold: f32,
        near: impl Fn(usize, usize) + Sync,
    ) -> Result<Vec<Vec<Neighbour>>> {
        let rows = self.rows.borrow();
        rows.same_width(queries.unwrap_or(rows))?;
        let others = queries.is_none();
        let left_out = |query, row, cosine| {
            let itself = others && query == row;
            if cosine >= threshold && !itself {
                near(query, row);
            }
            itself
        };
        Ok(self.seeing(queries.unwrap_or(rows), Wanted { k, threshold }, left_out))
    }

    /// Returns the nearest rows of each query as [`UnitRows::nearest_seeing`] does.
    pub(crate) fn seeing(
        &self,
        queries: &UnitRows,
        wanted: Wanted,
        left_out: impl Fn(usize, usize, f32) -> bool + Sync,
    ) -> Vec<Vec<Neighbour>> {
        let rows = self.rows.borrow();
        let Some(regions) = &self.regions else {
            return rows.nearest_seeing(queries, wanted, left_out);
        };
        let (rows, queries) = (rows.rows(), queries.rows());
        let found = regions.nearest_seeing(rows, queries, wanted, left_out, &Silent);
        found.expect("nothing stops it")
    }
}

impl UnitRows {
    /// Returns the `k` nearest *other* rows for every row, nearest first; in a tie, the earlier row is first.
    /// Among more than 50,000 rows, the search is approximate.
    #[must_use]
    pub fn nearest_others(&self, k: usize) -> Vec<Vec<Neighbour>> {
        NeighbourSearch::among(self, self.len(), k).nearest_others(k)
    }
}

/// Returns the lower of two recalls; `None` is that of an exact search.
pub(crate) fn lower(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).reduce(f64::min)
}

/// Calls `near` for every pair of rows of `features` (N, D) with a similarity of `threshold` or more, on any
/// thread and in any order, perhaps twice. Returns the recall of the search, as [`NeighbourSearch::recall`].
///
/// Neither a copy of all rows nor any pair is stored. `progress` is asked whether to stop.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub(super) fn near_pairs(
    features: ArrayView2<'_, f32>,
    threshold: f32,
    progress: &dyn Progress,
    near: impl Fn(usize, usize) + Sync,
) -> Result<Option<f64>> {
    near_pairs_exact_up_to(MANY, features, threshold, progress, near)
}

fn near_pairs_exact_up_to(
    many: usize,
    features: ArrayView2<'_, f32>,
    threshold: f32,
    progress: &dyn Progress,
    near: impl Fn(usize, usize) + Sync,
) -> Result<Option<f64>> {
    if features.nrows() <= many {
        for_each_near_pair(features, threshold, progress, near)?;
        return Ok(None);
    }
    let regions = Regions::of(features, NEAREST, progress)?;
    let hear = |query, row, cosine| {
        if cosine >= threshold && query != row {
            near(query, row);
        }
        true
    };
    let wanted = Wanted { k: 0, threshold };
    regions.nearest_seeing(features, features, wanted, hear, progress)?;
    Ok(Some(regions.recall()))
}

/// Says that `what` was searched approximately, and with which recall.
pub(crate) fn approximately(what: &str, recall: f64) -> String {
    format!(
        "{what} were searched approximately, since there are more than {MANY} images; a sample found {:.1} % \
         of its nearest neighbours",
        100.0 * recall
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use ndarray::{Array2, Axis, array, s};
    use rand_xoshiro::rand_core::Rng;

    use super::*;
    use crate::head::data::order_generator;

    #[test]
    fn a_row_is_not_its_own_neighbour_and_the_earlier_of_equals_comes_first() {
        let rows = UnitRows::of(array![[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [0.0, 0.0]].view());
        let nearest = rows.nearest_others(1);
        assert_eq!(
            nearest.iter().map(|n| n[0].row).collect::<Vec<_>>(),
            [1, 0, 0, 0]
        );
        assert!(nearest[3][0].cosine == 0.0);
    }

    /// 3,000 random directions, and for each of the first 100 a row that is nearly the same.
    fn with_twins() -> UnitRows {
        let mut generator = order_generator(7);
        let mut number = || (generator.next_u64() >> 40) as f32 / 16_777_216.0 - 0.5;
        let mut rows = Array2::from_shape_simple_fn((3000, 12), &mut number);
        let twins = rows.slice(s![..100, ..]).mapv(|x| x + 1e-3 * number());
        rows.append(Axis(0), twins.view()).unwrap();
        UnitRows::scaled(rows)
    }

    /// Searches the nearest other row of each, and the near pairs.
    fn nearest_and_pairs(
        many: usize,
    ) -> (NeighbourSearch<UnitRows>, Vec<usize>, Vec<(usize, usize)>) {
        let heard = Mutex::new(Vec::new());
        let hear = |query, row| heard.lock().unwrap().push((query, row));
        let rows = with_twins();
        let search = NeighbourSearch::exact_up_to(many, rows, 3100, 1);
        let nearest = search.nearest_and_near(None, 1, 0.9999, hear).unwrap();
        let mut heard = heard.into_inner().unwrap();
        heard.sort_unstable();
        (
            search,
            nearest.iter().map(|near| near[0].row).collect(),
            heard,
        )
    }

    #[test]
    fn beyond_many_rows_the_search_is_approximate_and_finds_twins() {
        let (exact, truth, pairs) = nearest_and_pairs(3100);
        assert_eq!(exact.recall(), None);
        let (search, nearest, found) = nearest_and_pairs(3099);
        assert!(search.recall().unwrap() >= 0.98);
        let twins = (0..100).map(|row| (row, row + 3000));
        let both = twins
            .clone()
            .chain(twins.map(|(left, right)| (right, left)));
        let mut both: Vec<_> = both.collect();
        both.sort_unstable();
        assert_eq!(pairs, both);
        assert_eq!(found, both);
        let same = truth.iter().zip(&nearest).filter(|(a, b)| a == b).count();
        assert!((3000..3100).contains(&same), "{same}");
        assert_eq!(nearest_and_pairs(3099).1, nearest);
    }

    #[test]
    fn few_queries_are_compared_with_every_row() {
        let rows = with_twins();
        for (queries, exact) in [(1, true), (322, true), (323, false), (usize::MAX, false)] {
            let search = NeighbourSearch::exact_up_to(1000, &rows, queries, 1);
            assert_eq!(search.recall().is_none(), exact, "{queries}");
        }
    }

    #[test]
    fn near_pairs_are_found_among_many_rows() {
        let rows = with_twins();
        for many in [3100, 3099] {
            let heard = Mutex::new(BTreeSet::new());
            let hear = |a: usize, b: usize| {
                heard.lock().unwrap().insert((a.min(b), a.max(b)));
            };
            let features = rows.rows().mapv(|x| 3.0 * x);
            let recall =
                near_pairs_exact_up_to(many, features.view(), 0.9999, &Silent, hear).unwrap();
            assert_eq!(recall.is_none(), many == 3100);
            let twins = (0..100).map(|row| (row, row + 3000));
            assert!(heard.into_inner().unwrap().into_iter().eq(twins));
        }
    }

    #[test]
    fn pairs_are_heard_from_both_rows_or_from_the_queries() {
        // 700 different directions, except that rows 3 and 690, and 300 and 301, have the same one.
        let mut features = Array2::from_shape_fn((700, 2), |(row, column)| {
            let (sin, cos) = (row as f32 / 500.0).sin_cos();
            [cos, sin][column]
        });
        for (from, to) in [(3, 690), (300, 301)] {
            let row = features.row(from).to_owned();
            features.row_mut(to).assign(&(row * 2.0));
        }
        let rows = UnitRows::of(features.view());
        let few = UnitRows::of(features.slice(s![299..302, ..]));
        let heard = |queries: Option<&UnitRows>| {
            let heard = Mutex::new(Vec::new());
            let hear = |query, row| heard.lock().unwrap().push((query, row));
            let search = NeighbourSearch::among(&rows, 700, 1);
            let nearest = search.nearest_and_near(queries, 1, 1.0 - 2e-7, hear);
            assert_eq!(nearest.unwrap().len(), queries.map_or(700, UnitRows::len));
            let mut heard = heard.into_inner().unwrap();
            heard.sort_unstable();
            heard
        };
        assert_eq!(heard(None), [(3, 690), (300, 301), (301, 300), (690, 3)]);
        let of_few = [(0, 299), (1, 300), (1, 301), (2, 300), (2, 301)];
        assert_eq!(heard(Some(&few)), of_few);
    }

    #[test]
    fn other_widths_are_refused() {
        let [two, three] = [2, 3].map(|width| UnitRows::of(Array2::zeros((1, width)).view()));
        let search = NeighbourSearch::among(&two, 1, 1);
        assert!(search.nearest(&three, 1).is_err());
        assert!(
            search
                .nearest_and_near(Some(&three), 1, 0.5, |_, _| {})
                .is_err()
        );
    }
}
