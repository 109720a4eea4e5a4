//! The content of a report as plain data. Every part may be absent.

use serde::{Deserialize, Serialize};

use crate::head::{Confusion, Interval, LearningPoint};

/// The limit on the total size of a page's thumbnails, in bytes. With base64 and 5,000 names, the page stays
/// below 30 MB.
pub const PICTURE_ROOM: usize = 20_000_000;

/// Everything on the page.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Page {
    /// The name of the evaluated folder or store.
    pub title: String,
    /// A line below the title: the head, the images and the date.
    pub subtitle: String,
    /// Notes that the reader should see before all metrics.
    pub notes: Vec<String>,
    /// How the images relate to the head's training, if it was trained or validated on some of them.
    pub basis: Option<String>,
    /// The names of the C classes, in index order.
    pub classes: Vec<String>,
    /// The metrics over all images, the most important first.
    pub headline: Vec<Figure>,
    /// The confusion matrix.
    pub confusion: Confusion,
    /// The metrics of each class, (C).
    pub per_class: Vec<ClassRow>,
    /// The calibration of the probabilities.
    pub reliability: Option<Reliability>,
    /// The evaluated images, ordered by [`worst_first`](super::worst_first).
    pub photos: Vec<Photo>,
    /// The training images that [`Neighbour`]s refer to.
    pub training: Vec<Picture>,
    /// The training curves; absent for solvers without epochs.
    pub curves: Option<Curves>,
    /// Accuracy for growing parts of the training set; empty if it was not computed.
    pub learning_curve: Vec<LearningPoint>,
    /// The candidates of a search.
    pub search: Option<Search>,
    /// Problems found in the data.
    pub care: Option<DataCare>,
    /// How the report was made, in groups of facts.
    pub provenance: Vec<Provenance>,
}

/// A value with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Measure {
    /// The value.
    pub value: f64,
    /// Its 95 % confidence interval, if one was computed.
    pub interval: Option<Interval>,
}

/// How a value is displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum Unit {
    /// A share in [0, 1], shown as a percentage.
    Share,
    /// Any number, shown with three decimals.
    Number,
}

/// A named metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// Its name, as in scikit-learn.
    pub name: String,
    /// What it means, in a few words.
    pub meaning: String,
    /// Its value.
    pub measure: Measure,
    /// How its value is displayed.
    pub unit: Unit,
}

/// The metrics of one class, each in [0, 1].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ClassRow {
    /// The share of predictions of this class that are correct.
    pub precision: Measure,
    /// The share of this class's images that were predicted correctly.
    pub recall: Measure,
    /// The harmonic mean of the two.
    pub f1: Measure,
    /// The number of images of this class.
    pub support: usize,
    /// Whether no image is of this class or predicted as it; then the class has no metrics.
    pub absent: bool,
}

/// A reliability diagram: images in bins by the confidence of the prediction (Guo et al. 2017).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Reliability {
    /// The non-empty bins, by increasing confidence.
    pub bins: Vec<Bin>,
    /// Expected calibration error: the mean gap between accuracy and confidence over all images, in [0, 1].
    pub ece: f64,
}

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// Its lower and upper end, in [0, 1].
    pub range: [f64; 2],
    /// The mean probability of the predicted classes.
    pub confidence: f64,
    /// The share of correct predictions.
    pub accuracy: f64,
    /// The number of images in it, at least 1.
    pub count: usize,
}

/// A thumbnail: the bytes of a JPEG file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Thumbnail(pub Vec<u8>);

/// A training image.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Picture {
    /// Its path, as text to display.
    pub path: String,
    /// The class of its folder.
    pub class: String,
    /// Its thumbnail, if its file was found and there was room.
    pub thumbnail: Option<Thumbnail>,
}

