//! What an inspection is asked for and what it finds, as plain data for text, JSON and pages.

use std::cmp::Ordering;
use std::path::PathBuf;

use serde::Serialize;

use crate::error::Result;
use crate::features::Digest;
use crate::head::NEAR_DUPLICATE;
use crate::tasks::fit_head::{CrossValidation, check_near};

/// The options of [`inspect`](crate::tasks::inspect()): what to inspect, and how.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct InspectOptions {
    /// The store, as that of a training set.
    pub features: PathBuf,
    /// Another of the same backbone that should share nothing with it, as that of the validation set.
    pub against: Option<PathBuf>,
    /// A head, to be told which of the store's images it was trained on.
    pub head: Option<PathBuf>,
    /// The cosine from which on two images count as nearly equal, in (0, 1].
    pub near: f32,
    /// Folds of the cross-validation that judges labels, at least 2.
    pub folds: usize,
    /// Of the folds and the fits.
    pub seed: u64,
}

impl InspectOptions {
    /// The defaults, for one store.
    #[must_use]
    pub fn new(features: PathBuf) -> Self {
        Self {
            features,
            against: None,
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

/// Everything that an inspection found. It changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InspectReport {
    /// The store that was inspected.
    pub features: PathBuf,
    /// The one that it was held against.
    pub against: Option<PathBuf>,
    /// Images of the store.
    pub n_images: usize,
    /// Images of the one that it was held against; 0 without one.
    pub n_against: usize,
    /// The cosine from which on two images count as nearly equal, in (0, 1].
    pub near: f32,
    /// The classes by name; empty for images without classes.
    pub classes: Vec<ClassCount>,
    /// Images with equal bytes, the largest groups first.
    pub duplicates: Vec<Duplicates>,
    /// Groups of nearly equal images, the most alike first.
    pub near_duplicates: Vec<NearDuplicates>,
    /// What the other store shares with this one.
    pub leakage: Option<Leakage>,
    /// The images that a head was trained on, where one was given.
    pub trained_on: Option<TrainedOn>,
    /// Equal or nearly equal images with different classes, equal ones first.
    pub contradictions: Vec<Contradiction>,
    /// Labels that are likely wrong; none where they could not be looked for, and `notes` say why.
    pub labels: Option<LabelReport>,
    /// The images farthest from all others, whether far or not, then those far from their class.
    pub outliers: Vec<Outlier>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// Which images of the store a head was trained on, by their digests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TrainedOn {
    /// Whether the head records its training images.
    pub recorded: bool,
    /// Those that it was trained on.
    pub training: Vec<InspectedImage>,
    /// How many were held out of its training set for validation.
    pub n_held_out: usize,
}

/// Which of the two stores an image is in.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The store that is inspected.
    Features,
    /// The one that it is held against.
    Against,
}

/// An image of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InspectedImage {
    /// Which store.
    pub set: Side,
    /// Its path relative to the root of that store's images, as text.
    pub path: String,
    /// Its class.
    pub class: Option<String>,
    /// The key of its features; not in the JSON.
    #[serde(skip)]
    pub digest: Digest,
}

/// How many images a class has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClassCount {
    /// The class.
    pub name: String,
    /// Its images in the store that is inspected.
    pub n_images: usize,
    /// Its images that differ in their bytes.
    pub n_different: usize,
    /// Its images in the other store.
    pub n_against: usize,
    /// Whether fewer than [`TINY_CLASS`] different images are inspected: too few to learn from, or to judge
    /// labels by.
    pub tiny: bool,
}

/// Fewer different images than this make a class tiny: with five folds, one of them may be without any.
pub const TINY_CLASS: usize = 10;

/// Images with equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Duplicates {
    /// BLAKE3 of their bytes, in hexadecimal.
    pub digest: String,
    /// At least two.
    pub images: Vec<InspectedImage>,
}

/// Images that are nearly equal, each to at least one other of the group.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NearDuplicates {
    /// The cosine of the two that are most alike.
    pub cosine: f32,
    /// At least two with different bytes; copies of these stand there too.
    pub images: Vec<InspectedImage>,
}

/// How alike two images are.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "likeness", rename_all = "lowercase")]
pub enum Likeness {
    /// Their bytes are equal.
    Equal,
    /// Their features are nearly so.
    Near {
        /// The cosine of the angle between them.
        cosine: f32,
    },
}

impl Likeness {
    /// Equal ones first, then the most alike.
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

/// Images that both stores hold: an evaluation on one is optimistic for a head trained on the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Leakage {
    /// Images of the other store whose bytes are in this one too.
    pub n_equal: usize,
    /// Further images of the other store that are nearly equal to one of this.
    pub n_near: usize,
    /// The share of the other store's images that both make, in [0, 1].
    pub share: f64,
    /// Each of them, equal ones first, then the most alike.
    pub images: Vec<Leaked>,
}

/// An image of the other store that is in this one, too.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Leaked {
    /// The image of the other store.
    pub image: InspectedImage,
    /// The image of this store that it is most like.
    pub twin: InspectedImage,
    /// How alike they are.
    #[serde(flatten)]
    pub likeness: Likeness,
}

/// Images that are equal, or nearly so, and have different classes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Contradiction {
    /// At least two.
    pub images: Vec<InspectedImage>,
    /// How alike they are.
    #[serde(flatten)]
    pub likeness: Likeness,
}

/// Likely label errors in the inspected store.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LabelReport {
    /// Folds of the cross-validation.
    pub folds: usize,
    /// The share of images whose label is the most probable class, out of fold.
    pub accuracy: f64,
    /// About how many labels are wrong, by the confident joint.
    pub estimated_errors: f64,
    /// Images for which another class is more probable than their label, the least plausible label first.
    pub suspects: Vec<SuspectImage>,
}

/// An image whose label may be wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SuspectImage {
    /// Its place, from 1.
    pub rank: usize,
    /// The image, with the label as its class.
    #[serde(flatten)]
    pub image: InspectedImage,
    /// The most probable class.
    pub suggested: String,
    /// The out-of-fold probability of the label, in [0, 1].
    pub given_probability: f64,
    /// That of the most probable class, in [0, 1].
    pub suggested_probability: f64,
    /// Whether the image reaches the mean probability of another class and counts for it in the confident
    /// joint.
    pub confident: bool,
}

/// An image unlike all others.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Outlier {
    /// The image.
    #[serde(flatten)]
    pub image: InspectedImage,
    /// What it is unlike.
    pub unlike: Unlike,
    /// The mean cosine distance to its five nearest, in [0, 2].
    pub distance: f64,
    /// Where far begins: Tukey's inner fence of all such distances, or of those of the class. Not finite
    /// (null) for very few.
    pub limit: f64,
    /// Whether it is farther than that; else it is only one of the farthest.
    pub beyond: bool,
}

/// What an outlier is unlike.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlike {
    /// From every other image.
    Everything,
    /// From the images of its class, but not from those of others.
    Class,
}
