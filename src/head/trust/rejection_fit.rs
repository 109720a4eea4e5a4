//! Fits a rejection: which training images to store, and the threshold.
//!
//! The training images' own scores, each computed without the image and its near-duplicates, determine the
//! threshold at which a chosen share of images of the known classes is rejected.

use std::collections::BTreeSet;

use ndarray::{ArrayView2, Axis};

use super::bank::Bank;
use super::rejection::{Method, Rejection, RejectionRule, score};
use crate::error::{RejectionProblem, Result, require};
use crate::head::data::{Groups, LabelledFeatures, UnitRows, Wanted};

/// Which of the nearest training images determines the score: the first, because its class can be named; the
/// third is as good.
const K: usize = 1;

/// Training images compared with the stored ones at a time; their features are copied.
const AT_ONCE: usize = 4096;

/// A fitted rejection, and its effect on the images that the threshold was chosen on.
#[derive(Debug, Clone, PartialEq)]
pub struct RejectionFit {
    /// The rejection.
    pub rejection: Rejection,
    /// Number of those images that it rejects.
    pub rejected: usize,
    /// Number of those images.
    pub scored: usize,
}

impl Rejection {
    /// Chooses the training images to store and the threshold, so that at most the share `rate` of new images
    /// of the same kind is rejected on average.
    ///
    /// `images` has one view of each image; `groups` defines which images belong together. Of more than 4096
    /// images a sample is stored, chosen by `seed` and as balanced over the classes as possible.
    ///
    /// An image is not scored if its class has no other group, because it does not show how similar images of
    /// the class are to each other.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) when `rate` is not between 0 and 1;
    /// [`RejectionProblem::FewImages`] when too few images can be scored.
    ///
    /// # Panics
    /// When `groups` are not those of the images.
    pub fn fit(
        images: &LabelledFeatures<'_>,
        groups: &Groups,
        rate: f64,
        seed: u64,
    ) -> Result<RejectionFit> {
        let of_row = groups.of_row();
        assert_eq!(
            of_row.len(),
            images.n_samples(),
            "`groups` must match the samples of `images`"
        );
        let bank = Bank::of(images, seed);
        let mut nearest = Vec::with_capacity(of_row.len());
        for chunk in images.features().axis_chunks_iter(Axis(0), AT_ONCE) {
            let first = nearest.len();
            let same_group =
                |image, row: usize, _| of_row[first + image] == of_row[bank.images[row]];
            let (queries, wanted) = (UnitRows::of(chunk), Wanted::nearest(K));
            nearest.extend(bank.rows.nearest_seeing(&queries, wanted, same_group));
        }
        let of_image = |&row: &usize| (images.targets()[row], of_row[row]);
        let kept: BTreeSet<(usize, usize)> = bank.images.iter().map(of_image).collect();
        let counts = |image: &usize| {
            let (class, group) = of_image(image);
            let mut of_class = kept.range((class, 0)..(class + 1, 0));
            of_class.any(|&(_, other)| other != group)
        };
        let scores: Vec<f32> = (0..images.n_samples())
            .filter(counts)
            .filter_map(|image| score(&nearest[image]))
            .collect();
        bank.rejecting(rate, &scores)
    }

    /// Like [`fit`](Self::fit), with the threshold that rejects the share `rate` of `known` images (M, D),
    /// none of which was trained on.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`DataProblem::Widths`](crate::error::DataProblem::Widths) when `known` has
    /// a different D.
    pub fn fit_on(
        images: &LabelledFeatures<'_>,
        known: ArrayView2<'_, f32>,
        rate: f64,
        seed: u64,
    ) -> Result<RejectionFit> {
        let bank = Bank::of(images, seed);
        let mut scores = Vec::with_capacity(known.nrows());
        for chunk in known.axis_chunks_iter(Axis(0), AT_ONCE) {
            let nearest = bank.rows.nearest(&UnitRows::of(chunk), K)?;
            scores.extend(nearest.iter().filter_map(|nearest| score(nearest)));
        }
        bank.rejecting(rate, &scores)
    }
}

impl Bank {
    /// Creates the rejection, with the threshold for the scores of known images.
    fn rejecting(self, rate: f64, scores: &[f32]) -> Result<RejectionFit> {
        let in_range = rate > 0.0 && rate < 1.0;
        require(in_range, "rate", &rate, "above 0 and below 1")?;
        let threshold = threshold(scores, rate)?;
        let rule = RejectionRule {
            method: Method::NearestNeighbours,
            k: K,
            rate,
            threshold,
        };
        Ok(RejectionFit {
            rejected: scores.iter().filter(|&&score| score < threshold).count(),
            scored: scores.len(),
            rejection: Rejection {
                rule,
                features: self.features,
                classes: self.classes,
                rows: self.rows,
            },
        })
    }
}

