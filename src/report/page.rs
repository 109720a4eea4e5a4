//! What a report tells: plain data, each part of which may be absent.

use serde::{Deserialize, Serialize};

use crate::head::{Confusion, Interval, LearningPoint};

/// The most bytes of pictures on a page: with these it stays below 30 MB, base64 and 5,000 names included.
pub const PICTURE_ROOM: usize = 20_000_000;

/// Everything on the page.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Page {
    /// What was judged, as the name of the folder.
    pub title: String,
    /// One sentence below it: which head, on what, when.
    pub subtitle: String,
    /// What the reader should know before all figures.
    pub notes: Vec<String>,
    /// What the figures stand on, where the head knew some of the images.
    pub basis: Option<String>,
    /// The names of the C classes, in index order.
    pub classes: Vec<String>,
    /// The figures over all images, the most important first.
    pub headline: Vec<Figure>,
    /// How many images of each class were predicted as which.
    pub confusion: Confusion,
    /// The figures of each class, (C).
    pub per_class: Vec<ClassRow>,
    /// How far probabilities may be believed.
    pub reliability: Option<Reliability>,
    /// The images that were judged, in the order in which they are shown:
    /// [`worst_first`](super::worst_first).
    pub photos: Vec<Photo>,
    /// Training images that [`Neighbour`]s point to.
    pub training: Vec<Picture>,
    /// What each epoch gave; absent for solvers without epochs.
    pub curves: Option<Curves>,
    /// Accuracy for growing parts of the training set; empty where it was not asked for.
    pub learning_curve: Vec<LearningPoint>,
    /// The candidates of a search.
    pub search: Option<Search>,
    /// What is odd about the data.
    pub care: Option<DataCare>,
    /// How all this was made, group by group.
    pub provenance: Vec<Provenance>,
}

/// One number with its 95 % interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Measure {
    /// The number.
    pub value: f64,
    /// The ends of its 95 % interval, where one was computed.
    pub interval: Option<Interval>,
}

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum Unit {
    /// A share in [0, 1], shown in per cent.
    Share,
    /// Any number, shown with three decimals.
    Number,
}

/// A named figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// Its name, as scikit-learn's users know it.
    pub name: String,
    /// What it says, in a few words.
    pub meaning: String,
    /// The number.
    pub measure: Measure,
    /// What kind of number.
    pub unit: Unit,
}

/// The figures of one class, each in [0, 1].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ClassRow {
    /// The share of what was predicted as this class that is of it.
    pub precision: Measure,
    /// The share of this class that was predicted as it.
    pub recall: Measure,
    /// The harmonic mean of the two.
    pub f1: Measure,
    /// How many images are of this class.
    pub support: usize,
    /// Whether no image is of this class or predicted as it: then it has no figures.
    pub absent: bool,
}

/// A reliability diagram: images in bins by the probability of what was predicted (Guo et al. 2017).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Reliability {
    /// The bins that hold an image, by rising confidence.
    pub bins: Vec<Bin>,
    /// Expected calibration error: the mean distance of accuracy and confidence over all images, in [0, 1].
    pub ece: f64,
}

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// Where it begins and ends, in [0, 1].
    pub range: [f64; 2],
    /// The mean probability of what was predicted.
    pub confidence: f64,
    /// The share that was right.
    pub accuracy: f64,
    /// Images in it, at least 1.
    pub count: usize,
}

/// A small picture: the bytes of a JPEG file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Thumbnail(pub Vec<u8>);

/// A picture with its name and class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Picture {
    /// Its name, as text for people.
    pub path: String,
    /// The class of its folder.
    pub class: String,
    /// What it looks like, where its file was found and there was room.
    pub thumbnail: Option<Thumbnail>,
}

/// An image that was judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Photo {
    /// Its name, as text for people.
    pub path: String,
    /// The index of its class.
    pub truth: usize,
    /// The index of the most probable class.
    pub predicted: usize,
    /// The most probable classes with their probabilities in [0, 1], best first, and after them the image's
    /// own class where it is not among them.
    pub top: Vec<(usize, f64)>,
    /// Why the head would call it unknown, where it would.
    pub rejected: Option<String>,
    /// What it looks like, where its file was found and there was room.
    pub thumbnail: Option<Thumbnail>,
    /// The nearest training images, nearest first.
    pub neighbours: Vec<Neighbour>,
}

