//! What a fit should be read with care for.

use std::fmt::{self, Display, Formatter};

use super::figures::EpochFigures;
use crate::head::params::ClassWeight;

/// Fewer training images than this in a class are too few.
const FEW_IMAGES: usize = 5;
/// The largest class may have this many times the images of the smallest.
const UNEVEN: usize = 10;
/// Fewer validation images than this leave the figures uncertain.
const SMALL_VALIDATION: usize = 50;
/// The loss still falls when its last two epochs took off more than this share of ln C, the loss of guessing.
const STILL_FALLING: f64 = 0.02;
/// A loss is above guessing by more than chance where it is this many times as large.
const ABOVE_GUESSING: f64 = 1.01;
/// Below this a loss is shown as 0.0000; the right classes then have a probability of 0.99995 in the (geometric) mean.
const CERTAIN: f64 = 5e-5;
/// So many classes are named, the rest counted.
const NAMED: usize = 5;

/// Something that does not stop a fit, but that its figures should be read with.
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
    /// The training loss is next to nothing: every training image has a probability of nearly 1.
    Certain {
        /// The training loss of the head.
        loss: f64,
    },
    /// The training loss fell by more than 2 % of ln C (the loss of guessing) in the last two epochs; a fit begins there.
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
        /// What the fit did about it.
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
                "the training loss ended at {loss:.3}, above guessing ({guessing:.3}): the head is useless; lower --lr \
                 or add --standardize"
            ),
            Self::Overshot {
                epoch,
                loss,
                guessing,
            } => write!(
                f,
                "the training loss rose to {loss:.3} in epoch {epoch}, above guessing ({guessing:.3}), so the learning \
                 rate is probably too high: lower --lr or add --standardize"
            ),
            Self::Certain { loss } => write!(
                f,
                "the training loss ended at {loss:.1e}, so the head gives probabilities of nearly 0 or 1 even where it \
                 is wrong: lower --lr, use a stronger penalty, or add --calibrate"
            ),
            Self::StillFalling {
                epochs,
                before,
                last,
            } => {
                let when = if *epochs == 1 {
                    "the only epoch"
                } else {
                    "the last two epochs"
                };
                write!(
                    f,
                    "the training loss still falls ({before:.3} to {last:.3} in {when}): more --epochs may help"
                )
            }
            Self::FewImages { classes } => {
                let classes: Vec<_> = classes
                    .iter()
                    .map(|(name, n)| format!("`{name}` ({n})"))
                    .collect();
                write!(
                    f,
                    "fewer than {FEW_IMAGES} training images in {}: add some",
                    list(&classes)
                )
            }
            Self::Uneven {
                largest,
                smallest,
                class_weight,
            } => {
                let ((large, n), (small, m)) = (largest, smallest);
                write!(
                    f,
                    "the classes are very uneven (`{large}` {n} images, `{small}` {m}): "
                )?;
                f.write_str(match class_weight {
                    ClassWeight::None => {
                        "look at the recall of each class, and try --class-weight balanced"
                    }
                    ClassWeight::Balanced | ClassWeight::Given(_) => {
                        "look at the recall of each class"
                    }
                })
            }
            Self::SmallValidation { n_samples } => write!(
                f,
                "only {n_samples} validation images: the figures are uncertain, one image is {:.1} % of accuracy",
                100.0 / *n_samples as f64
            ),
            Self::MissingFromValidation { classes } => {
                let classes: Vec<_> = classes.iter().map(|name| format!("`{name}`")).collect();
                write!(
                    f,
                    "no validation image of {}: the figures say nothing about it",
                    list(&classes)
                )
            }
        }
    }
}

