//! Cross-validated grid search for the parameters of a fit.

use std::time::Instant;

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::candidate::{Candidate, choose};
use super::folds::Folds;
use super::grid::{Grid, Tunable, in_order};
use super::trials::Trials;
use crate::error::{HeadError, Result};
use crate::head::data::{LabelledFeatures, require_two_classes};
use crate::head::params::{FitParams, FitValidParams};
use crate::progress::Progress;

/// How many times the grid may be extended while the winner is at its edge.
const EXTENSIONS: usize = 3;

/// The result of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Search {
    /// The number of folds.
    pub folds: usize,
    /// All candidates, in the order of the grid.
    pub candidates: Vec<Candidate>,
    /// Index of the winner among the candidates.
    pub chosen: usize,
    /// The parameters for which the winner has the smallest or largest value tried.
    #[serde(default)]
    pub at_edge: Vec<Tunable>,
    /// Wall-clock time of the search, in seconds.
    pub seconds: f64,
}

/// Searches a grid around `params` on the folds of a set, all candidates and folds in parallel; the
/// parameters in `fixed` keep their values.
///
/// While the winner is at an edge of the grid, the grid is extended there, at most three times.
///
/// All candidates of SGD see the same batches in the same order. The most accurate candidate whose Brier
/// score is within 5 % of the best wins. On a few hundred images accuracy alone is too coarse to distinguish
/// candidates that differ by an image or two, and in the cross-entropy a few confidently wrong images
/// outweigh all others.
///
/// # Errors
/// [`HeadError::NoCandidate`] if no candidate has a finite loss; [`HeadError::NothingToSearch`] if all
/// parameters are fixed; [`HeadError::NoSearch`] if the solver cannot be searched;
/// [`DataProblem`](crate::error::DataProblem) if fewer than two classes have samples;
/// [`Error::Interrupted`](crate::Error::Interrupted) if `progress` asks to stop.
pub fn search(
    params: &FitValidParams,
    fixed: &[Tunable],
    set: &LabelledFeatures<'_>,
    folds: &Folds,
    progress: &dyn Progress,
) -> Result<Search> {
    let started = Instant::now();
    require_two_classes(set.classes(), &set.class_counts())?;
    let mut grid = Grid::new(params.values(), fixed)?;
    let trials = Trials {
        values: params.values(),
        set,
        folds,
        progress,
    };
    let mut candidates = trials.evaluated(grid.settings())?;
    let mut extensions = 0;
    loop {
        candidates.sort_by(|a, b| in_order(a.setting, b.setting));
        let chosen = choose(&candidates).ok_or(HeadError::NoCandidate)?;
        let winner = candidates[chosen].setting;
        let at_edge = grid.edges(winner);
        if at_edge.is_empty() || extensions == EXTENSIONS {
            return Ok(Search {
                folds: folds.k(),
                chosen,
                candidates,
                at_edge,
                seconds: started.elapsed().as_secs_f64(),
            });
        }
        extensions += 1;
        candidates.extend(trials.evaluated(grid.extend(winner))?);
    }
}

impl Search {
    /// Returns the winner.
    #[must_use]
    pub fn winner(&self) -> &Candidate {
        &self.candidates[self.chosen]
    }

    /// Returns `params` with the winner's setting.
    ///
    /// # Errors
    /// Never, for the `params` that the search started from.
    pub fn params(&self, params: &FitValidParams) -> Result<FitValidParams> {
        FitParams::from(self.winner().setting.applied_to(params.values())).check()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::classes::ClassIndex;
    use crate::error::Error;
    use crate::head::data::Groups;
    use crate::head::{Setting, Solver};
    use crate::progress::Silent;

    /// Returns 40 images whose class one feature predicts, except for every tenth.
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
        searched_but(params, &[])
    }

    fn searched_but(params: FitParams, fixed: &[Tunable]) -> Result<Search> {
        let (features, targets) = images();
        let classes = ClassIndex::from_names(["a", "b"]);
        let set = LabelledFeatures::new(features.view(), &targets, &classes)?;
        let digests: Vec<_> = (0..40u8).map(|row| [row; 32]).collect();
        let folds = Folds::new(&targets, &Groups::of_equal(&digests), 4, 0)?;
        search(&params.check()?, fixed, &set, &folds, &Silent)
    }

    #[test]
    fn figures_are_those_of_the_folds() {
        // 36 of 40 labels follow the feature, so the best accuracy is 0.9; with a penalty of 1000 the
        // probabilities stay near 1/2.
        let search = searched(FitParams::new().solver(Solver::Lbfgs)).unwrap();
        let best = search.winner().figures.unwrap();
        assert!((best.accuracy - 0.9).abs() < 1e-12 && best.accuracy_std <= 0.1);
        let last = Setting::Lbfgs { l2: 1000.0 };
        let mut candidates = search.candidates.iter();
        let last = candidates.find(|c| c.setting == last).unwrap();
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
    fn a_given_learning_rate_is_kept() {
        let params = FitParams::new().lr(0.1).weight_decay(0.5);
        let search = searched_but(params.clone(), &[Tunable::Lr]).unwrap();
        let lr = |c: &Candidate| Tunable::Lr.of(c.setting);
        let given = Some(f64::from(0.1f32));
        assert!(search.candidates.len() >= 6 && search.candidates.iter().all(|c| lr(c) == given));
        let error = searched_but(params, &[Tunable::Lr, Tunable::WeightDecay]).unwrap_err();
        assert!(
            matches!(error, Error::Head(HeadError::NothingToSearch { .. })),
            "{error}"
        );
    }

    #[test]
    fn the_winner_is_inside_of_what_was_tried_or_at_a_named_edge() {
        // The steps are so few and short that the largest learning rate of the grid is too small.
        let search = searched(FitParams::new().epochs(1).batch_size(64).momentum(0.0)).unwrap();
        let rates = search
            .candidates
            .iter()
            .filter_map(|c| Tunable::Lr.of(c.setting));
        let largest = rates.fold(0.0, f64::max);
        assert!(largest > 0.9, "{largest}");
        let winner = Tunable::Lr.of(search.winner().setting).unwrap();
        assert_eq!(search.at_edge.contains(&Tunable::Lr), winner >= largest);
        let order = search
            .candidates
            .windows(2)
            .map(|c| in_order(c[0].setting, c[1].setting));
        assert!(order.into_iter().all(std::cmp::Ordering::is_lt));
    }

    #[test]
    fn both_solvers_search_standardised_features_and_keep_json() {
        let sgd = searched(FitParams::new().standardize(true)).unwrap();
        assert!(sgd.candidates.len() >= 36 && sgd.folds == 4);
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