/// Returns the score below which an image is rejected.
///
/// `scores` are those of known images, each computed without the image itself. The threshold is the j-th
/// smallest of n, where j is rate · (n + 1) rounded down: a further image of the same kind is below it with
/// probability j / (n + 1) at most, the guarantee of split conformal prediction (Vovk et al. 2005).
///
/// # Errors
/// [`RejectionProblem::FewImages`] when n is so small that j is 0.
fn threshold(scores: &[f32], rate: f64) -> Result<f32, RejectionProblem> {
    let mut sorted = scores.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let n = sorted.len();
    // 0.1 · 10 may be rounded to slightly below 1.
    let j = (rate * (n + 1) as f64 + 1e-9).floor() as usize;
    let threshold = j.checked_sub(1).and_then(|place| sorted.get(place));
    threshold
        .copied()
        .ok_or(RejectionProblem::FewImages { n, rate })
}

#[cfg(test)]
mod tests {
    use half::f16;
    use ndarray::{Array2, array};

    use super::*;
    use crate::classes::ClassIndex;
    use crate::error::Error;

    /// Returns `n` directions, one degree apart.
    fn fan(n: usize) -> Array2<f32> {
        Array2::from_shape_fn((n, 2), |(row, column)| {
            let angle = (row as f32).to_radians();
            if column == 0 {
                angle.cos()
            } else {
                angle.sin()
            }
        })
    }

    fn groups(n: usize) -> Groups {
        let digests: Vec<_> = (0..n).map(|row| [row as u8; 32]).collect();
        Groups::of_equal(&digests)
    }

    fn fitted(features: &Array2<f32>, groups: &Groups, rate: f64) -> Result<RejectionFit> {
        let n = features.nrows();
        let targets: Vec<usize> = (0..n).map(|row| usize::from(row >= n / 2)).collect();
        let classes = ClassIndex::from_names(["low", "high"]);
        let set = LabelledFeatures::new(features.view(), &targets, &classes)?;
        Rejection::fit(&set, groups, rate, 0)
    }

    #[test]
    fn what_points_elsewhere_is_rejected_and_the_nearest_class_is_named() {
        let fit = fitted(&fan(40), &groups(40), 0.1).unwrap();
        // All neighbours are one degree apart, so no image is below the threshold.
        let cosine = 1f32.to_radians().cos();
        assert!((fit.rejection.rule().threshold - cosine).abs() < 1e-4);
        let query = array![[1.0, 0.005], [0.0, 3.0], [-1.0, 0.0]];
        let likeness = fit.rejection.likeness(query.view()).unwrap();
        let rejected: Vec<_> = likeness.iter().map(|l| fit.rejection.rejects(l)).collect();
        assert_eq!(rejected, [false, true, true]);
        assert_eq!(
            likeness.iter().map(|l| l.class).collect::<Vec<_>>(),
            [0, 1, 1]
        );
        assert!((likeness[1].score - 51f32.to_radians().cos()).abs() < 1e-3);
    }

    #[test]
    fn the_lonely_are_those_that_are_counted() {
        // Two of 40 point elsewhere, in different directions; the threshold is the third lowest of the 40
        // scores.
        let mut features = fan(40);
        features.row_mut(7).assign(&array![-1.0, 0.3]);
        features.row_mut(31).assign(&array![0.2, -1.0]);
        let fit = fitted(&features, &groups(40), 0.075).unwrap();
        assert_eq!(fit.rejected, 2);
        assert!(fit.rejection.rule().threshold > 0.99);
    }

    #[test]
    fn an_image_is_no_witness_for_its_near_copies() {
        // Row 38 points elsewhere, as does its near-duplicate 39; the threshold is the second lowest of the
        // 40 scores.
        let mut features = fan(40);
        features.row_mut(38).assign(&array![-1.0, 0.0]);
        features.row_mut(39).assign(&array![-1.0, 0.001]);
        let digests: Vec<_> = (0..40).map(|row| [row as u8; 32]).collect();
        let joins = crate::head::Joins::new(40);
        joins.join(38, 39);
        let together = Groups::joined(&digests, &joins);
        let threshold = |groups: &Groups| {
            fitted(&features, groups, 0.05)
                .unwrap()
                .rejection
                .rule()
                .threshold
        };
        assert!(threshold(&groups(40)) > 0.99);
        assert!(threshold(&together) < 0.0);
    }