fn list(classes: &[String]) -> String {
    let named = classes[..classes.len().min(NAMED)].join(", ");
    match classes.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// All that there is to say about a fit on so many images of each class, and as many of the validation set.
pub(crate) fn warnings(
    counts: &[(&str, usize)],
    validated: Option<&[usize]>,
    class_weight: &ClassWeight,
    history: &[EpochFigures],
) -> Vec<FitWarning> {
    let of_training = [
        still_falling(history, counts.len()),
        few_images(counts),
        uneven(counts, class_weight),
    ];
    let of_validation = validated.map_or([None, None], |validated| {
        [small_validation(validated), missing(counts, validated)]
    });
    of_training
        .into_iter()
        .chain(of_validation)
        .flatten()
        .collect()
}

/// What there is to say about the losses of the epochs, and that of the head that was kept.
pub(crate) fn of_loss(history: &[EpochFigures], kept: f64, guessing: f64) -> Option<FitWarning> {
    if kept > ABOVE_GUESSING * guessing {
        return Some(FitWarning::WorseThanGuessing {
            loss: kept,
            guessing,
        });
    }
    let worst = history
        .iter()
        .max_by(|a, b| a.train_loss.total_cmp(&b.train_loss));
    match worst {
        Some(worst) if worst.train_loss > ABOVE_GUESSING * guessing => Some(FitWarning::Overshot {
            epoch: worst.epoch,
            loss: worst.train_loss,
            guessing,
        }),
        _ => (kept < CERTAIN).then_some(FitWarning::Certain { loss: kept }),
    }
}

fn owned((name, count): (&str, usize)) -> (String, usize) {
    (name.to_owned(), count)
}

fn still_falling(history: &[EpochFigures], n_classes: usize) -> Option<FitWarning> {
    // Weights start at zero, which is guessing.
    let guessing = (n_classes as f64).ln();
    let (before, last, epochs) = match history {
        [] => return None,
        [only] => (guessing, only.train_loss, 1),
        [_, last] => (guessing, last.train_loss, 2),
        [.., before, _, last] => (before.train_loss, last.train_loss, 2),
    };
    let falls = before - last > STILL_FALLING * guessing;
    falls.then_some(FitWarning::StillFalling {
        epochs,
        before,
        last,
    })
}

fn few_images(counts: &[(&str, usize)]) -> Option<FitWarning> {
    let few = counts.iter().copied().filter(|&(_, n)| n < FEW_IMAGES);
    let classes: Vec<_> = few.map(owned).collect();
    (!classes.is_empty()).then_some(FitWarning::FewImages { classes })
}

fn uneven(counts: &[(&str, usize)], class_weight: &ClassWeight) -> Option<FitWarning> {
    let largest = counts.iter().copied().max_by_key(|&(_, n)| n)?;
    let smallest = counts
        .iter()
        .copied()
        .filter(|&(_, n)| n > 0)
        .min_by_key(|&(_, n)| n)?;
    let uneven = largest.1 > UNEVEN * smallest.1;
    let (largest, smallest) = (owned(largest), owned(smallest));
    uneven.then_some(FitWarning::Uneven {
        largest,
        smallest,
        class_weight: class_weight.clone(),
    })
}

fn small_validation(validated: &[usize]) -> Option<FitWarning> {
    let n_samples = validated.iter().sum();
    (n_samples < SMALL_VALIDATION).then_some(FitWarning::SmallValidation { n_samples })
}

fn missing(counts: &[(&str, usize)], validated: &[usize]) -> Option<FitWarning> {
    let both = counts.iter().zip(validated);
    let missing = both.filter(|&(&(_, trained), &validated)| trained > 0 && validated == 0);
    let classes: Vec<_> = missing.map(|((name, _), _)| (*name).to_owned()).collect();
    (!classes.is_empty()).then_some(FitWarning::MissingFromValidation { classes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(losses: &[f64]) -> Vec<EpochFigures> {
        let figures = |(epoch, &train_loss)| EpochFigures {
            epoch,
            train_loss,
            validation: None,
        };
        (1..).zip(losses).map(figures).collect()
    }

    fn of_counts(train: [usize; 3], validation: Option<[usize; 3]>) -> Vec<String> {
        let counts: Vec<_> = ["a", "b", "c"].into_iter().zip(train).collect();
        let validated = validation.as_ref().map(<[usize; 3]>::as_slice);
        let all = warnings(&counts, validated, &ClassWeight::None, &[]);
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_loss_falls_when_two_epochs_take_two_percent_of_guessing() {
        // ln 2 * 0.02 = 0.01386.
        assert!(still_falling(&losses(&[0.5, 0.4, 0.386]), 2).is_some());
        assert!(still_falling(&losses(&[0.4, 0.3, 0.387]), 2).is_none());
        assert!(still_falling(&losses(&[0.9, 0.4, 0.39, 0.3865]), 2).is_none());
    }

    #[test]
    fn a_short_fit_is_held_against_guessing() {
        // ln 2 = 0.6931, the loss before the first epoch.
        let warning = still_falling(&losses(&[0.6]), 2).unwrap();
        assert!(
            warning
                .to_string()
                .contains("0.693 to 0.600 in the only epoch"),
            "{warning}"
        );
        let warning = still_falling(&losses(&[0.65, 0.6]), 2).unwrap();
        assert!(
            warning
                .to_string()
                .contains("0.693 to 0.600 in the last two epochs"),
            "{warning}"
        );
        assert!(still_falling(&losses(&[0.9, 0.68]), 2).is_none());
        assert!(still_falling(&losses(&[]), 2).is_none());
    }

    #[test]
    fn losses_are_compared_with_guessing() {
        let guessing = 2f64.ln();
        let of = |history: &[f64]| {
            let kept = history.last().copied().unwrap();
            of_loss(&losses(history), kept, guessing).map(|w| w.to_string())
        };
        assert!(of(&[0.5, 0.698]).is_none());
        let worse = of(&[0.5, 6e8]).unwrap();
        assert!(
            worse.contains("ended at 600000000.000, above guessing (0.693)"),
            "{worse}"
        );
        let overshot = of(&[3.0, 0.0]).unwrap();
        assert!(overshot.contains("rose to 3.000 in epoch 1"), "{overshot}");
        let certain = of(&[0.1, 4e-5]).unwrap();
        assert!(certain.contains("ended at 4.0e-5"), "{certain}");
        assert!(of(&[0.1, 6e-5]).is_none());
    }

    #[test]
    fn few_and_uneven_classes_are_named() {
        let all = of_counts([41, 4, 0], None);
        assert_eq!(
            all[0],
            "fewer than 5 training images in `b` (4), `c` (0): add some"
        );
        assert!(
            all[1].starts_with(
                "the classes are very uneven (`a` 41 images, `b` 4): look at the recall"
            )
        );
        assert!(all[1].ends_with("--class-weight balanced"));
        assert!(of_counts([50, 5, 5], None).is_empty());
    }

    #[test]
    fn a_small_or_partial_validation_set_is_named() {
        let all = of_counts([9, 9, 9], Some([20, 20, 0]));
        assert!(
            all[0].contains("only 40 validation images") && all[0].contains("one image is 2.5 %")
        );
        assert_eq!(
            all[1],
            "no validation image of `c`: the figures say nothing about it"
        );
        assert!(of_counts([9, 9, 9], Some([20, 20, 10])).is_empty());
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"]
            .map(str::to_owned)
            .into();
        assert_eq!(list(&names), "a, b, c, d, e and 2 more");
    }
}
