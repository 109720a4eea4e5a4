//! Stratified folds for cross-validation that never split a group, determined by the seed and the image
//! digests.

use std::collections::BTreeMap;

use crate::error::{DataProblem, Result, require};
use crate::head::data::{Groups, Split, require_equal, seeded_hash};

/// The most counters used while distributing groups, one for each fold and class: 1 GiB.
const MOST_COUNTS: usize = 1 << 27;

/// The fold of each row in a k-fold cross-validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    of_row: Vec<usize>,
    k: usize,
}

impl Folds {
    /// Distributes the groups of each class over `k` folds, so that each fold has as nearly as possible the
    /// same share of every class.
    ///
    /// `targets` (N) are the classes of the rows; a group with several classes counts as its most common one.
    /// Larger groups come first; each goes to the fold with the fewest rows of its class (then the fewest
    /// rows). The seed and the digests break ties; the order of the rows does not matter.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for fewer than two folds, or too many for the number of
    /// classes; [`DataProblem`] when `targets` and `groups` differ in length, when there are fewer groups
    /// than folds, or when fewer than two classes would remain to train on without one of the folds.
    pub fn new(targets: &[usize], groups: &Groups, k: usize, seed: u64) -> Result<Self> {
        require(k >= 2, "folds", &k, "at least 2")?;
        check(targets, groups, k)?;
        let mut deal = groups.members();
        deal.sort_by_cached_key(|(key, rows)| {
            let class = most_common(rows, targets);
            (class, usize::MAX - rows.len(), seeded_hash(seed, key))
        });
        let n_classes = targets.iter().max().map_or(0, |largest| largest + 1);
        require(
            k.saturating_mul(n_classes) <= MOST_COUNTS,
            "folds",
            &k,
            "at most 134217728 divided by the number of classes",
        )?;
        let mut counts = vec![vec![0usize; n_classes]; k];
        let mut sizes = vec![0usize; k];
        let mut of_row = vec![0; targets.len()];
        for (_, rows) in deal {
            let class = most_common(&rows, targets);
            let fold = (0..k)
                .min_by_key(|&fold| (counts[fold][class], sizes[fold], fold))
                .unwrap_or_default();
            sizes[fold] += rows.len();
            for row in rows {
                counts[fold][targets[row]] += 1;
                of_row[row] = fold;
            }
        }
        let folds = Self { of_row, k };
        folds.trainable(&counts)?;
        Ok(folds)
    }

    /// Returns the number of folds.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// Returns the fold of each row, (N), each below k.
    #[must_use]
    pub fn of_row(&self) -> &[usize] {
        &self.of_row
    }

    /// Returns the rows of a fold for validation, and all others for training.
    #[must_use]
    pub fn split(&self, fold: usize) -> Split {
        let (validation, train) = (0..self.of_row.len()).partition(|&row| self.of_row[row] == fold);
        Split { train, validation }
    }

    fn trainable(&self, counts: &[Vec<usize>]) -> Result<()> {
        let mut all = vec![0; counts.first().map_or(0, Vec::len)];
        for counts in counts {
            all.iter_mut().zip(counts).for_each(|(all, n)| *all += n);
        }
        let classes = |counts: &Vec<usize>| {
            let others = all.iter().zip(counts);
            others.filter(|(all, n)| all > n).count()
        };
        if counts.iter().all(|counts| classes(counts) >= 2) {
            return Ok(());
        }
        Err(DataProblem::OneClassOutside { folds: self.k }.into())
    }
}

/// Returns the most common class of the rows; ties go to the lowest.
fn most_common(rows: &[usize], targets: &[usize]) -> usize {
    let mut counts = BTreeMap::new();
    for &row in rows {
        *counts.entry(targets[row]).or_insert(0usize) += 1;
    }
    let most = counts
        .into_iter()
        .max_by_key(|&(class, n)| (n, usize::MAX - class));
    most.map_or(0, |(class, _)| class)
}

