//! What both sides say of an image, and how well that agrees over all images.

use std::time::Duration;

use crate::classifier::top;
use crate::tasks::export::options::Agreement;

/// What one side says of an image.
pub(super) struct Answer {
    pub(super) probabilities: Vec<f64>,
    /// Its similarity to the training images, and whether it is unknown.
    pub(super) likeness: Option<(f32, bool)>,
}

/// The class of an image, and whether the head was trained on it.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) class: usize,
    pub(super) is_training: bool,
}

/// Returns the larger difference; NaN is larger than all others, where `max` would drop it.
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a >= b { a } else { b }
}

/// The comparison so far.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) images: usize,
    pub(super) generated: usize,
    equal_labels: usize,
    largest_difference: f64,
    likeness: Option<(f64, usize)>,
    labelled: usize,
    training: usize,
    pub(super) foreign: usize,
    right: [usize; 2],
    pub(super) time: Duration,
}

impl Tally {
    /// Adds the answers of both sides for an image, whose class may be known.
    pub(super) fn count(&mut self, own: &Answer, theirs: &Answer, target: Option<Target>) {
        let labels = [own, theirs].map(|answer| top(&answer.probabilities, 1)[0].0);
        self.images += 1;
        self.equal_labels += usize::from(labels[0] == labels[1]);
        let both = own.probabilities.iter().zip(&theirs.probabilities);
        let differences = both.map(|(own, theirs)| (own - theirs).abs());
        self.largest_difference = differences.fold(self.largest_difference, larger);
        if let (Some(own), Some(theirs)) = (own.likeness, theirs.likeness) {
            let (largest, unequal) = self.likeness.unwrap_or_default();
            let difference = f64::from((own.0 - theirs.0).abs());
            let unequal = unequal + usize::from(own.1 != theirs.1);
            self.likeness = Some((larger(largest, difference), unequal));
        }
        if let Some(target) = target {
            self.labelled += 1;
            self.training += usize::from(target.is_training);
            for (right, label) in self.right.iter_mut().zip(labels) {
                *right += usize::from(label == target.class);
            }
        }
    }

    pub(super) fn agreement(&self) -> Agreement {
        let share = |right: usize| (self.labelled > 0).then(|| right as f64 / self.labelled as f64);
        Agreement {
            images: self.images,
            generated: self.generated,
            equal_labels: self.equal_labels,
            largest_difference: self.largest_difference,
            largest_similarity_difference: self.likeness.map(|(largest, _)| largest),
            differently_rejected: self.likeness.map(|(_, unequal)| unequal),
            labelled: self.labelled,
            foreign: self.foreign,
            training: self.training,
            accuracy_before: share(self.right[0]),
            accuracy_after: share(self.right[1]),
            ms_per_image: 1000.0 * self.time.as_secs_f64() / self.images.max(1) as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_that_is_not_a_number_is_the_largest() {
        let answer = |p: f64, score: f32| Answer {
            probabilities: vec![p, 1.0 - p],
            likeness: Some((score, false)),
        };
        let target = |is_training| {
            Some(Target {
                class: 0,
                is_training,
            })
        };
        let mut tally = Tally::default();
        tally.count(&answer(0.75, 0.5), &answer(0.5, 0.25), target(true));
        tally.count(&answer(0.25, 0.5), &answer(0.25, f32::NAN), target(false));
        let agreement = tally.agreement();
        assert_eq!((agreement.labelled, agreement.training), (2, 1));
        assert!((agreement.largest_difference - 0.25).abs() < 1e-9);
        assert!(agreement.largest_similarity_difference.unwrap().is_nan());
        tally.count(&answer(0.25, 0.5), &answer(f64::NAN, 0.5), None);
        tally.count(&answer(0.75, 0.5), &answer(0.5, 0.5), None);
        assert!(tally.agreement().largest_difference.is_nan());
        assert!(larger(f64::NAN, 0.0).is_nan() && larger(0.0, f64::NAN).is_nan());
    }
}
