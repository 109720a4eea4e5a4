//! What is tried, how it did on the folds, and which of it is taken.

use serde::{Deserialize, Serialize};

use super::folds::Folds;
use super::grid::Setting;
use crate::head::data::LabelledFeatures;
use crate::head::fit::log_probabilities;
use crate::head::linear::{LinearHead, argmax};

/// Brier scores up to this many times the lowest are as good as the lowest.
const NEAR_LOWEST: f64 = 1.05;

/// A setting and how it did on samples that it was not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// What was tried.
    #[serde(flatten)]
    pub setting: Setting,
    /// How good it was; none where a fold's loss or weights became infinite.
    #[serde(flatten)]
    pub figures: Option<CandidateFigures>,
}

/// Figures over all samples, each judged by the head that left its fold out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CandidateFigures {
    /// The share of samples whose most likely class is the right one, in [0, 1].
    pub accuracy: f64,
    /// The standard deviation of the folds' accuracies (divided by k).
    pub accuracy_std: f64,
    /// Mean cross-entropy, natural logarithm.
    pub loss: f64,
    /// Mean Brier score, in [0, 2]: the squared distance of the probabilities from the truth, over all classes.
    pub brier: f64,
}

/// How a head did on the fold that it was not trained on: sums over its images.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FoldFigures {
    n: f64,
    right: f64,
    loss: f64,
    brier: f64,
}

pub(crate) fn judge(
    head: &LinearHead,
    set: &LabelledFeatures<'_>,
    folds: &Folds,
    fold: usize,
) -> Option<FoldFigures> {
    if !head.is_finite() {
        return None;
    }
    let held_out = folds.split(fold).validation;
    let mut sums = FoldFigures {
        n: held_out.len() as f64,
        right: 0.0,
        loss: 0.0,
        brier: 0.0,
    };
    for image in held_out {
        let (log_p, target) = (
            log_probabilities(head, &set.image(image)).ok()?,
            set.targets()[image],
        );
        let log_p = log_p.row(0);
        sums.right += f64::from(u8::from(argmax(log_p) == target));
        sums.loss -= log_p[target];
        let is = |class| f64::from(u8::from(class == target));
        let p = log_p.iter().enumerate();
        sums.brier += p
            .map(|(c, log_p)| (log_p.exp() - is(c)).powi(2))
            .sum::<f64>();
    }
    sums.loss.is_finite().then_some(sums)
}

/// The figures over all folds; none where a fold has none.
pub(crate) fn summed(folds: &[Option<FoldFigures>]) -> Option<CandidateFigures> {
    let folds: Vec<FoldFigures> = folds.iter().copied().collect::<Option<_>>()?;
    let sum = |of: fn(&FoldFigures) -> f64| folds.iter().map(of).sum::<f64>();
    let (n, k) = (sum(|fold| fold.n), folds.len() as f64);
    let middle = sum(|fold| fold.right / fold.n) / k;
    let square = |fold: &FoldFigures| (fold.right / fold.n - middle).powi(2);
    Some(CandidateFigures {
        accuracy: sum(|fold| fold.right) / n,
        accuracy_std: (folds.iter().map(square).sum::<f64>() / k).sqrt(),
        loss: sum(|fold| fold.loss) / n,
        brier: sum(|fold| fold.brier) / n,
    })
}

/// The best accuracy among the Brier scores near the lowest; of equal ones the lower score, then the first.
pub(crate) fn choose(candidates: &[Candidate]) -> Option<usize> {
    let numbered = candidates.iter().enumerate();
    let finite: Vec<(usize, CandidateFigures)> = numbered
        .filter_map(|(number, candidate)| Some((number, candidate.figures?)))
        .collect();
    let briers = finite.iter().map(|(_, figures)| figures.brier);
    let lowest = briers.fold(f64::INFINITY, f64::min);
    let near = finite
        .into_iter()
        .filter(|(_, figures)| figures.brier <= NEAR_LOWEST * lowest);
    let better = |a: &CandidateFigures, b: &CandidateFigures| {
        let accuracies = b.accuracy.total_cmp(&a.accuracy);
        accuracies.then(a.brier.total_cmp(&b.brier))
    };
    near.min_by(|(_, a), (_, b)| better(a, b))
        .map(|(number, _)| number)
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
