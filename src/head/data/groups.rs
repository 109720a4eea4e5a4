//! Groups of duplicates and near-duplicates, which must not be split between training and validation.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::ArrayView2;

use super::search::near_pairs;
use crate::error::Result;
use crate::progress::Progress;

/// The group of each row, (N). Cross-validation keeps a group, such as near-duplicates, in one fold.
#[derive(Debug, Clone, PartialEq)]
pub struct Groups {
    /// The group of each row.
    of_row: Vec<usize>,
    /// The key of each group: its smallest digest.
    keys: Vec<[u8; 32]>,
    recall: Option<f64>,
}

impl Groups {
    /// Groups images with equal `digests` (of the image bytes); every other image is a group of its own.
    #[must_use]
    pub fn of_equal(digests: &[[u8; 32]]) -> Self {
        Self::joined(digests, &Joins::new(digests.len()))
    }

    /// Makes each of `n` rows a group of its own.
    #[must_use]
    pub(crate) fn of_rows(n: usize) -> Self {
        let key = |row: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&(row as u64).to_le_bytes());
            key
        };
        Self::of_equal(&(0..n).map(key).collect::<Vec<_>>())
    }

    /// Groups rows with equal `digests`, and rows whose `features` (N, D) have a cosine of `near` or more,
    /// directly or through other rows.
    ///
    /// Up to 50,000 rows, every one is compared with every other. Among more, the search is approximate, and
    /// [`recall`](Self::recall) says how much it finds. Pairs are not stored, so memory grows only with N,
    /// however many rows are near-duplicates. `progress` is asked whether to stop.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    ///
    /// # Panics
    /// When there is not one digest per row.
    pub fn of_near(
        digests: &[[u8; 32]],
        features: ArrayView2<'_, f32>,
        near: f32,
        progress: &dyn Progress,
    ) -> Result<Self> {
        assert_eq!(digests.len(), features.nrows(), "one digest per row");
        let joins = Joins::new(digests.len());
        let join = |left, right| joins.join(left, right);
        let recall = near_pairs(features, near, progress, join)?;
        Ok(Self {
            recall,
            ..Self::joined(digests, &joins)
        })
    }

    /// Groups rows with equal `digests`, and rows that were joined.
    ///
    /// # Panics
    /// When `digests` and `joins` differ in length.
    #[must_use]
    pub(crate) fn joined(digests: &[[u8; 32]], joins: &Joins) -> Self {
        assert_eq!(digests.len(), joins.0.len(), "one digest per row");
        let mut first_of: BTreeMap<&[u8; 32], usize> = BTreeMap::new();
        for (row, digest) in digests.iter().enumerate() {
            joins.join(*first_of.entry(digest).or_insert(row), row);
        }
        let roots: Vec<usize> = (0..digests.len()).map(|row| joins.root(row)).collect();
        let mut smallest: BTreeMap<usize, [u8; 32]> = BTreeMap::new();
        for (root, digest) in roots.iter().zip(digests) {
            let key = smallest.entry(*root).or_insert(*digest);
            *key = (*key).min(*digest);
        }
        let numbers: BTreeMap<usize, usize> = smallest.keys().copied().zip(0..).collect();
        Self {
            of_row: roots.iter().map(|root| numbers[root]).collect(),
            keys: smallest.into_values().collect(),
            recall: None,
        }
    }

    /// Returns the share of the nearest neighbours of a sample of rows that the search for near-duplicates
    /// found, in [0, 1]; `None` if every row was compared with every other.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        self.recall
    }

    /// Returns the group of each row, (N), each below [`Self::len`].
    #[must_use]
    pub fn of_row(&self) -> &[usize] {
        &self.of_row
    }

    /// Returns the number of groups.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the first row of each group.
    pub(crate) fn firsts(&self) -> Vec<usize> {
        let members = self.members();
        members
            .iter()
            .filter_map(|(_, rows)| rows.first().copied())
            .collect()
    }

    /// Returns the key and the rows of each group, the rows in ascending order.
    pub(crate) fn members(&self) -> Vec<(&[u8; 32], Vec<usize>)> {
        let mut members: Vec<_> = self.keys.iter().map(|key| (key, Vec::new())).collect();
        for (row, &group) in self.of_row.iter().enumerate() {
            members[group].1.push(row);
        }
        members
    }
}

/// A lock-free union-find over rows. Threads can join pairs concurrently; the order does not change the
/// groups.
#[derive(Debug)]
pub(crate) struct Joins(Vec<AtomicUsize>);

impl Joins {
    /// Creates N rows, each in a group of its own.
    #[must_use]
    pub(crate) fn new(n: usize) -> Self {
        Self((0..n).map(AtomicUsize::new).collect())
    }

    /// Joins the groups of two rows; the earliest row of a group is its root.
    ///
    /// # Panics
    /// When a row is out of range.
    pub(crate) fn join(&self, left: usize, right: usize) {
        loop {
            let (left, right) = (self.root(left), self.root(right));
            let (first, other) = (left.min(right), left.max(right));
            // Another thread may have given `other` a parent in the meantime.
            let swap = |to| {
                self.0[other].compare_exchange(other, to, Ordering::Relaxed, Ordering::Relaxed)
            };
            if first == other || swap(first).is_ok() {
                return;
            }
        }
    }

