//! The argument for images that the head was trained on, and messages about them.

use super::headings::STATISTICS;
use super::output::FindingsFormat;
use super::talk;
use frostline::tasks::{TrainingImages, TrainingOverlap};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct TrainingArgs {
    /// Evaluate the head's training images like all others, which makes the results optimistic. By default,
    /// they count with their out-of-fold predictions (`fit-head --folds`); without these, they are excluded
    /// if there are other images.
    #[arg(long, help_heading = STATISTICS)]
    include_training: bool,
}

impl TrainingArgs {
    pub(super) fn images(&self) -> TrainingImages {
        if self.include_training {
            TrainingImages::Included
        } else {
            TrainingImages::Unseen
        }
    }
}

/// Prints what is known about the training images. `format` is that of the result: as text it has sentences
/// about the training images itself.
pub(super) fn tell(training_overlap: TrainingOverlap, format: FindingsFormat) {
    let is_json = format == FindingsFormat::Json;
    if is_json {
        training_overlap.omission().iter().for_each(talk::warn);
    }
    if training_overlap.training > 0 {
        if is_json {
            training_overlap.sentence().iter().for_each(talk::warn);
        }
        talk::note(
            "to evaluate the head on images that it was not trained on, use others, or train it with \
             `fit-head --folds 5`, which stores out-of-fold predictions",
        );
    }
    if !training_overlap.recorded {
        talk::note(
            "the head does not record its training images: if any of them are evaluated here, the results \
             are optimistic",
        );
    }
}
