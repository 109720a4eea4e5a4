//! How known an image looks, by several methods, and how well that tells known from unknown ones.

use frostline::ClassIndex;
use frostline::Result;
use frostline::head::{
    FitParams, Groups, LabelledFeatures, LinearHead, NEAR_DUPLICATE, Rejection, UnitRows, fit,
    softmax,
};
use linfa::ParamGuard;
use ndarray::{Array2, ArrayView1};

use super::stores::Images;

/// The methods, in the order of their scores; the first one is what `fit-head --reject` keeps.
pub(crate) const METHODS: [&str; 4] = [
    "nearest neighbour",
    "5th neighbour",
    "energy",
    "max probability",
];

/// A head with its rejection, as `fit-head --reject 0.05` makes them, and the features that they were trained
/// on.
pub(crate) struct Trained {
    head: LinearHead,
    rejection: Rejection,
    rows: UnitRows,
}

impl Trained {
    pub(crate) fn on(train: &Images) -> Result<Self> {
        let classes = ClassIndex::from_names(train.names.iter().cloned());
        let target = |name: &String| classes.class_to_idx(name).expect("the classes are theirs");
        let targets: Vec<usize> = train.names.iter().map(target).collect();
        let set = LabelledFeatures::new(train.features.view(), &targets, &classes)?;
        let rows = UnitRows::of(set.features());
        let groups = Groups::of_near(&train.digests, set.features(), NEAR_DUPLICATE);
        Ok(Self {
            rejection: Rejection::fit(&set, &groups, 0.05, 0)?.rejection,
            head: fit(&FitParams::new().check()?, &set, None, &mut |_| {})?.head,
            rows,
        })
    }

    /// How known each image looks, a list for each of the [`METHODS`].
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

    /// The share of images that the rejection calls unknown.
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

/// The negative of the energy of Liu et al. (2020).
fn log_sum_exp(row: ArrayView1<f64>) -> f64 {
    let largest = row.fold(f64::NEG_INFINITY, |largest, &z| largest.max(z));
    largest + row.mapv(|z| (z - largest).exp()).sum().ln()
}

/// The share of the pairs of a known and an unknown image in which the known one has the higher score; ties
/// count half.
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
