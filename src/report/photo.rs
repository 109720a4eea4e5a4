//! The images of a report as plain data.

use std::cmp::Ordering;

use serde::Serialize;

/// A thumbnail: the bytes of a JPEG file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Thumbnail(pub Vec<u8>);

/// A training image.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Picture {
    /// Its path, as text to display.
    pub path: String,
    /// The class of its folder.
    pub class: String,
    /// Its thumbnail, if its file was found and there was room.
    pub thumbnail: Option<Thumbnail>,
    /// Whether cross-validation is confident of another class.
    pub doubted: bool,
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
    /// What the other head of a comparison predicts.
    pub other: Option<OtherPrediction>,
    /// Whether cross-validation is confident of another class.
    pub doubted: bool,
}

/// What another head predicts for an image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OtherPrediction {
    /// The index of the most probable class.
    pub predicted: usize,
    /// The probability of that class, in [0, 1].
    pub confidence: f64,
}

/// A training image that is similar to an evaluated one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Neighbour {
    /// Its index in [`Page::training`](super::Page::training).
    pub picture: usize,
    /// The cosine similarity of the two images' features, in [-1, 1].
    pub similarity: f64,
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

    /// Returns whether the most probable class of the other head is the true one; `None` without another.
    #[must_use]
    pub fn is_other_right(&self) -> Option<bool> {
        Some(self.truth == self.other?.predicted)
    }

    /// Returns the probability of the predicted class, in [0, 1].
    #[must_use]
    pub fn confidence(&self) -> f64 {
        self.top.first().map_or(0.0, |(_, p)| *p)
    }
}

/// Orders images for display: mistakes, most confident first; then rejected images and correct ones, each
/// least confident first.
#[must_use]
pub fn worst_first(a: &Photo, b: &Photo) -> Ordering {
    let rising = a.confidence().total_cmp(&b.confidence());
    let sureness = match a.outcome() {
        PhotoOutcome::Wrong => rising.reverse(),
        PhotoOutcome::Unknown | PhotoOutcome::Right => rising,
    };
    a.outcome().cmp(&b.outcome()).then(sureness)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns an image of class 0.
    pub(in crate::report) fn photo(path: &str, predicted: usize, confidence: f64) -> Photo {
        Photo {
            path: path.to_owned(),
            truth: 0,
            predicted,
            top: vec![(predicted, confidence)],
            rejected: None,
            thumbnail: None,
            neighbours: Vec::new(),
            other: None,
            doubted: false,
        }
    }

    #[test]
    fn the_surest_mistake_comes_first_and_the_surest_hit_last() {
        let mut photos = [
            photo("sure", 0, 0.99),
            photo("near miss", 1, 0.45),
            photo("barely", 0, 0.55),
            // Only the confidence in the wrong class counts, not the probability of the true class.
            photo("far off", 1, 0.98),
            photo("rejected", 1, 0.999),
        ];
        photos[4].rejected = Some("unlike all".to_owned());
        photos.sort_by(worst_first);
        assert_eq!(
            photos.map(|p| p.path),
            ["far off", "near miss", "rejected", "barely", "sure"]
        );
    }
}
