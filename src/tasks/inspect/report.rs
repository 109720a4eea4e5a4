//! The options and findings of an inspection, as plain data for text, JSON and pages.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::error::Result;
use crate::features::Digest;
use crate::head::NEAR_DUPLICATE;
use crate::images::path_text::to_text;
use crate::tasks::fit_head::{CrossValidation, check_near};
use crate::tasks::laid_labels::{LabelOptions, LaidLabels};

/// The options of [`inspect`](crate::tasks::inspect()): what to inspect, and how.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct InspectOptions {
    /// The store to inspect, such as that of a training set.
    pub features: PathBuf,
    /// Another store of the same backbone that should share no images with it, such as the validation set's.
    pub against: Option<PathBuf>,
    /// Labels instead of the classes of folders, for both stores; images without one are left out.
    pub labels: Option<LabelOptions>,
    /// A head, to find out which of the store's images it was trained on.
    pub head: Option<PathBuf>,
    /// The cosine similarity from which two images count as near-duplicates, in (0, 1].
    pub near: f32,
    /// Folds of the cross-validation that checks labels, at least 2.
    pub folds: usize,
    /// The seed of the folds and fits.
    pub seed: u64,
}

impl InspectOptions {
    /// Inspects a single store with the defaults.
    #[must_use]
    pub fn new(features: PathBuf) -> Self {
        Self {
            features,
            against: None,
            labels: None,
            head: None,
            near: NEAR_DUPLICATE,
            folds: 5,
            seed: 0,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        check_near(self.near)?;
        CrossValidation::new(self.folds).check()
    }
}

/// Everything that an inspection found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InspectReport {
    /// The inspected store.
    #[serde(serialize_with = "as_text")]
    pub features: PathBuf,
    /// The store that it was compared with.
    #[serde(serialize_with = "as_optional_text")]
    pub against: Option<PathBuf>,
    /// The number of images in the inspected store.
    pub n_images: usize,
    /// The number of images in the other store; 0 without one.
    pub n_against: usize,
    /// The cosine similarity from which two images count as near-duplicates, in (0, 1].
    pub near: f32,
    /// The share of each image's nearest neighbours that an approximate search found, measured on a sample;
    /// `None` up to 50,000 distinct images, which are all compared.
    pub recall: Option<f64>,
    /// How the label file and the images correspond, if there is one.
    #[serde(rename = "label_file")]
    pub laid_labels: Option<LaidLabels>,
    /// The classes, sorted by name; empty for images without classes.
    pub classes: Vec<ClassCount>,
    /// Groups of duplicates, the largest first.
    pub duplicates: Vec<Duplicates>,
    /// Groups of near-duplicates, the most similar first.
    pub near_duplicates: Vec<NearDuplicates>,
    /// The images that both stores share.
    pub leakage: Option<Leakage>,
    /// The images that the head was trained on, if a head was passed.
    pub trained_on: Option<TrainedOn>,
    /// Duplicates and near-duplicates with different classes, duplicates first.
    pub contradictions: Vec<Contradiction>,
    /// Probably wrong labels; `None` if labels could not be checked, with the reason in `notes`.
    pub labels: Option<LabelReport>,
    /// The images farthest from all others, beyond the limit or not, then those far from their class.
    pub outliers: Vec<Outlier>,
    /// What was not checked, and why.
    pub notes: Vec<String>,
}

/// Serialises a path as text, also if it is not UTF-8.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    to_text(path).serialize(serializer)
}

#[allow(clippy::ref_option, reason = "serde passes a reference to the field")]
fn as_optional_text<S: Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    path.as_deref().map(to_text).serialize(serializer)
}

/// The images of the store that a head was trained on, found by their digests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TrainedOn {
    /// Whether the head records its training images.
    pub recorded: bool,
    /// The images that it was trained on.
    pub training: Vec<InspectedImage>,
    /// The number of images that were held out of its training set for validation.
    pub n_held_out: usize,
}

/// Which of the two stores an image is in.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The inspected store.
    Features,
    /// The store that it is compared with.
    Against,
}

/// An image of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InspectedImage {
    /// The store that it is in.
    pub set: Side,
    /// Its path relative to the root of that store's images, as text.
    pub path: String,
    /// Its class.
    pub class: Option<String>,
    /// The digest of its bytes, which is the key of its features; not in the JSON.
    #[serde(skip)]
    pub digest: Digest,
}

