//! Rejection: an image that is like none of the training images is of no class.
//!
//! The score of an image is the cosine between its features and those of its K-th nearest training image (Sun et al. 2022,
//! *Out-of-Distribution Detection with Deep Nearest Neighbors*); below a threshold it is unknown. The training images' own
//! scores, each without itself and all that is nearly equal to it, say where the threshold must be so that a chosen share
//! of images of the known classes is rejected.

use half::f16;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::bank::{BANK_CAPACITY, choose_rows};
use super::threshold::threshold;
use crate::error::{Error, Result};
use crate::head::data::{Groups, LabelledFeatures, Neighbour, UnitRows};
use crate::head::params::require;

/// Which of the nearest training images gives the score: the first, whose class can be named; the third is as good.
const K: usize = 1;

/// How far the length of a kept row may be from 1. Rounding to 16 bits changes each number by at most 1 part in 2048.
const LENGTH_TOLERANCE: f32 = 0.01;

/// Training images that are compared with those kept at a time: so many are copied.
const AT_ONCE: usize = 4096;

/// What tells images of no class from the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    rule: RejectionRule,
    /// (M, D), of length 1 but for the rounding to 16 bits.
    features: Array2<f16>,
    /// (M)
    classes: Vec<usize>,
    rows: UnitRows,
}

/// The numbers of a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RejectionRule {
    /// What the score is.
    pub method: Method,
    /// Which of the nearest training images gives the score, 1 or more.
    pub k: usize,
    /// The share of images of known classes that is rejected, above 0 and below 1.
    pub rate: f64,
    /// Images with a lower score are unknown; a cosine, in [-1, 1].
    pub threshold: f32,
}

/// What the score is; a word of its own for each, so that a file can name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The cosine of the K-th nearest training image.
    NearestNeighbours,
}

/// A fitted rejection, and what it does to the images that it was fitted on.
#[derive(Debug, Clone, PartialEq)]
pub struct RejectionFit {
    /// The rejection.
    pub rejection: Rejection,
    /// How many of the images that the threshold was chosen on it rejects.
    pub rejected: usize,
    /// How many these are.
    pub scored: usize,
}

/// How like the training images an image is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// The cosine of the K-th nearest training image, in [-1, 1].
    pub score: f32,
    /// The class of the nearest.
    pub class: usize,
}

impl Rejection {
    /// Chooses what to keep of the training images and where the threshold is, so that of new images of the same kind
    /// at most the share `rate` is rejected on average.
    ///
    /// `features` (N, D) hold one view of each image, `groups` say which belong together. Of more than
    /// [`BANK_CAPACITY`] images a sample is kept, chosen by `seed`, as even over the classes as can be.
    ///
    /// An image whose class has no other group says nothing of how like each other the images of a class are: it is
    /// left out of the count.
    ///
    /// # Errors
    /// [`Error::Parameter`] when `rate` is not between 0 and 1; [`Error::Input`] when there are too few different
    /// images for it.
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
        assert_eq!(of_row.len(), images.n_samples(), "a group for every image");
        let bank = Bank::of(images, seed);
        let mut nearest = Vec::with_capacity(of_row.len());
        for chunk in images.features().axis_chunks_iter(Axis(0), AT_ONCE) {
            let first = nearest.len();
            let same_group =
                |image, row: usize, _| of_row[first + image] == of_row[bank.images[row]];
            nearest.extend(
                bank.rows
                    .nearest_seeing(&UnitRows::of(chunk), K, same_group),
            );
        }
        let others = OtherGroups::new(
            images.classes().len(),
            bank.images
                .iter()
                .map(|&row| (images.targets()[row], of_row[row])),
        );
        let counts = |image: &usize| others.has(images.targets()[*image], of_row[*image]);
        let scores: Vec<f32> = (0..images.n_samples())
            .filter(counts)
            .filter_map(|image| score(&nearest[image]))
            .collect();
        bank.rejecting(rate, &scores)
    }

    /// The same with the threshold that rejects the share `rate` of some `known` images (M, D), of which none was
    /// trained on.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`Error::Mismatch`] when `known` has another D.
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

    /// A rejection out of what was kept of one: `features` (M, D), their `classes` (M), and the rule.
    ///
    /// # Errors
    /// [`Error::Input`] when there is no row, when the two differ in length, when a feature is not finite or a row not of
    /// length 1, or when a number of the rule is out of range.
    pub fn new(rule: RejectionRule, features: Array2<f16>, classes: Vec<usize>) -> Result<Self> {
        let problem = if features.is_empty() || features.nrows() != classes.len() {
            format!(
                "{:?} training features for {} classes",
                features.dim(),
                classes.len()
            )
        } else if !features.iter().all(|x| x.is_finite()) {
            "some of its training features are not finite".to_owned()
        } else if let Some(problem) = rule.problem(features.nrows()) {
            problem
        } else if let Some(problem) = length_problem(features.view()) {
            problem
        } else {
            let rows = widened(features.view());
            return Ok(Self {
                rule,
                features,
                classes,
                rows,
            });
        };
        Err(Error::Input {
            problem,
            hint: "fit it again with `frostline fit-head --reject`".to_owned(),
        })
    }

    /// Its numbers.
    #[must_use]
    pub fn rule(&self) -> &RejectionRule {
        &self.rule
    }

    /// What is kept of the training images, (M, D).
    #[must_use]
    pub fn features(&self) -> ArrayView2<'_, f16> {
        self.features.view()
    }

    /// Their classes, (M).
    #[must_use]
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// What it adds to a head file's tensors, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<f16>() * self.features.len() + size_of::<i32>() * self.classes.len()
    }

    /// How like the training images each image is, (N, D) → (N).
    ///
    /// # Errors
    /// [`Error::Mismatch`] when the features are not D to a row.
    pub fn likeness(&self, features: ArrayView2<'_, f32>) -> Result<Vec<Likeness>> {
        let nearest = self.rows.nearest(&UnitRows::of(features), self.rule.k)?;
        let likeness = |nearest: &Vec<Neighbour>| Likeness {
            score: score(nearest).unwrap_or(-1.0),
            class: nearest.first().map_or(0, |first| self.classes[first.row]),
        };
        Ok(nearest.iter().map(likeness).collect())
    }

    /// Whether an image is like none of the training images.
    #[must_use]
    pub fn rejects(&self, likeness: &Likeness) -> bool {
        likeness.score < self.rule.threshold
    }
}

