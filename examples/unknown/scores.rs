//! Scores that are higher for known images, by several methods, and how well they separate known from unknown
//! images.

use frostline::ClassIndex;
use frostline::Result;
use frostline::head::{
    FitParams, Groups, LabelledFeatures, LinearHead, NEAR_DUPLICATE, Rejection, UnitRows, fit,
    softmax,
};
use frostline::progress::Silent;
use linfa::ParamGuard;
use ndarray::{Array2, ArrayView1};

use super::stores::Images;

/// The methods, in the order of their scores; `fit-head --reject` uses the first one.
pub(crate) const METHODS: [&str; 4] = [
    "nearest neighbour",
    "5th neighbour",
    "energy",
    "max probability",
];

/// A head and its rejection, fitted as by `fit-head --reject 0.05`, and their training features.
pub(crate) struct Trained {
    head: LinearHead,
    rejection: Rejection,
    rows: UnitRows,
}

impl Trained {
    pub(crate) fn on(train: &Images) -> Result<Self> {
        let classes = ClassIndex::from_names(train.names.iter().cloned());
        let target = |name: &String| {
            classes
                .class_to_idx(name)
                .expect("the class is in the index")
        };
        let targets: Vec<usize> = train.names.iter().map(target).collect();
        let set = LabelledFeatures::new(train.features.view(), &targets, &classes)?;
        let rows = UnitRows::of(set.features());
        let groups = Groups::of_near(&train.digests, set.features(), NEAR_DUPLICATE, &Silent)?;
        Ok(Self {
            rejection: Rejection::fit(&set, &groups, 0.05, 0)?.rejection,
            head: fit(&FitParams::new().check()?, &set, None, &mut |_| {})?.head,
            rows,
        })
    }

    /// Returns the scores of the images, one list for each of the [`METHODS`].
    pub(crate) fn scores(&self, images: &Images) -> Result<[Vec<f64>; METHODS.len()]> {
        let features = images.features.view();
        let likeness = self.rejection.likeness(features)?;
        let fifth = self.rows.nearest(&UnitRows::of(features), 5)?;
        let logits = self.head.logits(features)?;
        Ok([
            likeness
                .iter()
                .map(|likeness| f64::from(likeness.score))
                .collect(),
            fifth
                .iter()
                .map(|nearest| f64::from(nearest[4].cosine))
                .collect(),
            of_rows(&logits, log_sum_exp),
            of_rows(&softmax(logits), |row| {
                row.fold(0.0, |largest: f64, &p| largest.max(p))
            }),
        ])
    }

    /// Returns the share of images that are rejected.
    pub(crate) fn rejected(&self, images: &Images) -> Result<f64> {
        let likeness = self.rejection.likeness(images.features.view())?;
        let rejected = likeness
            .iter()
            .filter(|likeness| self.rejection.rejects(likeness));
        Ok(rejected.count() as f64 / likeness.len() as f64)
    }
}

fn of_rows(matrix: &Array2<f64>, score: impl Fn(ArrayView1<f64>) -> f64) -> Vec<f64> {
    matrix.rows().into_iter().map(score).collect()
}

/// Returns the negative energy of Liu et al. (2020).
fn log_sum_exp(row: ArrayView1<f64>) -> f64 {
    let largest = row.fold(f64::NEG_INFINITY, |largest, &z| largest.max(z));
    largest + row.mapv(|z| (z - largest).exp()).sum().ln()
}

/// Returns the share of pairs of a known and an unknown image in which the known one has the higher score;
/// ties count half.
pub(crate) fn auroc(known: &[f64], unknown: &[f64]) -> f64 {
    let mut sorted = unknown.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let below = |score: f64| sorted.partition_point(|&other| other < score);
    let not_above = |score: f64| sorted.partition_point(|&other| other <= score);
    let wins: usize = known
        .iter()
        .map(|&score| below(score) + not_above(score))
        .sum();
    wins as f64 / (2 * known.len() * unknown.len()) as f64
}
