//! Decides which warnings to give about a fit.

use super::figures::{EpochFigures, Fit};
use super::warnings::{FEW_IMAGES, FitWarning};
use crate::classes::ClassIndex;
use crate::head::linear::CrossEntropy;
use crate::head::params::{ClassWeight, FitValidParams, Solver};

/// Classes are imbalanced if the largest has more than this many times the images of the smallest.
const UNEVEN: usize = 10;

/// With fewer validation images than this, the metrics are uncertain.
const SMALL_VALIDATION: usize = 50;

/// The loss is still falling if it fell by more than this share of ln C, the loss of guessing, in the last
/// two epochs.
const STILL_FALLING: f64 = 0.02;

/// A loss is worse than guessing if it is more than this many times the loss of guessing.
const ABOVE_GUESSING: f64 = 1.01;

/// A loss below this is shown as 0.0000; the (geometric) mean probability of the right class is then 0.99995.
const CERTAIN: f64 = 5e-5;

/// Returns the warnings about a fit with `counts` training and `validated` validation images of each class.
pub(super) fn diagnose(
    fit: &Fit,
    params: &FitValidParams,
    classes: &ClassIndex,
    counts: &[usize],
    validated: Option<&[usize]>,
) -> Vec<FitWarning> {
    let values = params.values();
    let of_loss = guessing(params, classes, counts).and_then(|guessing| {
        let last = fit.history.last();
        let kept = fit.best_epoch.map_or(last, |e| fit.history.get(e - 1));
        let loss = kept.map(|figures| figures.train_loss);
        let loss = loss.or(fit.optimum.map(|optimum| optimum.loss))?;
        of_loss(&fit.history, loss, guessing, values.solver)
    });
    // More epochs would not help a fit that patience stopped, nor one whose loss already has a warning.
    let goes_on = fit.history.len() == values.epochs && of_loss.is_none();
    let history = if goes_on { fit.history.as_slice() } else { &[] };
    let counts: Vec<_> = classes.iter().zip(counts.iter().copied()).collect();
    let others = warnings(&counts, validated, &values.class_weight, history);
    of_loss.into_iter().chain(others).collect()
}

/// Returns the training loss of a head that predicts the same probability for every class: ln C, unless class
/// weights and label smoothing are combined.
fn guessing(params: &FitValidParams, classes: &ClassIndex, counts: &[usize]) -> Option<f64> {
    let values = params.values();
    let weights = values.class_weight.weights(classes, counts).ok()?;
    let loss = CrossEntropy::new(weights, values.label_smoothing);
    let sum = |of: &dyn Fn(usize) -> f64| -> f64 {
        let counts = counts.iter().enumerate();
        counts.map(|(class, &n)| n as f64 * of(class)).sum()
    };
    let asked = sum(&|class| loss.sum(class));
    Some((classes.len() as f64).ln() * asked / sum(&|class| loss.class_weight(class)))
}

/// Returns the warnings about the images of each class and the end of the history.
fn warnings(
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

/// Returns the warning about the losses of the epochs and the loss of the returned head.
fn of_loss(
    history: &[EpochFigures],
    kept: f64,
    guessing: f64,
    solver: Solver,
) -> Option<FitWarning> {
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
        _ => (kept < CERTAIN).then_some(FitWarning::Certain { loss: kept, solver }),
    }
}

fn owned((name, count): (&str, usize)) -> (String, usize) {
    (name.to_owned(), count)
}

fn still_falling(history: &[EpochFigures], n_classes: usize) -> Option<FitWarning> {
    // Weights start at zero, which has the loss of guessing.
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
    use linfa::ParamGuard;
    use ndarray::array;

    use super::*;
    use crate::head::{FitParams, LabelledFeatures, fit};

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
            of_loss(&losses(history), kept, guessing, Solver::Sgd).map(|w| w.to_string())
        };
        assert!(of(&[0.5, 0.698]).is_none());
        let worse = of(&[0.5, 6e8]).unwrap();
        assert!(
            worse.contains("ended at 600000000.000, worse than guessing (0.693)"),
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
            "some classes have too few training images: `b` (4), `c` (0); use at least 5"
        );
        assert_eq!(
            all[1],
            "the classes are imbalanced (`a`: 41 images, `b`: 4): check the recall of each class"
        );
        assert_eq!(
            of_counts([9, 9, 1], None),
            ["class `c` has 1 training image; use at least 5"]
        );
        assert!(of_counts([50, 5, 5], None).is_empty());
    }

    #[test]
    fn a_small_or_partial_validation_set_is_named() {
        let all = of_counts([9, 9, 9], Some([20, 20, 0]));
        assert_eq!(
            all[0],
            "only 40 validation images: the metrics are uncertain (one image changes accuracy by 2.5 \
             points)"
        );
        assert_eq!(
            all[1],
            "the validation set has no image of `c`, so the metrics do not cover it"
        );
        assert!(of_counts([9, 9, 9], Some([20, 20, 10])).is_empty());
    }

    #[test]
    fn guessing_is_the_loss_of_zero_weights() {
        // One epoch of one step: its loss is that of the zero weights.
        let features = array![[1.0f32], [2.0], [3.0]];
        let classes = ClassIndex::from_names(["a", "b"]);
        let set = LabelledFeatures::new(features.view(), &[0, 0, 1], &classes).unwrap();
        let weights = ClassWeight::Given([("a".to_owned(), 1.0), ("b".to_owned(), 5.0)].into());
        for weight in [ClassWeight::None, ClassWeight::Balanced, weights] {
            let params = FitParams::new()
                .epochs(1)
                .class_weight(weight)
                .label_smoothing(0.2);
            let params = params.check().unwrap();
            let first = fit(&params, &set, None, &mut |_| {}).unwrap().history[0].train_loss;
            let guessing = guessing(&params, &classes, &[2, 1]).unwrap();
            assert!((first - guessing).abs() < 1e-6, "{first} {guessing}");
        }
    }
}
