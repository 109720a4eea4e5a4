//! Searching for the parameters of a fit: every candidate judged by cross-validation, all of them trained together.

mod candidate;
mod grid;
mod learning_curve;
mod minima;
mod side_by_side;

use std::time::Instant;

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

pub use self::candidate::{Candidate, CandidateFigures};
use self::candidate::{FoldFigures, choose, judge, summed};
pub use self::grid::Setting;
pub use self::learning_curve::{LearningPoint, learning_curve};
use super::choices::Solver;
use super::cross_validation::Folds;
use super::labelled::LabelledFeatures;
use super::params::{FitParams, FitValidParams};
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

/// Tries a grid around `params` on the folds of a set, all candidates and folds at the same time.
///
/// Every candidate of SGD sees the same batches in the same order. Among the candidates whose Brier score is within
/// 5 % of the lowest, the best accuracy wins: the accuracies of a few hundred images alone are too coarse to tell
/// candidates apart that differ by an image or two, and in the cross-entropy a few that are confidently wrong outweigh
/// all others.
///
/// # Errors
/// [`Error::Input`] where no candidate gave a finite loss.
pub fn search(
    params: &FitValidParams,
    set: &LabelledFeatures<'_>,
    folds: &Folds,
) -> Result<Search> {
    let started = Instant::now();
    set.at_least_two_classes(&set.class_counts())?;
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

fn nothing_finite() -> Error {
    Error::Input {
        problem: "no candidate of the search gave a finite loss".to_owned(),
        hint: "look at the features for huge values, or give --standardize".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::classes::ClassIndex;
    use crate::head::cross_validation::Groups;

    /// 40 images that one feature tells apart, but for every tenth.
    fn images() -> (Array2<f32>, Vec<usize>) {
        let targets: Vec<usize> = (0..40).map(|row| row % 2).collect();
        let features = Array2::from_shape_fn((40, 2), |(row, column)| {
            let label = (row + usize::from(row % 10 == 0)) % 2;
            if column == 0 {
                label as f32
            } else {
                (row * 7 % 11) as f32 / 11.0
            }
        });
        (features, targets)
    }

    fn searched(params: FitParams) -> Result<Search> {
        let (features, targets) = images();
        let classes = ClassIndex::from_names(["a", "b"]);
        let set = LabelledFeatures::new(features.view(), &targets, &classes)?;
        let digests: Vec<_> = (0..40u8).map(|row| [row; 32]).collect();
        let folds = Folds::new(&targets, &Groups::of_equal(&digests), 4, 0)?;
        search(&params.check()?, &set, &folds)
    }

    #[test]
    fn figures_are_those_of_the_folds() {
        // Whatever the candidate, 36 of 40 labels follow the feature; a penalty of 1000 leaves guesses near 1/2.
        let search = searched(FitParams::new().solver(Solver::Lbfgs)).unwrap();
        let best = search.winner().figures.unwrap();
        assert!((best.accuracy - 0.9).abs() < 1e-12 && best.accuracy_std <= 0.1);
        let last = search.candidates.last().unwrap();
        assert_eq!(last.setting, Setting::Lbfgs { l2: 1000.0 });
        assert!((last.figures.unwrap().brier - 0.5).abs() < 0.02);
        assert!((last.figures.unwrap().loss - 2f64.ln()).abs() < 0.02);
        let params = search.params(&FitParams::new().solver(Solver::Lbfgs).check().unwrap());
        assert_eq!(
            Setting::Lbfgs {
                l2: params.unwrap().values().l2
            },
            search.winner().setting
        );
    }

    #[test]
    fn both_solvers_search_standardised_features_and_keep_json() {
        let sgd = searched(FitParams::new().standardize(true)).unwrap();
        assert_eq!((sgd.candidates.len(), sgd.folds), (36, 4));
        assert!(sgd.winner().figures.unwrap().accuracy >= 0.85);
        let json = serde_json::to_string(&sgd).unwrap();
        let read: Search = serde_json::from_str(&json).unwrap();
        for (read, kept) in read.candidates.iter().zip(&sgd.candidates) {
            assert_eq!(read.setting, kept.setting);
            let (read, kept) = (read.figures.unwrap(), kept.figures.unwrap());
            assert!((read.brier - kept.brier).abs() < 1e-12);
        }
        let lbfgs = searched(FitParams::new().solver(Solver::Lbfgs).standardize(true)).unwrap();
        assert!(lbfgs.winner().figures.unwrap().accuracy >= 0.85);
    }
}
