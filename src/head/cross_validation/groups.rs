//! Rows that belong together: an image that stands there twice, and images that are nearly equal.

use std::collections::BTreeMap;

use crate::head::neighbours::NearPair;

/// Rows put into groups, (N); images of a group are never validated on by a head that was trained on another of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The group of each row.
    of_row: Vec<usize>,
    /// What names each group: the smallest digest in it.
    keys: Vec<[u8; 32]>,
}

impl Groups {
    /// Groups rows with equal `digests` (of the image bytes), and those that `near` pairs join, directly or through
    /// others.
    ///
    /// # Panics
    /// When a pair names a row that is not there.
    #[must_use]
    pub fn new(digests: &[[u8; 32]], near: &[NearPair]) -> Self {
        let mut parents: Vec<usize> = (0..digests.len()).collect();
        let mut first_of: BTreeMap<&[u8; 32], usize> = BTreeMap::new();
        for (row, digest) in digests.iter().enumerate() {
            let first = *first_of.entry(digest).or_insert(row);
            join(&mut parents, first, row);
        }
        for pair in near {
            join(&mut parents, pair.left, pair.right);
        }
        let roots: Vec<usize> = (0..digests.len())
            .map(|row| root(&mut parents, row))
            .collect();
        let mut smallest: BTreeMap<usize, [u8; 32]> = BTreeMap::new();
        for (root, digest) in roots.iter().zip(digests) {
            let key = smallest.entry(*root).or_insert(*digest);
            *key = (*key).min(*digest);
        }
        let numbers: BTreeMap<usize, usize> = smallest.keys().copied().zip(0..).collect();
        Self {
            of_row: roots.iter().map(|root| numbers[root]).collect(),
            keys: smallest.into_values().collect(),
        }
    }

    /// The group of each row, (N), each below [`Self::len`].
    #[must_use]
    pub fn of_row(&self) -> &[usize] {
        &self.of_row
    }

    /// The number of groups.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The rows of each group, ascending, with what names the group.
    pub(in crate::head) fn members(&self) -> Vec<(&[u8; 32], Vec<usize>)> {
        let mut members: Vec<_> = self.keys.iter().map(|key| (key, Vec::new())).collect();
        for (row, &group) in self.of_row.iter().enumerate() {
            members[group].1.push(row);
        }
        members
    }
}

/// The row that stands for all that are joined with `row`.
fn root(parents: &mut [usize], mut row: usize) -> usize {
    while parents[row] != row {
        parents[row] = parents[parents[row]];
        row = parents[row];
    }
    row
}

/// Joins the groups of two rows; the earlier row stands for both.
fn join(parents: &mut [usize], left: usize, right: usize) {
    let (left, right) = (root(parents, left), root(parents, right));
    parents[left.max(right)] = left.min(right);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_and_near_rows_share_a_group() {
        // Rows 0 and 2 are one image; 2 is near 3, 3 near 5: all four are one group; 1 and 4 stand alone.
        let digests = [7, 1, 7, 3, 9, 2].map(|first| [first; 32]);
        let near = |left, right| NearPair {
            left,
            right,
            cosine: 0.99,
        };
        let groups = Groups::new(&digests, &[near(2, 3), near(3, 5)]);
        assert_eq!(groups.of_row(), [0, 1, 0, 0, 2, 0]);
        assert_eq!(groups.members()[0], (&[2; 32], vec![0, 2, 3, 5]));
        assert_eq!(groups.len(), 3);
        assert!(Groups::new(&[], &[]).is_empty());
    }
}
