//! Nearest neighbours and near-duplicates by cosine similarity, computed in blocks of rows.

use ndarray::{Array2, ArrayView2, Axis, s};

use crate::error::{DataProblem, Pair, Result};
use crate::head::parallel::{in_parallel, start_processors};
use crate::progress::{Progress, go_on};

/// The cosine from which two images count as near-duplicates, such as resized, cropped or re-encoded copies.
///
/// Chosen by inspection, with the default backbone: in Alien vs Predator, all 16 pairs above it show the same
/// image (as do most pairs down to 0.90), while in clothing10, which has no copies, the two most similar
/// images have 0.920.
pub const NEAR_DUPLICATE: f32 = 0.93;

/// Rows per block: the similarities of two blocks stay in the cache.
const BLOCK: usize = 256;

/// Features scaled to rows of length 1; a row of zeros stays zero and has similarity 0 to every row.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitRows(Array2<f32>);

/// A neighbouring row and its cosine similarity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Its index.
    pub row: usize,
    /// The cosine of the angle between the two, in [-1, 1].
    pub cosine: f32,
}

/// Two similar rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NearPair {
    /// The index of a row of the first set.
    pub left: usize,
    /// The index of a row of the second set, or of a later row of the same set.
    pub right: usize,
    /// The cosine of the angle between them, in [-1, 1].
    pub cosine: f32,
}

impl UnitRows {
    /// Divides every row of `features` (N, D) by its length.
    ///
    /// # Panics
    /// Never: the rows are made contiguous.
    #[must_use]
    pub fn of(features: ArrayView2<'_, f32>) -> Self {
        let mut rows = features.as_standard_layout().into_owned();
        let numbers = rows.as_slice_mut().expect("it is row-major");
        for row in numbers.chunks_exact_mut(features.ncols().max(1)) {
            // Sum in f64 and divide by the largest value first: the square of a large feature overflows f32.
            let mut largest = 0f32;
            for x in &*row {
                largest = largest.max(x.abs());
            }
            if largest > 0.0 {
                let mut square = 0.0;
                for x in &*row {
                    square += f64::from(x / largest).powi(2);
                }
                let length = f64::from(largest) * f64::sqrt(square);
                for x in row {
                    *x = (f64::from(*x) / length) as f32;
                }
            }
        }
        Self(rows)
    }

    /// Returns the rows, (N, D), each of length 1 or 0.
    #[must_use]
    pub fn rows(&self) -> ArrayView2<'_, f32> {
        self.0.view()
    }

    /// Returns N.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.nrows()
    }

    /// Returns whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the `k` nearest rows of `self` for every row of `queries`, nearest first; in a tie, the
    /// earlier row is first.
    ///
    /// # Errors
    /// [`DataProblem::Widths`] when the two do not have the same D;
    /// [`Error::NoThread`](crate::Error::NoThread).
    pub fn nearest(&self, queries: &Self, k: usize) -> Result<Vec<Vec<Neighbour>>> {
        self.same_width(queries)?;
        start_processors()?;
        Ok(self.nearest_seeing(queries, k, |_, _, _| false))
    }

    /// Returns the `k` nearest *other* rows for every row, nearest first; in a tie, the earlier row is first.
    #[must_use]
    pub fn nearest_others(&self, k: usize) -> Vec<Vec<Neighbour>> {
        self.nearest_seeing(self, k, |query, row, _| query == row)
    }

    /// Like [`nearest`](Self::nearest) if there are `queries`, otherwise like
    /// [`nearest_others`](Self::nearest_others). Also calls `near`, on any thread, for every query and row
    /// with a similarity of `threshold` or more.
    ///
    /// # Errors
    /// [`DataProblem::Widths`] when the two do not have the same D.
    pub(crate) fn nearest_and_near(
        &self,
        queries: Option<&Self>,
        k: usize,
        threshold: f32,
        near: impl Fn(usize, usize) + Sync,
    ) -> Result<Vec<Vec<Neighbour>>> {
        self.same_width(queries.unwrap_or(self))?;
        let others = queries.is_none();
        let left_out = |query, row, cosine| {
            let itself = others && query == row;
            if cosine >= threshold && !itself {
                near(query, row);
            }
            itself
        };
        Ok(self.nearest_seeing(queries.unwrap_or(self), k, left_out))
    }

    /// Returns, for every query, the `k` nearest rows for which `left_out` returns false; it is called with
    /// the index of the query, the index of the row, and their cosine.
    pub(crate) fn nearest_seeing(
        &self,
        queries: &Self,
        k: usize,
        left_out: impl Fn(usize, usize, f32) -> bool + Sync,
    ) -> Vec<Vec<Neighbour>> {
        let of_block = |number: usize| {
            let first = number * BLOCK;
            let block = first..queries.len().min(first + BLOCK);
            let mut best = vec![Vec::new(); block.len()];
            let block = queries.0.slice(s![block, ..]);
            for (number, rows) in self.0.axis_chunks_iter(Axis(0), BLOCK).enumerate() {
                let cosines = block.dot(&rows.t());
                for ((query, row), cosine) in cosines.indexed_iter() {
                    let (row, cosine) = (number * BLOCK + row, cosine.clamp(-1.0, 1.0));
                    if !left_out(first + query, row, cosine) {
                        keep_best(&mut best[query], k, Neighbour { row, cosine });
                    }
                }
            }
            best
        };
        let blocks = in_parallel(queries.len().div_ceil(BLOCK), of_block);
        blocks.into_iter().flatten().collect()
    }

    fn same_width(&self, other: &Self) -> Result<(), DataProblem> {
        Pair::Compared.require_equal([self.0.ncols(), other.0.ncols()])
    }
}