fn check(targets: &[usize], groups: &Groups, k: usize) -> Result<()> {
    require_equal(targets, groups.of_row(), "rows in groups")?;
    let (folds, images) = (k, groups.len());
    if images < folds {
        return Err(DataProblem::Folds { folds, images }.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::head::data::Joins;

    fn digests(n: usize) -> Vec<[u8; 32]> {
        let of = |i: usize| match u8::try_from(i) {
            Ok(byte) => [byte; 32],
            Err(_) => std::array::from_fn(|place| i.to_le_bytes()[place % 8]),
        };
        (0..n).map(of).collect()
    }

    #[test]
    fn every_fold_has_its_share_of_every_class() {
        // 20 rows of class 0 and 10 of class 1: each of 5 folds has 4 and 2.
        let targets: Vec<usize> = (0..30).map(|row| usize::from(row >= 20)).collect();
        let folds = Folds::new(&targets, &Groups::of_equal(&digests(30)), 5, 3).unwrap();
        for fold in 0..5 {
            let split = folds.split(fold);
            assert_eq!(split.validation.iter().filter(|&&row| row < 20).count(), 4);
            assert_eq!(split.validation.len(), 6);
            assert_eq!(split.train.len(), 24);
        }
    }

    #[test]
    fn groups_stay_whole() {
        let targets: Vec<usize> = (0..30).map(|row| row % 2).collect();
        let joins = Joins::new(30);
        for (left, right) in [(0, 7), (7, 12), (3, 20)] {
            joins.join(left, right);
        }
        let groups = Groups::joined(&digests(30), &joins);
        for seed in 0..20 {
            let folds = Folds::new(&targets, &groups, 3, seed).unwrap();
            let fold = folds.of_row();
            assert!(fold[0] == fold[7] && fold[7] == fold[12] && fold[3] == fold[20]);
            let sizes = (0..3).map(|f| folds.split(f).validation.len());
            assert!(sizes.min().unwrap() >= 9);
        }
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter_but_the_seed_does() {
        let targets: Vec<usize> = (0..30).map(|row| row % 2).collect();
        let all = digests(30);
        let fold = |seed| Folds::new(&targets, &Groups::of_equal(&all), 5, seed).unwrap();
        let backwards: Vec<_> = all.iter().rev().copied().collect();
        let mirrored: Vec<usize> = targets.iter().rev().copied().collect();
        let other = Folds::new(&mirrored, &Groups::of_equal(&backwards), 5, 1).unwrap();
        let mirrored: Vec<_> = other.of_row().iter().rev().copied().collect();
        assert_eq!(mirrored, fold(1).of_row());
        assert_ne!(fold(1), fold(2));
    }

    #[test]
    fn what_cannot_be_dealt_is_refused() {
        let groups = Groups::of_equal(&digests(4));
        assert!(Folds::new(&[0, 0, 1, 1], &groups, 1, 0).is_err());
        assert!(Folds::new(&[0, 0, 1, 1], &groups, 5, 0).is_err());
        assert!(Folds::new(&[0, 1], &groups, 2, 0).is_err());
        // Without the fold that has the only image of class 1, only class 0 is left.
        let error = Folds::new(&[0, 0, 0, 1], &groups, 2, 0).unwrap_err();
        assert!(
            error.to_string().contains("images of only one class"),
            "{error}"
        );
        assert!(Folds::new(&[0, 0, 1, 1], &groups, 2, 0).is_ok());
    }

    /// Finding the class of a group once took time quadratic in its size, and checking the folds time
    /// quadratic in their number.
    #[test]
    fn large_groups_and_many_folds_take_little_time() {
        let targets: Vec<usize> = (0..60_000).map(|row| usize::from(row % 3 == 0)).collect();
        let joins = Joins::new(targets.len());
        (1..50_000).for_each(|row| joins.join(0, row));
        let digests = digests(targets.len());
        let groups = Groups::joined(&digests, &joins);
        let started = std::time::Instant::now();
        let folds = Folds::new(&targets, &groups, 5, 0).unwrap();
        assert!(
            folds.of_row()[..50_000]
                .iter()
                .all(|&fold| fold == folds.of_row()[0])
        );
        let each = Groups::of_equal(&digests[..3000]);
        assert_eq!(
            Folds::new(&targets[..3000], &each, 3000, 0).unwrap().k(),
            3000
        );
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    }

    #[test]
    fn folds_times_classes_are_limited() {
        let targets: Vec<usize> = (0..12_000).collect();
        let groups = Groups::of_equal(&digests(targets.len()));
        let error = Folds::new(&targets, &groups, 12_000, 0).unwrap_err();
        assert!(
            matches!(error, Error::Parameter { name: "folds", .. }),
            "{error}"
        );
    }
}