    #[test]
    fn the_threshold_may_come_from_other_images() {
        // The training images are at 0 to 39 degrees, 19 others at 41, 42, … 59: the second lowest score is
        // cos 19°.
        let train = fan(40);
        let targets: Vec<usize> = (0..40).map(|row| row % 2).collect();
        let classes = ClassIndex::from_names(["low", "high"]);
        let set = LabelledFeatures::new(train.view(), &targets, &classes).unwrap();
        let others = fan(60).slice(ndarray::s![41.., ..]).to_owned();
        let fit = Rejection::fit_on(&set, others.view(), 0.1, 0).unwrap();
        assert_eq!((fit.rejected, fit.scored), (1, 19));
        let cosine = 19f32.to_radians().cos();
        assert!((fit.rejection.rule().threshold - cosine).abs() < 1e-3);
        let few = others.slice(ndarray::s![..5, ..]);
        assert!(Rejection::fit_on(&set, few, 0.1, 0).is_err());
    }

    #[test]
    fn too_few_images_and_impossible_rates_are_refused() {
        let error = fitted(&fan(12), &groups(12), 0.05).unwrap_err().to_string();
        assert!(error.contains("12") && error.contains("0.05"), "{error}");
        assert!(fitted(&fan(12), &groups(12), 0.1).is_ok());
        for rate in [0.0, 1.0, -0.1, f64::NAN] {
            assert!(matches!(
                fitted(&fan(12), &groups(12), rate),
                Err(Error::Parameter { name: "rate", .. })
            ));
        }
        // Each class is one group, so no image has a neighbour of its class in another group.
        let digests: Vec<_> = (0..12).map(|row| [u8::from(row >= 6); 32]).collect();
        assert!(fitted(&fan(12), &Groups::of_equal(&digests), 0.5).is_err());
    }

    #[test]
    fn an_image_without_any_feature_is_not_kept() {
        let mut features = fan(40);
        features.row_mut(7).fill(0.0);
        let fit = fitted(&features, &groups(40), 0.1).unwrap().rejection;
        assert_eq!(fit.classes().len(), 39);
        let (rule, features) = (*fit.rule(), fit.features().to_owned());
        assert!(Rejection::new(rule, features, fit.classes().to_vec()).is_ok());
    }

    #[test]
    fn what_was_kept_gives_the_same_answers() {
        let fit = fitted(&fan(40), &groups(40), 0.1).unwrap().rejection;
        let again = Rejection::new(
            *fit.rule(),
            fit.features().to_owned(),
            fit.classes().to_vec(),
        );
        assert_eq!(again.unwrap(), fit);
        let broken = RejectionRule {
            threshold: 1.5,
            ..*fit.rule()
        };
        assert!(Rejection::new(broken, fit.features().to_owned(), fit.classes().to_vec()).is_err());
        assert!(Rejection::new(*fit.rule(), fit.features().to_owned(), vec![0]).is_err());
        let beyond = RejectionRule {
            k: fit.classes().len() + 1,
            ..*fit.rule()
        };
        assert!(Rejection::new(beyond, fit.features().to_owned(), fit.classes().to_vec()).is_err());
        for factor in [0.0, 0.5, 2.0] {
            let features = fit.features().mapv(|x| x * f16::from_f32(factor));
            assert!(Rejection::new(*fit.rule(), features, fit.classes().to_vec()).is_err());
        }
        assert!(fit.likeness(array![[1.0, 2.0, 3.0]].view()).is_err());
    }

    #[test]
    fn the_threshold_is_the_conformal_quantile() {
        let scores: Vec<f32> = (1..=19).rev().map(|i| i as f32 / 20.0).collect();
        let at = |rate| threshold(&scores, rate).unwrap();
        // 0.05 · 20 = 1, 0.1 · 20 = 2, 0.149 · 20 = 2.98, 0.95 · 20 = 19.
        assert!((at(0.05) - 0.05).abs() < 1e-7 && (at(0.1) - 0.1).abs() < 1e-7);
        assert!((at(0.149) - 0.1).abs() < 1e-7 && (at(0.95) - 0.95).abs() < 1e-7);
    }

    #[test]
    fn too_few_are_told_how_many_it_takes() {
        for (n, rate, wanted) in [(18, 0.05, 19), (0, 0.5, 1), (8, 0.1, 9)] {
            let problem = threshold(&vec![0.5; n], rate).unwrap_err();
            assert_eq!(problem, RejectionProblem::FewImages { n, rate });
            assert_eq!(RejectionProblem::enough_for(rate), wanted);
            assert!(threshold(&vec![0.5; wanted], rate).is_ok());
        }
    }
}