    /// Returns the root of a row's group, and halves the path to it.
    fn root(&self, mut row: usize) -> usize {
        let parent = |row: usize| self.0[row].load(Ordering::Relaxed);
        loop {
            let next = parent(row);
            if next == row {
                return row;
            }
            // A parent is always an earlier row of the same group, so a stale value is harmless.
            self.0[row].store(parent(next), Ordering::Relaxed);
            row = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::error::Error;
    use crate::head::data::UnitRows;
    use crate::progress::Silent;
    use crate::progress::tests::StopsAt;

    #[test]
    fn equal_and_near_rows_share_a_group() {
        // Rows 0 and 2 are duplicates; 2 is near 3, and 3 near 5: these are one group. 1 and 4 are alone.
        let digests = [7, 1, 7, 3, 9, 2].map(|first| [first; 32]);
        let joins = Joins::new(6);
        joins.join(2, 3);
        joins.join(5, 3);
        let groups = Groups::joined(&digests, &joins);
        assert_eq!(groups.of_row(), [0, 1, 0, 0, 2, 0]);
        assert_eq!(groups.members()[0], (&[2; 32], vec![0, 2, 3, 5]));
        assert_eq!(groups.len(), 3);
        assert!(Groups::of_equal(&[]).is_empty());
        assert_eq!(Groups::of_equal(&digests).len(), 5);
    }

    fn near(digests: &[[u8; 32]], features: ArrayView2<'_, f32>, near: f32) -> Groups {
        Groups::of_near(digests, features, near, &Silent).unwrap()
    }

    fn numbered(n: usize) -> Vec<[u8; 32]> {
        let digest = |row: usize| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&row.to_be_bytes());
            digest
        };
        (0..n).map(digest).collect()
    }

    #[test]
    fn clusters_of_copies_that_a_chain_joins_are_one_group() {
        // Ten copies each at 0 and 20 degrees, whose ten nearest neighbours are only copies, and one row at
        // 10 degrees between them: cos 10° = 0.985 joins them all, cos 20° = 0.940 would not. 90 degrees is
        // alone.
        let angle = |row: usize| match row {
            0..10 => 0f32,
            10..20 => 20.0,
            20 => 10.0,
            _ => 90.0,
        };
        let features = Array2::from_shape_fn((22, 2), |(row, column)| {
            let (sin, cos) = angle(row).to_radians().sin_cos();
            [cos, sin][column] * (1 + row) as f32
        });
        let groups = near(&numbered(22), features.view(), 0.98);
        assert_eq!(groups.len(), 2);
        assert!(groups.of_row()[..21].iter().all(|&group| group == 0));
        let without = features.select(ndarray::Axis(0), &(0..20).collect::<Vec<_>>());
        let groups = near(&numbered(20), without.view(), 0.98);
        assert_eq!((groups.len(), groups.of_row()[10]), (2, 1));
    }

    #[test]
    fn groups_are_those_of_all_pairs_across_blocks() {
        // 700 rows of 3 values; the expected groups come from comparing every pair.
        let features = Array2::from_shape_fn((700, 3), |(row, column)| {
            ((row * (7 + column * 12) + row * row * (column + 1)) % 101) as f32 - 50.0
        });
        let groups = near(&numbered(700), features.view(), 0.9995);
        let unit = UnitRows::of(features.view());
        let joins = Joins::new(700);
        for (left, a) in unit.rows().rows().into_iter().enumerate() {
            for (right, b) in unit.rows().rows().into_iter().enumerate().take(left) {
                if a.dot(&b) >= 0.9995 {
                    joins.join(left, right);
                }
            }
        }
        let expected = Groups::joined(&numbered(700), &joins);
        assert_eq!(groups, expected);
        assert!((50..690).contains(&groups.len()), "{}", groups.len());
    }

    #[test]
    fn a_search_that_is_asked_to_stop_compares_no_further_blocks() {
        // 8 blocks of 256 rows are 36 pairs of blocks, and each is a question.
        let features = Array2::from_shape_fn((2000, 2), |(row, column)| (row + column) as f32);
        for (nth, asked) in [(usize::MAX, 36..=36), (1, 1..=8), (5, 5..=13)] {
            let progress = StopsAt::new(nth);
            let groups = Groups::of_near(&numbered(2000), features.view(), 0.9, &progress);
            assert_eq!(groups.is_ok(), nth == usize::MAX);
            if let Err(error) = groups {
                assert!(matches!(error, Error::Interrupted { kept: None }));
            }
            assert!(asked.contains(&progress.asked()), "{}", progress.asked());
        }
    }

    #[test]
    fn threads_that_join_at_once_make_the_same_groups() {
        let joins = Joins::new(10_000);
        std::thread::scope(|scope| {
            for start in 0..4 {
                let joins = &joins;
                // Joins even rows with even ones and odd with odd, from both ends.
                scope.spawn(move || {
                    for row in (start..9_990).step_by(4) {
                        joins.join(row + 2, row);
                        joins.join(9_999 - row, 9_997 - row);
                    }
                });
            }
        });
        let groups = Groups::joined(&numbered(10_000), &joins);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups.of_row()[..4], [0, 1, 0, 1]);
    }
}
