//! A candidate of a search, its cross-validated metrics, and the choice of the winner.

use serde::{Deserialize, Serialize};

use super::folds::Folds;
use super::grid::Setting;
use crate::head::data::LabelledFeatures;
use crate::head::fit::ValidationSums;
use crate::head::linear::LinearHead;

/// Brier scores up to this many times the lowest count as equally good.
pub(crate) const NEAR_LOWEST_BRIER: f64 = 1.05;

/// A setting and its cross-validated metrics.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The setting.
    #[serde(flatten)]
    pub setting: Setting,
    /// Its metrics; None if, on any fold, the loss or a weight was not finite or L-BFGS did not converge.
    #[serde(flatten)]
    pub figures: Option<CandidateFigures>,
}

/// Metrics over all samples, each predicted by the head trained without its fold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CandidateFigures {
    /// Share of samples whose most probable class is the right one, in [0, 1].
    pub accuracy: f64,
    /// Standard deviation of the folds' accuracies (divided by k).
    pub accuracy_std: f64,
    /// Mean cross-entropy, natural logarithm.
    pub loss: f64,
    /// Mean Brier score, in [0, 2]: the squared distance between the probabilities and the truth, summed over
    /// all classes.
    pub brier: f64,
}

/// Evaluates a head on the fold that it was not trained on; None if the loss or a weight is not finite.
pub(super) fn evaluate(
    head: &LinearHead,
    set: &LabelledFeatures<'_>,
    folds: &Folds,
    fold: usize,
) -> Option<ValidationSums> {
    let mut sums = ValidationSums::default();
    for image in folds.split(fold).validation {
        sums.add(head, &set.image(image)).ok()?;
    }
    (head.is_finite() && sums.loss.is_finite()).then_some(sums)
}

/// Returns the metrics over all folds; None if any fold has none.
pub(super) fn summed(folds: &[Option<ValidationSums>]) -> Option<CandidateFigures> {
    let folds: Vec<ValidationSums> = folds.iter().copied().collect::<Option<_>>()?;
    let sum = |of: fn(&ValidationSums) -> f64| folds.iter().map(of).sum::<f64>();
    let n = sum(|fold| fold.n_samples as f64);
    let accuracies: Vec<f64> = folds.iter().map(|fold| fold.figures().accuracy).collect();
    Some(CandidateFigures {
        accuracy: sum(|fold| fold.right as f64) / n,
        accuracy_std: mean_and_std(&accuracies).1,
        loss: sum(|fold| fold.loss) / n,
        brier: sum(|fold| fold.brier) / n,
    })
}

/// Returns the mean of some values and their standard deviation (divided by their number).
pub(super) fn mean_and_std(values: &[f64]) -> (f64, f64) {
    let k = values.len() as f64;
    let mean = values.iter().sum::<f64>() / k;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    (mean, (squares.sum::<f64>() / k).sqrt())
}

/// Picks the most accurate candidate whose Brier score is near the lowest; ties go to the lower score, then
/// to the first.
pub(crate) fn choose(candidates: &[Candidate]) -> Option<usize> {
    let numbered = candidates.iter().enumerate();
    let finite = numbered.filter_map(|(number, candidate)| Some((number, candidate.figures?)));
    let briers = finite.clone().map(|(_, figures)| figures.brier);
    let limit = NEAR_LOWEST_BRIER * briers.fold(f64::INFINITY, f64::min);
    let near = finite.filter(|(_, figures)| figures.brier <= limit);
    let best = near.min_by(|(_, a), (_, b)| {
        let accuracies = b.accuracy.total_cmp(&a.accuracy);
        accuracies.then(a.brier.total_cmp(&b.brier))
    });
    best.map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(figures: Option<(f64, f64)>) -> Candidate {
        Candidate {
            setting: Setting::Lbfgs { l2: 1.0 },
            figures: figures.map(|(accuracy, brier)| CandidateFigures {
                accuracy,
                accuracy_std: 0.0,
                loss: 0.1,
                brier,
            }),
        }
    }

    #[test]
    fn the_best_accuracy_near_the_lowest_brier_score_wins() {
        let chosen = |figures: &[Option<(f64, f64)>]| {
            choose(&figures.iter().copied().map(candidate).collect::<Vec<_>>())
        };
        // 0.104 is within 5 % of 0.1, 0.106 is not.
        assert_eq!(
            chosen(&[Some((0.9, 0.1)), Some((0.92, 0.104)), Some((0.99, 0.106))]),
            Some(1)
        );
        assert_eq!(
            chosen(&[Some((0.9, 0.102)), Some((0.9, 0.1)), Some((0.9, 0.1))]),
            Some(1)
        );
        assert_eq!(chosen(&[None, Some((0.5, 0.7))]), Some(1));
        assert_eq!(chosen(&[None, None]), None);
    }
}
