//! Metrics of the ranking of probabilities: area under the ROC curve, and top-k accuracy.

use ndarray::{ArrayView1, ArrayView2};
use serde::Serialize;

/// The largest k.
const MOST: usize = 5;

/// The values of k that summaries show.
const SUMMARISED: [usize; 2] = [3, 5];

/// Top-k accuracy: how often the right class is among the k most probable.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TopK {
    /// Number of classes that count, from 1.
    pub k: usize,
    /// Share of samples whose class is among them, in [0, 1] (`top_k_accuracy_score`).
    pub accuracy: f64,
}

impl TopK {
    /// Returns whether summaries show it, to keep them short; the others are in JSON.
    pub(super) fn is_summarised(&self) -> bool {
        SUMMARISED.contains(&self.k)
    }
}

/// Returns the values of k to report: 1 to 5 but below C (at C every sample is a hit), and always 1.
pub(super) fn ks(n_classes: usize) -> impl Iterator<Item = usize> {
    1..=n_classes.saturating_sub(1).clamp(1, MOST)
}

/// Returns how many classes rank above `target`: the more probable ones, and equally probable ones with a
/// lower index.
pub(super) fn place(target: usize, row: ArrayView1<'_, f64>) -> usize {
    let of_target = row[target];
    let before = |&(class, &p): &(usize, &f64)| {
        if class < target {
            p >= of_target
        } else {
            p > of_target
        }
    };
    row.iter().enumerate().filter(before).count()
}

/// The samples in ascending order of one class's probability.
#[derive(Debug)]
pub(super) struct Order {
    ranked: Vec<Ranked>,
}

#[derive(Debug, Clone, Copy)]
struct Ranked {
    sample: u32,
    /// Whether the sample is of the class.
    positive: bool,
    /// Whether the next sample is more probable, or there is none.
    last_of_equals: bool,
}

impl Order {
    /// Sorts the samples by the probability of `class`. With two classes both use the probability of the
    /// second, so that rounding cannot make their areas differ.
    pub(super) fn of(class: usize, targets: &[usize], probabilities: ArrayView2<'_, f64>) -> Self {
        let (column, sign) = match (probabilities.ncols(), class) {
            (2, 0) => (1, -1.0),
            _ => (class, 1.0),
        };
        let score = |sample: u32| sign * probabilities[[sample as usize, column]];
        let mut samples: Vec<u32> = (0..targets.len() as u32).collect();
        // Probabilities are never NaN. Adding 0.0 turns -0 into 0: `total_cmp` would sort -0 first, although
        // the two are tied.
        samples.sort_by(|&a, &b| (score(a) + 0.0).total_cmp(&(score(b) + 0.0)));
        let next = samples.iter().skip(1).map(Some).chain([None]);
        let ranked = samples.iter().zip(next).map(|(&sample, next)| Ranked {
            sample,
            positive: targets[sample as usize] == class,
            last_of_equals: next.is_none_or(|&next| score(next) > score(sample)),
        });
        Self {
            ranked: ranked.collect(),
        }
    }

    /// Returns the area under the ROC curve: the share of pairs of a positive and a negative sample in which
    /// the positive one is the more probable, where a tie counts half (Mann–Whitney). Each sample counts as
    /// often as its weight.
    ///
    /// None without positive or without negative samples.
    pub(super) fn auc(&self, weights: &[u32]) -> Option<f64> {
        // Counts of negatives and positives in the current group of ties, and before it. The area is doubled
        // so that ties, which count half, stay integers.
        let (mut equals, mut before) = ([0u64; 2], [0u64; 2]);
        let mut doubled = 0u64;
        for ranked in &self.ranked {
            equals[usize::from(ranked.positive)] += u64::from(weights[ranked.sample as usize]);
            if ranked.last_of_equals {
                doubled += equals[1] * (2 * before[0] + equals[0]);
                before = [before[0] + equals[0], before[1] + equals[1]];
                equals = [0; 2];
            }
        }
        let [negatives, positives] = before;
        let pairs = 2.0 * positives as f64 * negatives as f64;
        (pairs > 0.0).then(|| doubled as f64 / pairs)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_tie_is_half_a_pair() {
        // Negatives at 0.1 and 0.4, positives at 0.4 and 0.8: of the four pairs three are right and one is a
        // tie.
        let p = array![
            [0.9, 0.1, 0.0],
            [0.6, 0.4, 0.0],
            [0.6, 0.4, 0.0],
            [0.2, 0.8, 0.0]
        ];
        let order = Order::of(1, &[0, 0, 1, 1], p.view());
        assert_eq!(order.auc(&[1; 4]), Some(0.875));
        // With the lower negative three times: of 8 pairs 6 + 1 are right and one is a tie.
        assert_eq!(order.auc(&[3, 1, 1, 1]), Some(7.5 / 8.0));
        assert_eq!(order.auc(&[1, 1, 0, 0]), None);
        assert_eq!(Order::of(2, &[0, 0, 1, 1], p.view()).auc(&[1; 4]), None);
    }

    #[test]
    fn both_of_two_classes_have_one_area() {
        // 1 - 0.9 is 0.09999999999999998: sorting by the first column would break the tie.
        let p = array![[0.9, 0.1], [1.0 - 0.1 + 1e-16, 0.1], [0.3, 0.7]];
        let targets = [0, 1, 1];
        let areas = [0, 1].map(|class| Order::of(class, &targets, p.view()).auc(&[1; 3]));
        assert_eq!(areas, [Some(0.75), Some(0.75)]);
    }

    #[test]
    fn the_lower_of_equal_classes_comes_first() {
        let row = array![0.25, 0.5, 0.25];
        assert_eq!([0, 1, 2].map(|class| place(class, row.view())), [1, 0, 2]);
    }

    #[test]
    fn no_k_is_a_hit_whatever_was_predicted() {
        let ks = |n| ks(n).collect::<Vec<_>>();
        assert_eq!((ks(1), ks(2), ks(3)), (vec![1], vec![1], vec![1, 2]));
        assert_eq!(ks(10), [1, 2, 3, 4, 5]);
    }
}
