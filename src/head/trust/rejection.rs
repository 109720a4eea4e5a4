//! Rejection: an image unlike all training images belongs to no class.
//!
//! The score of an image is the cosine similarity between its features and those of its k-th nearest training
//! image (Sun et al. 2022, *Out-of-Distribution Detection with Deep Nearest Neighbors*). An image whose score
//! is below a threshold is unknown.

use half::f16;
use ndarray::{Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::error::{RejectionProblem, Result};
use crate::head::data::{Neighbour, UnitRows};

/// How far the length of a stored row may be from 1. Rounding to 16 bits changes each value by at most 1 part
/// in 2048.
const LENGTH_TOLERANCE: f32 = 0.01;

/// The rejection of a head: stored training images, and the similarity below which an image is unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    pub(super) rule: RejectionRule,
    /// The features of the stored images, (M, D), each row of length 1 up to rounding to 16 bits.
    pub(super) features: Array2<f16>,
    /// The classes of the stored images, (M).
    pub(super) classes: Vec<usize>,
    pub(super) rows: UnitRows,
}

/// The parameters of a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RejectionRule {
    /// How images are scored.
    pub method: Method,
    /// Which of the nearest training images determines the score, from 1.
    pub k: usize,
    /// Share of images of known classes that is rejected, above 0 and below 1.
    pub rate: f64,
    /// Images with a lower score are unknown; a cosine similarity, in [-1, 1].
    pub threshold: f32,
}

/// How a rejection scores an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// Cosine similarity to the K-th nearest training image.
    NearestNeighbours,
}

/// How similar an image is to the training images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// Cosine similarity to the K-th nearest training image, in [-1, 1].
    pub score: f32,
    /// Class of the nearest training image.
    pub class: usize,
}

impl Rejection {
    /// Creates a rejection from its stored parts: `features` (M, D), their `classes` (M), and the rule.
    ///
    /// # Errors
    /// [`RejectionProblem`] without rows, when the two differ in length, when a feature is not finite or a
    /// row is not of length 1, or when a parameter of the rule is out of range.
    pub fn new(rule: RejectionRule, features: Array2<f16>, classes: Vec<usize>) -> Result<Self> {
        if features.is_empty() || features.nrows() != classes.len() {
            return Err(RejectionProblem::Shape {
                shape: features.dim(),
                classes: classes.len(),
            }
            .into());
        }
        if !features.iter().all(|x| x.is_finite()) {
            return Err(RejectionProblem::NotFinite.into());
        }
        rule.check(features.nrows())?;
        require_lengths(features.view())?;
        let rows = widened(features.view());
        Ok(Self {
            rule,
            features,
            classes,
            rows,
        })
    }

    /// Returns the parameters.
    #[must_use]
    pub fn rule(&self) -> &RejectionRule {
        &self.rule
    }

    /// Returns the features of the stored training images, (M, D).
    #[must_use]
    pub fn features(&self) -> ArrayView2<'_, f16> {
        self.features.view()
    }

    /// Returns the classes of the stored training images, (M).
    #[must_use]
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// Returns how much the rejection adds to a head file's tensors, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<f16>() * self.features.len() + size_of::<i32>() * self.classes.len()
    }

    /// Returns the similarity of each image to the training images, (N, D) → (N).
    ///
    /// # Errors
    /// [`DataProblem::Widths`](crate::error::DataProblem::Widths) when the features do not have D columns.
    pub fn likeness(&self, features: ArrayView2<'_, f32>) -> Result<Vec<Likeness>> {
        let nearest = self.rows.nearest(&UnitRows::of(features), self.rule.k)?;
        let likeness = |nearest: &Vec<Neighbour>| Likeness {
            score: score(nearest).unwrap_or(-1.0),
            class: nearest.first().map_or(0, |first| self.classes[first.row]),
        };
        Ok(nearest.iter().map(likeness).collect())
    }

    /// Returns whether an image is unlike all training images.
    #[must_use]
    pub fn rejects(&self, likeness: &Likeness) -> bool {
        likeness.score < self.rule.threshold
    }
}

impl RejectionRule {
    /// Checks the rule of a rejection that stores `kept` images.
    fn check(&self, kept: usize) -> Result<(), RejectionProblem> {
        let k = self.k;
        if k == 0 {
            Err(RejectionProblem::NoNeighbour)
        } else if k > kept {
            Err(RejectionProblem::ManyNeighbours { k, kept })
        } else if !(self.rate > 0.0 && self.rate < 1.0) {
            Err(RejectionProblem::Rate(self.rate))
        } else if !(-1.0..=1.0).contains(&self.threshold) {
            Err(RejectionProblem::Threshold(self.threshold))
        } else {
            Ok(())
        }
    }
}

/// Returns the cosine of the K-th nearest, or of the farthest if there are fewer.
pub(super) fn score(nearest: &[Neighbour]) -> Option<f32> {
    nearest.last().map(|last| last.cosine)
}

/// Checks that all rows are of length 1.
fn require_lengths(features: ArrayView2<'_, f16>) -> Result<(), RejectionProblem> {
    let length =
        |row: ArrayView1<'_, f16>| row.iter().map(|x| x.to_f32().powi(2)).sum::<f32>().sqrt();
    let lengths = features.rows().into_iter().map(length);
    let mut wrong = lengths
        .enumerate()
        .filter(|(_, length)| (length - 1.0).abs() > LENGTH_TOLERANCE);
    match wrong.next() {
        Some((row, length)) => Err(RejectionProblem::Length { row, length }),
        None => Ok(()),
    }
}

/// Scales rows (N, D) to length 1 and rounds them, as those that a rejection stores.
pub(crate) fn rounded_to_16_bits(features: ArrayView2<'_, f32>) -> Array2<f32> {
    UnitRows::of(features)
        .rows()
        .mapv(|x| f16::from_f32(x).to_f32())
}

pub(super) fn widened(features: ArrayView2<'_, f16>) -> UnitRows {
    UnitRows::of(features.mapv(f16::to_f32).view())
}