/// What is kept of the training images.
struct Bank {
    /// Which they are, (M).
    images: Vec<usize>,
    features: Array2<f16>,
    classes: Vec<usize>,
    rows: UnitRows,
}

impl Bank {
    fn of(images: &LabelledFeatures<'_>, seed: u64) -> Self {
        let n_classes = images.classes().len();
        let mut kept = choose_rows(images.targets(), n_classes, BANK_CAPACITY, seed);
        let features = images.features();
        // Features that are all 0 have no direction, and nothing is like them.
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

    /// With the threshold for the scores of known images.
    fn rejecting(self, rate: f64, scores: &[f32]) -> Result<RejectionFit> {
        let in_range = rate > 0.0 && rate < 1.0;
        require(in_range, "--reject", &rate, "above 0 and below 1")?;
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

/// Which groups the kept images of each class are of: none, one, or several.
struct OtherGroups(Vec<Option<(usize, bool)>>);

impl OtherGroups {
    /// Of the kept images' classes and groups.
    fn new(n_classes: usize, kept: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut of_class = vec![None; n_classes];
        for (class, group) in kept {
            let (first, several) = of_class[class].get_or_insert((group, false));
            *several |= *first != group;
        }
        Self(of_class)
    }

    /// Whether a kept image of the class is of another group.
    fn has(&self, class: usize, group: usize) -> bool {
        self.0[class].is_some_and(|(first, several)| several || first != group)
    }
}

impl RejectionRule {
    /// What is wrong with the rule of a rejection that keeps so many images.
    fn problem(&self, kept: usize) -> Option<String> {
        if self.k == 0 {
            return Some("its k is 0".to_owned());
        }
        if self.k > kept {
            return Some(format!(
                "its k is {}, but it keeps {kept} training images",
                self.k
            ));
        }
        if !(self.rate > 0.0 && self.rate < 1.0) {
            return Some(format!(
                "its rate is {}, not above 0 and below 1",
                self.rate
            ));
        }
        let cosine = (-1.0..=1.0).contains(&self.threshold);
        (!cosine).then(|| format!("its threshold is {}, which is no cosine", self.threshold))
    }
}

/// The cosine of the K-th nearest, or of the farthest where there are fewer.
fn score(nearest: &[Neighbour]) -> Option<f32> {
    nearest.last().map(|last| last.cosine)
}

/// What is wrong with rows that are to be of length 1.
fn length_problem(features: ArrayView2<'_, f16>) -> Option<String> {
    let length =
        |row: ArrayView1<'_, f16>| row.iter().map(|x| x.to_f32().powi(2)).sum::<f32>().sqrt();
    let lengths = features.rows().into_iter().map(length);
    let (row, length) = lengths
        .enumerate()
        .find(|(_, length)| (length - 1.0).abs() > LENGTH_TOLERANCE)?;
    Some(format!(
        "row {row} of its training features has length {length}, not 1"
    ))
}

fn widened(features: ArrayView2<'_, f16>) -> UnitRows {
    UnitRows::of(features.mapv(f16::to_f32).view())
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::classes::ClassIndex;

    /// `n` directions, a degree apart.
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
        // A degree apart, all of them: nobody is farther than the threshold.
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
        // Two of 40 point elsewhere, each another way; the threshold is the third of the 40 scores.
        let mut features = fan(40);
        features.row_mut(7).assign(&array![-1.0, 0.3]);
        features.row_mut(31).assign(&array![0.2, -1.0]);
        let fit = fitted(&features, &groups(40), 0.075).unwrap();
        assert_eq!(fit.rejected, 2);
        assert!(fit.rejection.rule().threshold > 0.99);
    }

    #[test]
    fn an_image_is_no_witness_for_its_near_copies() {
        // Row 38 points elsewhere, and so does its copy 39; the threshold is the second of the 40 scores.
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
        // The training images are 0 to 39 degrees; 19 others are 41, 42, … 59: the second lowest score is cos 19°.
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
                Err(Error::Parameter {
                    name: "--reject",
                    ..
                })
            ));
        }
        // Each class one group: nobody has a neighbour of its own kind.
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
}
