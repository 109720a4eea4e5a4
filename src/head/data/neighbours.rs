//! Nearest neighbours and near-duplicates by cosine similarity, computed in blocks of rows.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};

use super::rows::row_of;
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
pub(super) const BLOCK: usize = 256;

/// Features scaled to rows of length 1; a row of zeros stays zero and has similarity 0 to every row.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitRows(pub(super) Array2<f32>);

/// A neighbouring row and its cosine similarity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Its index.
    pub row: usize,
    /// The cosine of the angle between the two, in [-1, 1].
    pub cosine: f32,
}

/// Which rows a search is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// The number of nearest rows to return for each query.
    pub k: usize,
    /// The similarity from which a row is to be seen even if it is not among the nearest.
    pub threshold: f32,
}

impl Wanted {
    /// Only the `k` nearest rows.
    pub(crate) fn nearest(k: usize) -> Self {
        let threshold = f32::INFINITY;
        Self { k, threshold }
    }
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
    #[must_use]
    pub fn of(features: ArrayView2<'_, f32>) -> Self {
        Self::scaled(features.to_owned())
    }

    /// Divides every row of `features` (N, D) by its length, without a copy.
    ///
    /// # Panics
    /// Never: the rows are made contiguous.
    pub(crate) fn scaled(features: Array2<f32>) -> Self {
        let width = features.ncols().max(1);
        let mut rows = if features.is_standard_layout() {
            features
        } else {
            features.as_standard_layout().into_owned()
        };
        let numbers = rows.as_slice_mut().expect("it is row-major");
        for row in numbers.chunks_exact_mut(width) {
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

    /// Copies some rows of `features` (N, D) and divides each by its length.
    pub(super) fn some_of(features: ArrayView2<'_, f32>, rows: &[usize]) -> Self {
        let mut some = Vec::with_capacity(rows.len() * features.ncols());
        let mut copy = Vec::new();
        for &row in rows {
            some.extend_from_slice(row_of(&features, row, &mut copy));
        }
        let shape = (rows.len(), features.ncols());
        Self::scaled(Array2::from_shape_vec(shape, some).expect("each row has D values"))
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
        Ok(self.nearest_seeing(queries, Wanted::nearest(k), |_, _, _| false))
    }

    /// Returns, for every query, the nearest rows for which `left_out` returns false. It is called with the
    /// index of the query, the index of the row, and their cosine, for all rows that may be wanted.
    pub(crate) fn nearest_seeing(
        &self,
        queries: &Self,
        wanted: Wanted,
        left_out: impl Fn(usize, usize, f32) -> bool + Sync,
    ) -> Vec<Vec<Neighbour>> {
        let of_block = |number: usize| {
            let first = number * BLOCK;
            let block = first..queries.len().min(first + BLOCK);
            let mut best = vec![Nearest::new(wanted); block.len()];
            let block = queries.0.slice(s![block, ..]);
            for (number, rows) in self.0.axis_chunks_iter(Axis(0), BLOCK).enumerate() {
                let cosines = block.dot(&rows.t());
                for (query, (best, cosines)) in best.iter_mut().zip(cosines.rows()).enumerate() {
                    let row = |place| number * BLOCK + place;
                    best.take(cosines, row, |row, cosine| {
                        left_out(first + query, row, cosine)
                    });
                }
            }
            best
        };
        let blocks = in_parallel(queries.len().div_ceil(BLOCK), of_block);
        blocks
            .into_iter()
            .flatten()
            .map(|best| best.found)
            .collect()
    }

    pub(crate) fn same_width(&self, other: &Self) -> Result<(), DataProblem> {
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

/// The nearest rows of a query that have been seen so far.
#[derive(Debug, Clone)]
pub(super) struct Nearest {
    wanted: Wanted,
    /// Nearest first; in a tie, the earlier row is first, in whatever order rows arrive.
    pub(super) found: Vec<Neighbour>,
}

impl Nearest {
    pub(super) fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            found: Vec::new(),
        }
    }

    /// Takes the cosines of some rows, of which `row` returns the index by the place in `cosines`.
    pub(super) fn take(
        &mut self,
        cosines: ArrayView1<'_, f32>,
        row: impl Fn(usize) -> usize,
        left_out: impl Fn(usize, f32) -> bool,
    ) {
        const AT_ONCE: usize = 16;
        let cosines = cosines.to_slice().expect("a product is row-major");
        for (number, some) in cosines.chunks(AT_ONCE).enumerate() {
            // Nearly all are too far, which vector instructions find out faster.
            let (floor, mut any) = (self.floor(), false);
            for cosine in some {
                any |= *cosine >= floor;
            }
            if !any {
                continue;
            }
            for (place, cosine) in some.iter().enumerate() {
                let (row, cosine) = (row(number * AT_ONCE + place), cosine.clamp(-1.0, 1.0));
                if cosine >= floor && !left_out(row, cosine) {
                    self.keep(Neighbour { row, cosine });
                }
            }
        }
    }

    /// Returns the lowest cosine that may matter.
    fn floor(&self) -> f32 {
        let is_full = self.found.len() == self.wanted.k;
        let farthest = self.found.last().map_or(f32::INFINITY, |last| last.cosine);
        self.wanted
            .threshold
            .min(if is_full { farthest } else { f32::NEG_INFINITY })
    }

    fn keep(&mut self, new: Neighbour) {
        let is_before = |old: &Neighbour| {
            old.cosine > new.cosine || (old.cosine >= new.cosine && old.row < new.row)
        };
        let is_full = self.found.len() == self.wanted.k;
        if is_full && self.found.last().is_none_or(is_before) {
            return;
        }
        if is_full {
            self.found.pop();
        }
        let place = self.found.partition_point(is_before);
        self.found.insert(place, new);
    }
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
    }

    #[test]
    fn other_widths_are_refused() {
        let (two, three) = (Array2::zeros((1, 2)), Array2::zeros((1, 3)));
        let (two, three) = (UnitRows::of(two.view()), UnitRows::of(three.view()));
        assert!(two.nearest(&three, 1).is_err());
    }
}