/// The number of images of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClassCount {
    /// The name of the class.
    pub name: String,
    /// Its images in the inspected store.
    pub n_images: usize,
    /// Its distinct images in the inspected store.
    pub n_different: usize,
    /// Its images in the other store.
    pub n_against: usize,
    /// Whether it has fewer than [`TINY_CLASS`] distinct images, too few to train on or to check labels with.
    pub tiny: bool,
}

/// A class with fewer distinct images than this is tiny: one of five folds may then contain none of them.
pub const TINY_CLASS: usize = 10;

/// Images with identical bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Duplicates {
    /// The BLAKE3 hash of their bytes, in hexadecimal.
    pub digest: String,
    /// The images, at least two.
    pub images: Vec<InspectedImage>,
}

/// A group of images, each a near-duplicate of at least one other in the group.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NearDuplicates {
    /// The cosine similarity of the most similar pair.
    pub cosine: f32,
    /// The images, at least two distinct ones, with all of their duplicates.
    pub images: Vec<InspectedImage>,
}

/// How similar two images are.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "likeness", rename_all = "lowercase")]
pub enum Likeness {
    /// Duplicates: their bytes are identical.
    Equal,
    /// Near-duplicates: their features are similar.
    Near {
        /// The cosine similarity of their features.
        cosine: f32,
    },
}

impl Likeness {
    /// Orders duplicates first, then the most similar.
    pub(super) fn order(self, other: Self) -> Ordering {
        other.cosine().total_cmp(&self.cosine())
    }

    fn cosine(self) -> f32 {
        match self {
            Self::Equal => f32::INFINITY,
            Self::Near { cosine } => cosine,
        }
    }
}

/// Images that both stores contain. They make an evaluation on one store optimistic for a head trained on
/// the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Leakage {
    /// Images of the other store with a duplicate in this one.
    pub n_equal: usize,
    /// Further images of the other store with a near-duplicate in this one.
    pub n_near: usize,
    /// The share of the other store's images that are either, in [0, 1].
    pub share: f64,
    /// These images, duplicates first, then the most similar.
    pub images: Vec<Leaked>,
}

/// An image of the other store with a duplicate or near-duplicate in this one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Leaked {
    /// The image of the other store.
    pub image: InspectedImage,
    /// The most similar image of this store.
    pub twin: InspectedImage,
    /// How similar they are.
    #[serde(flatten)]
    pub likeness: Likeness,
}

/// Duplicates or near-duplicates with different classes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Contradiction {
    /// The images, at least two.
    pub images: Vec<InspectedImage>,
    /// How similar they are.
    #[serde(flatten)]
    pub likeness: Likeness,
}

/// Labels of the inspected store that cross-validation contradicts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LabelReport {
    /// Folds of the cross-validation.
    pub folds: usize,
    /// The share of images whose label is the most probable class out of fold.
    pub accuracy: f64,
    /// The estimated number of wrong labels, by the confident joint.
    pub estimated_errors: f64,
    /// Images for which another class is more probable than the label, least plausible label first.
    pub suspects: Vec<SuspectImage>,
}

/// An image whose label may be wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SuspectImage {
    /// Its rank, from 1.
    pub rank: usize,
    /// The image; its class is the label in question.
    #[serde(flatten)]
    pub image: InspectedImage,
    /// The most probable class.
    pub suggested: String,
    /// The out-of-fold probability of the label, in [0, 1].
    pub given_probability: f64,
    /// The out-of-fold probability of the most probable class, in [0, 1].
    pub suggested_probability: f64,
    /// Whether the image reaches the mean probability of another class, so that the confident joint counts it
    /// there.
    pub confident: bool,
}

/// An image unlike all others, or unlike its class.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Outlier {
    /// The image.
    #[serde(flatten)]
    pub image: InspectedImage,
    /// What it is unlike.
    pub unlike: Unlike,
    /// The mean cosine distance to its five nearest images, in [0, 2].
    pub distance: f64,
    /// The outlier limit: Tukey's inner fence of these distances, over all images or over the class. Not
    /// finite (null in JSON) for very few images.
    pub limit: f64,
    /// Whether the distance exceeds the limit; otherwise the image is only one of the farthest.
    pub beyond: bool,
}

/// What an outlier is unlike.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlike {
    /// Every other image.
    Everything,
    /// The other images of its class, but not all images.
    Class,
}
