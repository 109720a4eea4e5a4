//! A head's prediction for each labelled sample.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ndarray::Array2;
use serde::Serialize;

use super::inputs::{Inputs, Skipped};
use super::laid_labels::{LabelOptions, LaidLabels};
use super::only_split::OnlySplit;
use super::predictions::HeadOptions;
use super::training_overlap::{Basis, TrainingImages, TrainingOverlap};
use crate::backbones::Engine;
use crate::classes::ClassIndex;
use crate::classifier::Verdict;
use crate::error::Result;
use crate::features::{Digest, try_is_store};
use crate::head::{Evaluation, Interval};
use crate::images::{Names, Scan};
use crate::progress::Progress;

/// The data to evaluate a head on, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EvaluationInput {
    /// A feature store, or a folder of images with one subfolder per class.
    pub data: PathBuf,
    /// Which files in a folder are images.
    pub names: Names,
    /// The head.
    pub head: HeadOptions,
    /// How to treat images that the head was trained on.
    pub training_images: TrainingImages,
    /// Labels instead of the classes of folders; images without one are left out.
    pub labels: Option<LabelOptions>,
    /// Only the images of a split.
    pub only: Option<OnlySplit>,
}

impl EvaluationInput {
    /// Evaluates `head` on the images in `data` that it was not trained on.
    #[must_use]
    pub fn new(data: PathBuf, head: HeadOptions) -> Self {
        Self {
            data,
            names: Names::default(),
            head,
            training_images: TrainingImages::default(),
            labels: None,
            only: None,
        }
    }

    /// Lists the images, unless the data is a store.
    pub(super) fn scan(&self, progress: &dyn Progress) -> Result<Option<Scan>> {
        if try_is_store(&self.data)? {
            return Ok(None);
        }
        let inputs = Inputs::Paths(vec![self.data.clone()], self.names);
        let mut scan = inputs.scan(LabelOptions::scanned(self.labels.as_ref()), progress)?;
        if let Some(only) = &self.only {
            only.of_scan(&mut scan)?;
        }
        Ok(Some(scan))
    }
}

/// A labelled sample with its prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledPrediction {
    /// Its path as text: the path to open for images, the path in the index for a store.
    pub path: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its true class, an index into [`LabelledPredictions::classes`].
    pub target: usize,
    /// The probability of each class, (C); out-of-fold where `basis` is [`Basis::OutOfFold`].
    pub probabilities: Vec<f64>,
    /// The image's relation to the head's training.
    pub basis: Basis,
    /// Whether the head rejects it.
    pub verdict: Verdict,
}

/// All labelled samples with their predictions, and what could not be predicted.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledPredictions {
    /// The head's classes.
    pub classes: ClassIndex,
    /// The samples whose class the head knows, in input order; at least one.
    pub items: Vec<LabelledPrediction>,
    /// Samples of classes that the head does not know, by class; they are not among the items.
    pub unknown_classes: BTreeMap<String, usize>,
    /// Images that the head rejects; `None` if it has no rejection, or if items are evaluated out of fold.
    pub rejected: Option<Rejected>,
    /// How many of the items the head was trained on, and how many training images are excluded.
    pub training_overlap: TrainingOverlap,
    /// Images that could not be used.
    pub skipped: Vec<Skipped>,
    /// Notes for the user.
    pub notes: Vec<String>,
    /// How the label file and the images correspond, if there is one.
    pub laid_labels: Option<LaidLabels>,
    /// The engine that computed the features.
    pub engine: Engine,
}

impl LabelledPredictions {
    /// Returns the true class of each item, (N).
    #[must_use]
    pub fn targets(&self) -> Vec<usize> {
        self.items.iter().map(|item| item.target).collect()
    }

    /// Returns the probabilities of each item, (N, C).
    ///
    /// # Panics
    /// If an item does not have exactly one probability per class.
    #[must_use]
    pub fn probabilities(&self) -> Array2<f64> {
        let rows = self.items.iter().flat_map(|item| &item.probabilities);
        let shape = (self.items.len(), self.classes.len());
        Array2::from_shape_vec(shape, rows.copied().collect())
            .expect("each item has one probability per class")
    }
}

/// The accuracy of a head on the labelled images that it does not reject.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Accepted {
    /// Accepted images.
    pub n: usize,
    /// Accepted images whose label is right.
    pub right: usize,
    /// The share of all images that are accepted, in [0, 1].
    pub coverage: f64,
    /// The share of accepted images whose label is right, in [0, 1]; `None` if none is accepted.
    pub accuracy: Option<f64>,
    /// The 95 % confidence interval of `accuracy`.
    pub accuracy_interval: Option<Interval>,
}

impl Accepted {
    /// Subtracts the rejected images from an evaluation of all images.
    pub(super) fn of(evaluation: &Evaluation, rejected: Rejected) -> Self {
        let n = evaluation.n_samples - rejected.right - rejected.wrong;
        let right = evaluation.n_right() - rejected.right;
        Self {
            n,
            right,
            coverage: n as f64 / evaluation.n_samples as f64,
            accuracy: (n > 0).then(|| right as f64 / n as f64),
            accuracy_interval: Interval::wilson(right as u64, n as u64),
        }
    }
}

/// How many images the head rejects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Rejected {
    /// Rejected images whose label would be right.
    pub right: usize,
    /// Rejected images whose label would be wrong.
    pub wrong: usize,
    /// Rejected images of classes that the head does not know.
    pub unknown_classes: usize,
}
