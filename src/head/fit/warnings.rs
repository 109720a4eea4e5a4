//! Warnings about a fit: what is the matter; who asked for it knows what to do about it.

use crate::head::params::ClassWeight;

/// Fewer training images than this in a class are too few.
pub(super) const FEW_IMAGES: usize = 5;

/// At most so many classes are named; the rest are counted.
const NAMED: usize = 5;

/// A problem that does not stop a fit.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitWarning {
    /// The training loss ended above that of guessing.
    #[error(
        "the training loss ended at {loss:.3}, above guessing ({guessing:.3}): the head is useless"
    )]
    WorseThanGuessing {
        /// The training loss of the head.
        loss: f64,
        /// The loss where all classes are equally likely.
        guessing: f64,
    },
    /// The training loss was above that of guessing on the way.
    #[error(
        "the training loss rose to {loss:.3} in epoch {epoch}, above guessing ({guessing:.3}), so the \
         learning rate is probably too high"
    )]
    Overshot {
        /// The epoch of the largest loss, counted from 1.
        epoch: usize,
        /// That loss.
        loss: f64,
        /// The loss where all classes are equally likely.
        guessing: f64,
    },
    /// The training loss is nearly 0: the right class of every training image has a probability of nearly 1.
    #[error(
        "the training loss ended at {loss:.1e}, so the head gives probabilities of nearly 0 or 1 even where \
         it is wrong"
    )]
    Certain {
        /// The training loss of the head.
        loss: f64,
    },
    /// The training loss fell by more than 2 % of ln C (the loss of guessing) in the last two epochs; a fit
    /// begins there.
    #[error(
        "the training loss still falls ({before:.3} to {last:.3} in {})",
        at_end(*epochs)
    )]
    StillFalling {
        /// How many epochs that was: 2, or 1 where there was but one.
        epochs: usize,
        /// The training loss before them; ln C before the first.
        before: f64,
        /// That of the last epoch.
        last: f64,
    },
    /// Some classes have fewer than 5 training images.
    #[error(
        "fewer than {FEW_IMAGES} training images in {}: add some",
        with_counts(classes)
    )]
    FewImages {
        /// Those classes, with the number of their images.
        classes: Vec<(String, usize)>,
    },
    /// The largest class has more than 10 times the training images of the smallest one that has any.
    #[error(
        "the classes are very uneven (`{}` {} images, `{}` {}): look at the recall of each class",
        largest.0, largest.1, smallest.0, smallest.1
    )]
    Uneven {
        /// Its name and number of images.
        largest: (String, usize),
        /// Its name and number of images.
        smallest: (String, usize),
        /// The class weights of the fit.
        class_weight: ClassWeight,
    },
    /// There are fewer than 50 validation images.
    #[error(
        "only {n_samples} validation images: the figures are uncertain, one image is {:.1} % of accuracy",
        100.0 / *n_samples as f64
    )]
    SmallValidation {
        /// How many.
        n_samples: usize,
    },
    /// Some classes have training images, but no validation image.
    #[error(
        "no validation image of {}: the figures say nothing about it",
        quoted(classes)
    )]
    MissingFromValidation {
        /// Their names.
        classes: Vec<String>,
    },
}

fn at_end(epochs: usize) -> &'static str {
    match epochs {
        1 => "the only epoch",
        _ => "the last two epochs",
    }
}

fn with_counts(classes: &[(String, usize)]) -> String {
    list(classes.iter().map(|(name, n)| format!("`{name}` ({n})")))
}

fn quoted(classes: &[String]) -> String {
    list(classes.iter().map(|name| format!("`{name}`")))
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
