//! What becomes of images that the head was trained on.

use super::talk;
use frostline::tasks::{Acquaintance, TrainingImages};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct TrainingArgs {
    /// Judge the images that the head was trained on as all others: the figures are optimistic. By default
    /// they count with their out-of-fold predictions (`fit-head --folds`), or are left out where there are
    /// other images.
    #[arg(long)]
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

/// What was left out, and what could not be told.
pub(super) fn tell(acquaintance: Acquaintance) {
    acquaintance.omission().iter().for_each(talk::warn);
    if acquaintance.training > 0 {
        acquaintance.sentence().iter().for_each(talk::warn);
        talk::note(
            "evaluate on other images, or fit the head with `fit-head --folds 5`, which keeps predictions of \
             heads that did not see them",
        );
    }
    if !acquaintance.recorded {
        talk::note(
            "the head does not record its training images: if any of them are here, the figures are \
             optimistic",
        );
    }
}
