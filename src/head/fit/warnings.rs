//! Warnings about a fit. They state the problem; what to do about it is up to the caller.

use crate::head::params::{ClassWeight, Solver};
use crate::phrases::counted;

/// A class with fewer training images than this gets a warning.
pub(super) const FEW_IMAGES: usize = 5;

/// The most classes that a message names; the rest are counted.
const NAMED: usize = 5;

/// A problem that does not stop a fit.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitWarning {
    /// The final training loss is above that of guessing.
    #[error(
        "the training loss ended at {loss:.3}, worse than guessing ({guessing:.3}): the head is useless"
    )]
    WorseThanGuessing {
        /// The training loss of the head.
        loss: f64,
        /// The loss when all classes are equally likely.
        guessing: f64,
    },
    /// The training loss was above that of guessing in some epoch.
    #[error(
        "the training loss rose to {loss:.3} in epoch {epoch}, worse than guessing ({guessing:.3}), so the \
         learning rate is probably too high"
    )]
    Overshot {
        /// The epoch of the largest loss, counted from 1.
        epoch: usize,
        /// The loss of this epoch.
        loss: f64,
        /// The loss when all classes are equally likely.
        guessing: f64,
    },
    /// The training loss is nearly 0: the right class of every training image has a probability of nearly 1.
    #[error(
        "the training loss ended at {loss:.1e}, so the head predicts probabilities close to 0 or 1 even \
         where it is wrong"
    )]
    Certain {
        /// The training loss of the head.
        loss: f64,
        /// The solver of the fit.
        solver: Solver,
    },
    /// The training loss fell by more than 2 % of ln C (the loss of guessing, where a fit starts) in the last
    /// two epochs.
    #[error(
        "the training loss is still falling ({before:.3} to {last:.3} in {})",
        at_end(*epochs)
    )]
    StillFalling {
        /// The number of these epochs: 2, or 1 if there was only one.
        epochs: usize,
        /// The training loss before them; ln C before the first epoch.
        before: f64,
        /// The training loss of the last epoch.
        last: f64,
    },
    /// Some classes have fewer than 5 training images.
    #[error("{}; use at least {FEW_IMAGES}", too_few(classes))]
    FewImages {
        /// These classes, with the number of their images.
        classes: Vec<(String, usize)>,
    },
    /// The largest class has more than 10 times the training images of the smallest one that has any.
    #[error(
        "the classes are imbalanced (`{}`: {} images, `{}`: {}): check the recall of each class",
        largest.0, largest.1, smallest.0, smallest.1
    )]
    Uneven {
        /// The name and the number of images of the largest class.
        largest: (String, usize),
        /// The name and the number of images of the smallest class.
        smallest: (String, usize),
        /// The class weights of the fit.
        class_weight: ClassWeight,
    },
    /// There are fewer than 50 validation images.
    #[error(
        "only {}: the metrics are uncertain (one image changes accuracy by {:.1} points)",
        counted(*n_samples, "validation image"),
        100.0 / *n_samples as f64
    )]
    SmallValidation {
        /// The number of validation images.
        n_samples: usize,
    },
    /// Some classes have training images, but no validation image.
    #[error(
        "the validation set has no image of {}, so the metrics do not cover {}",
        quoted(classes),
        pronoun(classes)
    )]
    MissingFromValidation {
        /// The names of these classes.
        classes: Vec<String>,
    },
}

fn at_end(epochs: usize) -> &'static str {
    match epochs {
        1 => "the only epoch",
        _ => "the last two epochs",
    }
}

fn too_few(classes: &[(String, usize)]) -> String {
    match classes {
        [(name, n)] => format!("class `{name}` has {}", counted(*n, "training image")),
        _ => format!(
            "some classes have too few training images: {}",
            with_counts(classes)
        ),
    }
}

fn pronoun(classes: &[String]) -> &'static str {
    match classes.len() {
        1 => "it",
        _ => "them",
    }
}

fn with_counts(classes: &[(String, usize)]) -> String {
    list(classes.iter().map(|(name, n)| format!("`{name}` ({n})")))
}

fn quoted(classes: &[String]) -> String {
    list(classes.iter().map(|name| format!("`{name}`")))
}

/// Lists the first classes, and how many more there are.
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