/// An evaluated image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Photo {
    /// Its path, as text to display.
    pub path: String,
    /// The index of its true class.
    pub truth: usize,
    /// The index of the most probable class.
    pub predicted: usize,
    /// The most probable classes with their probabilities in [0, 1], best first; the true class is appended
    /// if it is not among them.
    pub top: Vec<(usize, f64)>,
    /// Why the head rejects the image, if it does.
    pub rejected: Option<String>,
    /// Its thumbnail, if its file was found and there was room.
    pub thumbnail: Option<Thumbnail>,
    /// The nearest training images, nearest first.
    pub neighbours: Vec<Neighbour>,
}

/// A training image that is similar to an evaluated one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Neighbour {
    /// Its index in [`Page::training`].
    pub picture: usize,
    /// The cosine similarity of the two images' features, in [-1, 1].
    pub similarity: f64,
}

/// The training curves.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Curves {
    /// The epochs, at least one.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights the head has, if it is not the last.
    pub best: Option<usize>,
}

/// The results of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: usize,
    /// The mean cross-entropy on the training set.
    pub train_loss: f64,
    /// The mean cross-entropy on the validation set.
    pub validation_loss: Option<f64>,
    /// The accuracy on the validation set.
    pub validation_accuracy: Option<f64>,
}

/// The candidates of a search by cross-validation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// All candidates, in the order in which they were tried.
    pub candidates: Vec<Candidate>,
    /// The index of the chosen candidate.
    pub chosen: usize,
}

/// One candidate; parameters that its solver does not have are absent.
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
    /// Mean accuracy over the folds, in [0, 1]; `None` if the fit did not converge.
    #[serde(default)]
    pub accuracy: Option<f64>,
    /// Its standard deviation over the folds.
    #[serde(default)]
    pub accuracy_std: Option<f64>,
    /// Mean cross-entropy over the folds.
    #[serde(default)]
    pub loss: Option<f64>,
}

/// Problems found in the data.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DataCare {
    /// Groups of duplicates or near-duplicates, by path.
    pub duplicates: Vec<Vec<String>>,
    /// Images whose label may be wrong, the most suspicious first.
    pub suspects: Vec<Suspect>,
    /// Why the labels could not be checked, if so.
    pub not_checked: Option<String>,
}

/// An image whose label may be wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspect {
    /// Its path, as text to display.
    pub path: String,
    /// The class of its folder.
    pub given: String,
    /// The most probable class.
    pub likely: String,
    /// The probability of that class, in [0, 1].
    pub confidence: f64,
    /// Its thumbnail, if its file was found and there was room.
    pub thumbnail: Option<Thumbnail>,
}

/// A group of facts about how the report was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Provenance {
    /// The heading of the group.
    pub name: String,
    /// The name and value of each fact.
    pub facts: Vec<(String, String)>,
}

impl Measure {
    /// Returns the two ends of the interval.
    pub(super) fn ends(&self) -> Option<[f64; 2]> {
        self.interval.map(|interval| [interval.low, interval.high])
    }
}

impl Page {
    /// Returns the number of images with this outcome.
    pub(super) fn count(&self, outcome: PhotoOutcome) -> usize {
        let photos = self.photos.iter();
        photos.filter(|photo| photo.outcome() == outcome).count()
    }

    /// Returns the name of a class; empty if the index is out of range.
    pub(super) fn class(&self, index: usize) -> &str {
        self.classes.get(index).map_or("", String::as_str)
    }
}

/// The outcome of an image. Every image has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PhotoOutcome {
    /// The predicted class is not the true one.
    Wrong,
    /// The head rejects the image.
    Unknown,
    /// The predicted class is the true one.
    Right,
}

impl Photo {
    /// Returns the outcome of the image.
    #[must_use]
    pub fn outcome(&self) -> PhotoOutcome {
        match (&self.rejected, self.is_right()) {
            (Some(_), _) => PhotoOutcome::Unknown,
            (None, true) => PhotoOutcome::Right,
            (None, false) => PhotoOutcome::Wrong,
        }
    }

    /// Returns whether the most probable class is the true one, even if the image is rejected.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.truth == self.predicted
    }

    /// Returns the probability of the predicted class, in [0, 1].
    #[must_use]
    pub fn confidence(&self) -> f64 {
        self.top.first().map_or(0.0, |(_, p)| *p)
    }
}