/// Calls `near` for every pair of rows (the earlier first) with a similarity of `threshold` or more, on any
/// thread and in any order.
///
/// Rows are scaled block by block, and neither a copy of all rows nor any pair is stored. `progress` is asked
/// whether to stop after each pair of blocks.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub(crate) fn for_each_near_pair(
    features: ArrayView2<'_, f32>,
    threshold: f32,
    progress: &dyn Progress,
    near: impl Fn(usize, usize) + Sync,
) -> Result<()> {
    let n = features.nrows();
    let block = |first: usize| UnitRows::of(features.slice(s![first..n.min(first + BLOCK), ..]));
    let of_block = |number: usize| {
        let first = number * BLOCK;
        let rows = block(first);
        for start in (first..n).step_by(BLOCK) {
            go_on(progress)?;
            let cosines = rows.0.dot(&block(start).0.t());
            for ((left, right), cosine) in cosines.indexed_iter() {
                let (left, right) = (first + left, start + right);
                if *cosine >= threshold && left < right {
                    near(left, right);
                }
            }
        }
        Ok(())
    };
    in_parallel(n.div_ceil(BLOCK), of_block)
        .into_iter()
        .collect()
}

/// Inserts a neighbour into the sorted best `k`; rows must arrive in ascending order.
fn keep_best(best: &mut Vec<Neighbour>, k: usize, new: Neighbour) {
    if best.len() == k && best.last().is_none_or(|worst| worst.cosine >= new.cosine) {
        return;
    }
    let place = best.partition_point(|old| old.cosine >= new.cosine);
    best.insert(place, new);
    best.truncate(k);
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ndarray::array;

    use super::*;
    use crate::progress::Silent;

    fn close(a: f32, b: f32) -> bool {
        (a - b).abs() < 1e-6
    }

    #[test]
    fn similarities_are_those_of_paper() {
        // Angles of 0, 45 and 90 degrees to (1, 0), whatever the lengths.
        let rows = UnitRows::of(array![[5.0, 0.0], [0.3, 0.3], [0.0, 1e20]].view());
        let query = UnitRows::of(array![[1e-20, 0.0]].view());
        let nearest = &rows.nearest(&query, 3).unwrap()[0];
        assert_eq!(nearest.iter().map(|n| n.row).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(close(nearest[0].cosine, 1.0) && close(nearest[2].cosine, 0.0));
        assert!(close(nearest[1].cosine, 0.5f32.sqrt()));
    }

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

    #[test]
    fn pairs_are_found_once_across_blocks() {
        // 700 different directions, except that rows 3 and 690, and 300 and 301, have the same one.
        let mut features = Array2::from_shape_fn((700, 2), |(row, column)| {
            let angle = row as f64 / 500.0;
            (if column == 0 {
                angle.cos()
            } else {
                angle.sin()
            }) as f32
        });
        for (from, to) in [(3, 690), (300, 301)] {
            let row = features.row(from).to_owned();
            features.row_mut(to).assign(&(row * 2.0));
        }
        let found = Mutex::new(Vec::new());
        let find = |left, right| found.lock().unwrap().push((left, right));
        for_each_near_pair(features.view(), 1.0 - 2e-7, &Silent, find).unwrap();
        let mut pairs = found.into_inner().unwrap();
        pairs.sort_unstable();
        assert_eq!(pairs, [(3, 690), (300, 301)]);
        // `nearest_and_near` reports the same pairs, each from both rows; with queries, only from theirs.
        let rows = UnitRows::of(features.view());
        let few = UnitRows::of(features.slice(s![299..302, ..]));
        let heard = |queries: Option<&UnitRows>| {
            let heard = Mutex::new(Vec::new());
            let hear = |query, row| heard.lock().unwrap().push((query, row));
            let nearest = rows.nearest_and_near(queries, 1, 1.0 - 2e-7, hear);
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
        let (two, three) = (Array2::zeros((1, 2)), Array2::zeros((1, 3)));
        let (two, three) = (UnitRows::of(two.view()), UnitRows::of(three.view()));
        assert!(two.nearest(&three, 1).is_err());
        assert!(
            two.nearest_and_near(Some(&three), 1, 0.5, |_, _| {})
                .is_err()
        );
    }
}
