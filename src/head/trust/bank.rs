//! The training images that a rejection stores.

use half::f16;
use ndarray::{Array2, Axis};

use super::rejection::widened;
use crate::head::data::{LabelledFeatures, UnitRows, order_generator, shuffle};

/// The most training images stored, unless there are more classes than this.
pub(crate) const BANK_CAPACITY: usize = 4096;

/// The stored training images.
pub(super) struct Bank {
    /// Their indices in the training set, (M).
    pub(super) images: Vec<usize>,
    pub(super) features: Array2<f16>,
    pub(super) classes: Vec<usize>,
    pub(super) rows: UnitRows,
}

impl Bank {
    /// Selects up to [`BANK_CAPACITY`] images of a set.
    pub(super) fn of(images: &LabelledFeatures<'_>, seed: u64) -> Self {
        let n_classes = images.classes().len();
        let mut kept = choose_rows(images.targets(), n_classes, BANK_CAPACITY, seed);
        let features = images.features();
        // Features that are all 0 have no direction, so nothing is similar to them.
        kept.retain(|&row| features.row(row).iter().any(|&x| x != 0.0));
        let features = features.select(Axis(0), &kept);
        let features = UnitRows::of(features.view()).rows().mapv(f16::from_f32);
        Self {
            classes: kept.iter().map(|&row| images.targets()[row]).collect(),
            images: kept,
            rows: widened(features.view()),
            features,
        }
    }
}

/// Returns the rows to store, ascending: all of them if there are at most `capacity`.
///
/// Otherwise every class keeps the same number of rows, or all of its rows if it has fewer; the seed decides
/// which. A class with any rows keeps at least one, even if there are more classes than `capacity`.
fn choose_rows(targets: &[usize], n_classes: usize, capacity: usize, seed: u64) -> Vec<usize> {
    let mut of_class = vec![Vec::new(); n_classes];
    for (row, &target) in targets.iter().enumerate() {
        of_class[target].push(row);
    }
    let sizes: Vec<usize> = of_class.iter().map(Vec::len).collect();
    let share = share(&sizes, capacity);
    let mut generator = order_generator(seed);
    let mut kept = Vec::new();
    for mut rows in of_class {
        if rows.len() > share {
            shuffle(&mut rows, &mut generator);
            rows.truncate(share);
        }
        kept.append(&mut rows);
    }
    kept.sort_unstable();
    kept
}

/// Returns the largest number of rows that each class may keep without exceeding `capacity` in total; at
/// least 1.
fn share(sizes: &[usize], capacity: usize) -> usize {
    let kept = |share: usize| sizes.iter().map(|&size| size.min(share)).sum::<usize>();
    let largest = sizes.iter().copied().max().unwrap_or(0);
    let (mut fits, mut too_many) = (1, largest + 1);
    while too_many - fits > 1 {
        let middle = usize::midpoint(fits, too_many);
        if kept(middle) <= capacity {
            fits = middle;
        } else {
            too_many = middle;
        }
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_sets_are_kept_whole() {
        assert_eq!(choose_rows(&[1, 0, 1, 0], 2, 4, 0), [0, 1, 2, 3]);
        assert!(choose_rows(&[], 2, 4, 0).is_empty());
    }

    #[test]
    fn rare_classes_are_kept_whole_and_common_ones_share_the_rest() {
        // 100 rows of class 0, 50 of class 1, 4 of class 2: of 64, the rare class keeps all 4 and the others
        // 30 each.
        let targets: Vec<usize> = (0..154)
            .map(|row| usize::from(row >= 100) + usize::from(row >= 150))
            .collect();
        let kept = choose_rows(&targets, 3, 64, 7);
        let count = |class| kept.iter().filter(|&&row| targets[row] == class).count();
        assert_eq!((count(0), count(1), count(2)), (30, 30, 4));
        assert!(kept.is_sorted_by(|a, b| a < b));
        assert_ne!(kept, choose_rows(&targets, 3, 64, 8));
        // The kept rows are not just the first ones: some are from the second half of the common class.
        assert!(kept.iter().any(|row| (50..100).contains(row)));
    }

    #[test]
    fn every_class_keeps_one() {
        assert_eq!(choose_rows(&[0, 0, 1, 2, 2], 3, 2, 0).len(), 3);
    }
}
