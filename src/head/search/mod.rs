//! Searching for the parameters of a fit: every candidate judged by cross-validation, all of them trained together.

mod grid;
mod learning_curve;
mod minima;
mod side_by_side;

use std::time::Instant;

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

pub use self::grid::Setting;
pub use self::learning_curve::{LearningPoint, learning_curve};
use super::choices::Solver;
use super::cross_validation::Folds;
use super::figures::log_probabilities;
use super::labelled::LabelledFeatures;
use super::linear::LinearHead;
use super::params::{FitParams, FitValidParams};
use super::softmax::argmax;
use super::standard::Standard;
use super::targets::Targets;
use super::values::FitValues;
use crate::error::{Error, Result};

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// The number of folds.
    pub folds: usize,
    /// All that was tried, in the order of the grid.
    pub candidates: Vec<Candidate>,
    /// Which of them is the winner, from 0.
    pub chosen: usize,
    /// Wall-clock time of the search.
    pub seconds: f64,
}

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

/// Tries a grid around `params` on the folds of a set, all candidates and folds at the same time.
///
/// Every candidate of SGD sees the same batches in the same order. The lowest Brier score wins: the accuracies of a few
/// hundred images are too coarse to tell candidates apart that differ by an image or two, and the cross-entropy of a few
/// that are confidently wrong outweighs all others.
///
/// # Errors
/// [`Error::Input`] where no candidate gave a finite loss.
pub fn search(
    params: &FitValidParams,
    set: &LabelledFeatures<'_>,
    folds: &Folds,
) -> Result<Search> {
    let started = Instant::now();
    set.at_least_two_classes()?;
    let settings = grid::settings(params.values());
    let judged = match params.values().solver {
        Solver::Sgd => by_sgd(params.values(), &settings, set, folds)?,
        Solver::Lbfgs => by_lbfgs(params.values(), &settings, set, folds)?,
    };
    let judged = settings.into_iter().zip(judged.chunks(folds.k()));
    let candidates: Vec<_> = judged
        .map(|(setting, folds)| Candidate {
            setting,
            figures: summed(folds),
        })
        .collect();
    Ok(Search {
        folds: folds.k(),
        chosen: choose(&candidates).ok_or_else(nothing_finite)?,
        candidates,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// How every setting does on every fold, the folds of a setting together.
fn by_sgd(
    values: &FitValues,
    settings: &[Setting],
    set: &LabelledFeatures<'_>,
    folds: &Folds,
) -> Result<Vec<Option<FoldFigures>>> {
    let k = folds.k();
    let tasks: Vec<side_by_side::Task> = pairs(settings, k)
        .map(|(setting, left_out)| side_by_side::Task {
            values: setting.applied_to(values),
            left_out,
        })
        .collect();
    // One product for all folds has one matrix: the means and deviations are those of all rows, labels aside.
    let images = vec![1.0; set.n_samples()];
    let standard = values.standardize.then(|| Standard::of(set, &images));
    let features = standard.map(|standard| standard.apply(set.features()));
    let set = features.as_ref().map_or_else(
        || set.reborrow(),
        |features| set.with_features(features.view()),
    );
    let together = side_by_side::Together {
        set: &set,
        folds,
        targets: &targets(values, &set)?,
    };
    Ok(together.train(&tasks, |task, head| judge(&head, &set, folds, task % k)))
}

fn by_lbfgs(
    values: &FitValues,
    settings: &[Setting],
    set: &LabelledFeatures<'_>,
    folds: &Folds,
) -> Result<Vec<Option<FoldFigures>>> {
    let k = folds.k();
    let tasks: Vec<minima::Task> = pairs(settings, k)
        .map(|(setting, left_out)| minima::Task {
            l2: setting.applied_to(values).l2,
            left_out,
        })
        .collect();
    let minima = minima::Minima {
        set,
        folds,
        targets: &targets(values, set)?,
        values,
    };
    Ok(minima.find(&tasks, |task, head| judge(&head?, set, folds, task % k)))
}

fn pairs(settings: &[Setting], k: usize) -> impl Iterator<Item = (&Setting, usize)> {
    settings
        .iter()
        .flat_map(move |setting| (0..k).map(move |fold| (setting, fold)))
}

fn targets(values: &FitValues, set: &LabelledFeatures<'_>) -> Result<Targets> {
    let weights = values
        .class_weight
        .weights(set.classes(), &set.class_counts())?;
    Ok(Targets::new(weights, values.label_smoothing))
}

impl Search {
    /// The winner.
    #[must_use]
    pub fn winner(&self) -> &Candidate {
        &self.candidates[self.chosen]
    }

    /// `params` with the winner's setting.
    ///
    /// # Errors
    /// Never, for the `params` that were searched around.
    pub fn params(&self, params: &FitValidParams) -> Result<FitValidParams> {
        FitParams::from(self.winner().setting.applied_to(params.values())).check()
    }
}

/// How a head did on the fold that it was not trained on: sums over its images.
#[derive(Debug, Clone, Copy)]
struct FoldFigures {
    n: f64,
    right: f64,
    loss: f64,
    brier: f64,
}

fn judge(
    head: &LinearHead,
    set: &LabelledFeatures<'_>,
    folds: &Folds,
    fold: usize,
) -> Option<FoldFigures> {
    if !head.is_finite() {
        return None;
    }
    let held_out = set.select(&folds.split(fold).validation);
    let held_out = held_out.labelled(set.classes()).ok()?;
    let log_p = log_probabilities(head, &held_out).ok()?;
    let mut sums = FoldFigures {
        n: held_out.n_samples() as f64,
        right: 0.0,
        loss: 0.0,
        brier: 0.0,
    };
    for (log_p, &target) in log_p.rows().into_iter().zip(held_out.targets()) {
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
fn summed(folds: &[Option<FoldFigures>]) -> Option<CandidateFigures> {
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

/// The candidate with the lowest Brier score; the first of equals.
fn choose(candidates: &[Candidate]) -> Option<usize> {
    let numbered = candidates.iter().enumerate();
    let finite =
        numbered.filter_map(|(number, candidate)| Some((number, candidate.figures?.brier)));
    finite
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(number, _)| number)
}

fn nothing_finite() -> Error {
    Error::Input {
        problem: "no candidate of the search gave a finite loss".to_owned(),
        hint: "look at the features for huge values, or give --standardize".to_owned(),
    }
}
