//! Which images a head has seen in training, and what that means for the figures.

use serde::Serialize;

use crate::classifier::Predictor;
use crate::features::Digest;
use crate::head::ImageRole;
use crate::phrases::counted;

/// How images that a head was trained on are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TrainingImages {
    /// Out-of-fold predictions count where the head keeps them; other training images are left out.
    #[default]
    Unseen,
    /// They are judged as all others are: the figures are optimistic.
    Included,
}

/// On what basis the prediction for an image is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Basis {
    /// The head does not know the image.
    New,
    /// It was held out of the head's training set.
    HeldOut,
    /// The head was trained on it, and the prediction is that of a head which was not.
    OutOfFold,
    /// The head was trained on it, and it was asked for all the same.
    Training,
}

impl Basis {
    /// That of an image, or none where it should be left out.
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

/// How many of the judged images the head was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Acquaintance {
    /// Whether the head records its training images; where it does not, all images count as new.
    pub recorded: bool,
    /// Images that the head does not know.
    pub new: usize,
    /// Images that were held out of its training set.
    pub held_out: usize,
    /// Training images that are judged by their out-of-fold predictions.
    pub out_of_fold: usize,
    /// Training images that are judged by the head itself.
    pub training: usize,
    /// Training images, of this head or of one that it is compared with, that are in no figure.
    pub left_out: usize,
    /// The folds that the head's out-of-fold predictions are from.
    pub folds: Option<usize>,
}

impl Acquaintance {
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

    /// Images that are in the figures.
    fn judged(self) -> usize {
        self.new + self.held_out + self.out_of_fold + self.training
    }

    /// What the figures stand on, as a sentence; none where every image is new, or nothing is known.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        let folds = self.folds.unwrap_or_default();
        let trained = format!(
            "judged out of fold: by a head trained without the image and its near-duplicates ({folds} folds)"
        );
        if self.out_of_fold > 0 && self.out_of_fold == self.judged() {
            return Some(format!(
                "All {} are {trained}.",
                counted(self.out_of_fold, "training image")
            ));
        }
        let (held_out, training) = (
            "held out of the training set for validation",
            "used to train the head: the figures are optimistic",
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

    /// What is left out, as a sentence.
    #[must_use]
    pub fn omission(&self) -> Option<String> {
        let n = self.left_out;
        (n > 0).then(|| {
            format!(
                "{} {} left out of all figures.",
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
        let all = Acquaintance {
            recorded: true,
            folds: Some(5),
            ..Acquaintance::default()
        };
        let new = Acquaintance { new: 3, ..all };
        assert_eq!((new.sentence(), new.omission()), (None, None));
        let unseen = Acquaintance {
            out_of_fold: 20,
            ..all
        };
        assert_eq!(
            unseen.sentence().unwrap(),
            "All 20 training images are judged out of fold: by a head trained without the image and its \
            near-duplicates (5 folds)."
        );
        let mixed = Acquaintance {
            new: 1,
            held_out: 1,
            out_of_fold: 2,
            left_out: 1,
            ..all
        };
        let sentence = mixed.sentence().unwrap();
        for part in [
            "2 training images are judged out of fold",
            "; 1 image is held out",
            "; 1 image is new to the head.",
        ] {
            assert!(sentence.contains(part), "{sentence}");
        }
        assert_eq!(
            mixed.omission().unwrap(),
            "1 training image is left out of all figures."
        );
        let included = Acquaintance { training: 2, ..all };
        assert!(included.sentence().unwrap().contains("optimistic"));
    }
}