/// A training image near another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Neighbour {
    /// Index into [`Page::training`].
    pub picture: usize,
    /// The cosine of the angle between the two images' features, in [-1, 1].
    pub similarity: f64,
}

/// What each epoch gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Curves {
    /// One point each, at least one.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights were kept, where it is not the last.
    pub best: Option<usize>,
}

/// One epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy on the training set.
    pub train_loss: f64,
    /// The same on the validation set.
    pub validation_loss: Option<f64>,
    /// The share that was right on the validation set.
    pub validation_accuracy: Option<f64>,
}

/// The candidates of a search by cross-validation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// All of them, in the order in which they were tried.
    pub candidates: Vec<Candidate>,
    /// The index of the one that was taken.
    pub chosen: usize,
}

/// One candidate; a setting that its solver does not have is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Learning rate.
    #[serde(default)]
    pub lr: Option<f64>,
    /// Weight decay.
    #[serde(default)]
    pub weight_decay: Option<f64>,
    /// Strength of the L2 penalty.
    #[serde(default)]
    pub l2: Option<f64>,
    /// Mean accuracy over the folds, in [0, 1]; none where the fit came to no end.
    #[serde(default)]
    pub accuracy: Option<f64>,
    /// Its standard deviation over the folds.
    #[serde(default)]
    pub accuracy_std: Option<f64>,
    /// Mean cross-entropy over the folds.
    #[serde(default)]
    pub loss: Option<f64>,
}

/// What is odd about the data.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DataCare {
    /// Groups of images that are equal or nearly so, by their names.
    pub duplicates: Vec<Vec<String>>,
    /// Images whose label is likely wrong, the likeliest first.
    pub suspects: Vec<Suspect>,
}

/// An image whose label may be wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspect {
    /// Its name, as text for people.
    pub path: String,
    /// The class of its folder.
    pub given: String,
    /// The class it looks like.
    pub likely: String,
    /// The probability of that class, in [0, 1].
    pub confidence: f64,
    /// What it looks like, where its file was found and there was room.
    pub thumbnail: Option<Thumbnail>,
}

/// A group of facts on how the report was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Provenance {
    /// What they are on.
    pub name: String,
    /// Name and value of each.
    pub facts: Vec<(String, String)>,
}

impl Measure {
    /// The two ends of its interval.
    pub(super) fn ends(&self) -> Option<[f64; 2]> {
        self.interval.map(|interval| [interval.low, interval.high])
    }
}

impl Page {
    /// How many images have this outcome.
    pub(super) fn count(&self, outcome: PhotoOutcome) -> usize {
        let photos = self.photos.iter();
        photos.filter(|photo| photo.outcome() == outcome).count()
    }

    /// The name of a class; empty for an index that is none.
    pub(super) fn class(&self, index: usize) -> &str {
        self.classes.get(index).map_or("", String::as_str)
    }
}

/// What became of an image: each has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PhotoOutcome {
    /// A class was predicted, and it is not the image's.
    Wrong,
    /// The head's rejection calls it unknown.
    Unknown,
    /// The image's class was predicted.
    Right,
}

impl Photo {
    /// What the head says of it, against the truth.
    #[must_use]
    pub fn outcome(&self) -> PhotoOutcome {
        match (&self.rejected, self.is_right()) {
            (Some(_), _) => PhotoOutcome::Unknown,
            (None, true) => PhotoOutcome::Right,
            (None, false) => PhotoOutcome::Wrong,
        }
    }

    /// Whether the most probable class is the right one, rejected or not.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.truth == self.predicted
    }

    /// The probability of what was predicted, in [0, 1].
    #[must_use]
    pub fn confidence(&self) -> f64 {
        self.top.first().map_or(0.0, |(_, p)| *p)
    }
}
