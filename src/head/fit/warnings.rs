//! Warnings about a fit: what is the matter; who asked for it knows what to do about it.

use std::fmt::{self, Display, Formatter};

use crate::head::params::ClassWeight;

/// Fewer training images than this in a class are too few.
pub(super) const FEW_IMAGES: usize = 5;

/// At most so many classes are named; the rest are counted.
const NAMED: usize = 5;

/// A problem that does not stop a fit.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FitWarning {
    /// The training loss ended above that of guessing.
    WorseThanGuessing {
        /// The training loss of the head.
        loss: f64,
        /// The loss where all classes are equally likely.
        guessing: f64,
    },
    /// The training loss was above that of guessing on the way.
    Overshot {
        /// The epoch of the largest loss, counted from 1.
        epoch: usize,
        /// That loss.
        loss: f64,
        /// The loss where all classes are equally likely.
        guessing: f64,
    },
    /// The training loss is nearly 0: the right class of every training image has a probability of nearly 1.
    Certain {
        /// The training loss of the head.
        loss: f64,
    },
    /// The training loss fell by more than 2 % of ln C (the loss of guessing) in the last two epochs; a fit
    /// begins there.
    StillFalling {
        /// How many epochs that was: 2, or 1 where there was but one.
        epochs: usize,
        /// The training loss before them; ln C before the first.
        before: f64,
        /// That of the last epoch.
        last: f64,
    },
    /// Some classes have fewer than 5 training images.
    FewImages {
        /// Those classes, with the number of their images.
        classes: Vec<(String, usize)>,
    },
    /// The largest class has more than 10 times the training images of the smallest one that has any.
    Uneven {
        /// Its name and number of images.
        largest: (String, usize),
        /// Its name and number of images.
        smallest: (String, usize),
        /// The class weights of the fit.
        class_weight: ClassWeight,
    },
    /// There are fewer than 50 validation images.
    SmallValidation {
        /// How many.
        n_samples: usize,
    },
    /// Some classes have training images, but no validation image.
    MissingFromValidation {
        /// Their names.
        classes: Vec<String>,
    },
}

impl Display for FitWarning {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::WorseThanGuessing { loss, guessing } => write!(
                f,
                "the training loss ended at {loss:.3}, above guessing ({guessing:.3}): the head is useless"
            ),
            Self::Overshot {
                epoch,
                loss,
                guessing,
            } => write!(
                f,
                "the training loss rose to {loss:.3} in epoch {epoch}, above guessing ({guessing:.3}), so \
                 the learning rate is probably too high"
            ),
            Self::Certain { loss } => write!(
                f,
                "the training loss ended at {loss:.1e}, so the head gives probabilities of nearly 0 or 1 \
                 even where it is wrong"
            ),
            Self::StillFalling {
                epochs,
                before,
                last,
            } => still_falling(f, *epochs, *before, *last),
            Self::FewImages { classes } => few_images(f, classes),
            Self::Uneven {
                largest: (large, n),
                smallest: (small, m),
                ..
            } => write!(
                f,
                "the classes are very uneven (`{large}` {n} images, `{small}` {m}): look at the recall of \
                 each class"
            ),
            Self::SmallValidation { n_samples } => write!(
                f,
                "only {n_samples} validation images: the figures are uncertain, one image is {:.1} % of \
                 accuracy",
                100.0 / *n_samples as f64
            ),
            Self::MissingFromValidation { classes } => write!(
                f,
                "no validation image of {}: the figures say nothing about it",
                list(classes.iter().map(|name| format!("`{name}`")))
            ),
        }
    }
}

fn still_falling(f: &mut Formatter<'_>, epochs: usize, before: f64, last: f64) -> fmt::Result {
    let when = match epochs {
        1 => "the only epoch",
        _ => "the last two epochs",
    };
    write!(
        f,
        "the training loss still falls ({before:.3} to {last:.3} in {when})"
    )
}

fn few_images(f: &mut Formatter<'_>, classes: &[(String, usize)]) -> fmt::Result {
    let classes = list(classes.iter().map(|(name, n)| format!("`{name}` ({n})")));
    write!(
        f,
        "fewer than {FEW_IMAGES} training images in {classes}: add some"
    )
}

/// The first of some classes, and how many more there are.
fn list(classes: impl Iterator<Item = String>) -> String {
    let classes: Vec<String> = classes.collect();
    let named = classes[..classes.len().min(NAMED)].join(", ");
    match classes.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"]
            .map(str::to_owned)
            .into();
        assert_eq!(list(names.into_iter()), "a, b, c, d, e and 2 more");
    }
}
