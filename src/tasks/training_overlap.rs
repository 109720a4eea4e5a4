//! Which of the evaluated images a head was trained on, and what that means for the metrics.

use serde::Serialize;

use crate::classifier::Predictor;
use crate::features::Digest;
use crate::head::ImageRole;
use crate::phrases::counted;

/// How an evaluation treats images that the head was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TrainingImages {
    /// Uses the out-of-fold predictions that the head stores, and excludes all other training images.
    #[default]
    Unseen,
    /// Evaluates them like all other images, which makes the results optimistic.
    Included,
}

/// The relation of an evaluated image to the head's training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Basis {
    /// The head was neither trained nor validated on the image.
    New,
    /// The image was held out for validation when the head was trained.
    HeldOut,
    /// The head was trained on the image; the prediction is out-of-fold, by a head that was not.
    OutOfFold,
    /// The head was trained on the image, and the prediction is its own.
    Training,
}

impl Basis {
    /// Returns the basis for an image, or `None` if the image is excluded.
    pub(super) fn of(
        classifier: &Predictor,
        digest: Digest,
        training_images: TrainingImages,
    ) -> Option<Self> {
        let record = classifier.record();
        match (record.role(&digest.0), training_images) {
            (ImageRole::New, _) => Some(Self::New),
            (ImageRole::HeldOut, _) => Some(Self::HeldOut),
            (ImageRole::Training, TrainingImages::Included) => Some(Self::Training),
            (ImageRole::Training, TrainingImages::Unseen) => {
                record.out_of_fold(&digest.0).map(|_| Self::OutOfFold)
            }
        }
    }
}

/// How many of the evaluated images the head was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct TrainingOverlap {
    /// Whether the head records its training images; if not, all images count as new.
    pub recorded: bool,
    /// Images that the head was neither trained nor validated on.
    pub new: usize,
    /// Images that were held out for validation when the head was trained.
    pub held_out: usize,
    /// Training images that are evaluated by their out-of-fold predictions.
    pub out_of_fold: usize,
    /// Training images that are evaluated by the head's own predictions.
    pub training: usize,
    /// Training images, of this head or of the one it is compared with, that are excluded from all metrics.
    pub left_out: usize,
    /// The number of folds behind the head's out-of-fold predictions.
    pub folds: Option<usize>,
}

impl TrainingOverlap {
    pub(super) fn of(classifier: &Predictor) -> Self {
        Self {
            recorded: classifier.record().is_known(),
            folds: classifier.record().folds(),
            ..Self::default()
        }
    }

    pub(super) fn count(&mut self, basis: Basis) {
        *match basis {
            Basis::New => &mut self.new,
            Basis::HeldOut => &mut self.held_out,
            Basis::OutOfFold => &mut self.out_of_fold,
            Basis::Training => &mut self.training,
        } += 1;
    }

    /// Returns the number of images that the metrics include.
    fn evaluated(self) -> usize {
        self.new + self.held_out + self.out_of_fold + self.training
    }

    /// Describes the images behind the metrics in a sentence; `None` if all are new, or nothing is recorded.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        let folds = self.folds.unwrap_or_default();
        let trained = format!(
            "evaluated out of fold, by heads trained without the image and its near-duplicates \
            ({folds} folds)"
        );
        if self.out_of_fold > 0 && self.out_of_fold == self.evaluated() {
            return Some(format!(
                "All {} are {trained}.",
                counted(self.out_of_fold, "training image")
            ));
        }
        let (held_out, training) = (
            "held out of the training set for validation",
            "part of the head's training set, so the results are optimistic",
        );
        let parts = [
            (self.out_of_fold, "training image", trained.as_str()),
            (self.held_out, "image", held_out),
            (self.training, "image", training),
        ];
        let told = |(n, what, how): (usize, &str, &str)| {
            (n > 0).then(|| format!("{} {} {how}", counted(n, what), are(n)))
        };
        let known: Vec<String> = parts.into_iter().filter_map(told).collect();
        let new = told((self.new, "image", "new to the head")).filter(|_| !known.is_empty());
        let parts: Vec<String> = known.into_iter().chain(new).collect();
        (!parts.is_empty()).then(|| format!("{}.", parts.join("; ")))
    }

    /// Says in a sentence how many training images are excluded; `None` if there are none.
    #[must_use]
    pub fn omission(&self) -> Option<String> {
        let n = self.left_out;
        (n > 0).then(|| {
            format!(
                "{} {} excluded from all metrics.",
                counted(n, "training image"),
                are(n)
            )
        })
    }
}

fn are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_say_what_the_figures_stand_on() {
        let all = TrainingOverlap {
            recorded: true,
            folds: Some(5),
            ..TrainingOverlap::default()
        };
        let new = TrainingOverlap { new: 3, ..all };
        assert_eq!((new.sentence(), new.omission()), (None, None));
        let unseen = TrainingOverlap {
            out_of_fold: 20,
            ..all
        };
        assert_eq!(
            unseen.sentence().unwrap(),
            "All 20 training images are evaluated out of fold, by heads trained without the image and its \
            near-duplicates (5 folds)."
        );
        let mixed = TrainingOverlap {
            new: 1,
            held_out: 1,
            out_of_fold: 2,
            left_out: 1,
            ..all
        };
        let sentence = mixed.sentence().unwrap();
        for part in [
            "2 training images are evaluated out of fold",
            "; 1 image is held out",
            "; 1 image is new to the head.",
        ] {
            assert!(sentence.contains(part), "{sentence}");
        }
        assert_eq!(
            mixed.omission().unwrap(),
            "1 training image is excluded from all metrics."
        );
        let included = TrainingOverlap { training: 2, ..all };
        assert!(included.sentence().unwrap().contains("optimistic"));
    }
}
