//! Searching for the parameters of a fit: every candidate judged by cross-validation, all of them trained together.

use std::time::Instant;

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::candidate::{Candidate, choose, judge, summed};
use super::folds::Folds;
use super::grid::{Grid, Setting, Tunable, in_order};
use crate::error::{Error, Result};
use crate::head::data::{Block, LabelledFeatures, RowOrder, Standard, require_two_classes};
use crate::head::fit::ValidationSums;
use crate::head::lbfgs::{Problem, Stop, minimise_all};
use crate::head::linear::LinearHead;
use crate::head::parallel::in_parallel;
use crate::head::params::{FitParams, FitValidParams, FitValues, Solver};
use crate::head::sgd::Sgd;
use crate::progress::Progress;

/// A candidate is judged as near its minimum as scikit-learn's default goes; the winner is fitted again to the tolerance
/// that was asked for.
const NEAR_ENOUGH: f64 = 1e-4;

/// Numbers that the minimisers of a group may remember: 512 MiB of f64.
const REMEMBERED: usize = 64 << 20;

/// Vectors that a minimiser keeps: ten pairs, and its own few.
const VECTORS: usize = 26;

/// How often the grid is extended while the winner is at its edge.
const EXTENSIONS: usize = 3;

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// The number of folds.
    pub folds: usize,
    /// All that was tried, in the order of the grid.
    pub candidates: Vec<Candidate>,
    /// Which of them is the winner, from 0.
    pub chosen: usize,
    /// The parameters of which the winner has the smallest or largest value that was tried.
    #[serde(default)]
    pub at_edge: Vec<Tunable>,
    /// Wall-clock time of the search.
    pub seconds: f64,
}

/// Tries a grid around `params` on the folds of a set, all candidates and folds at the same time; the parameters in `fixed`
/// keep their values.
///
/// A grid at whose edge the winner is grows beyond it, three times at most.
///
/// Every candidate of SGD sees the same batches in the same order. Among the candidates whose Brier score is within
/// 5 % of the lowest, the best accuracy wins: the accuracies of a few hundred images alone are too coarse to tell
/// candidates apart that differ by an image or two, and in the cross-entropy a few that are confidently wrong outweigh
/// all others.
///
/// # Errors
/// [`Error::Input`] where no candidate gave a finite loss; [`Error::Conflict`] where nothing is left to search.
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
    let mut candidates = trials.judged(grid.settings())?;
    let mut extensions = 0;
    loop {
        candidates.sort_by(|a, b| in_order(a.setting, b.setting));
        let chosen = choose(&candidates).ok_or_else(nothing_finite)?;
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
        candidates.extend(trials.judged(grid.extend(winner))?);
    }
}

/// What all candidates of a search are tried on.
struct Trials<'a, 'f> {
    values: &'a FitValues,
    set: &'a LabelledFeatures<'f>,
    folds: &'a Folds,
    progress: &'a dyn Progress,
}

impl Trials<'_, '_> {
    /// The candidates of some settings, with their figures.
    fn judged(&self, settings: Vec<Setting>) -> Result<Vec<Candidate>> {
        let k = self.folds.k();
        let heads = settings.len() * k;
        self.progress.begin("heads of the search", heads as u64);
        let mut tasks = Vec::with_capacity(heads);
        for setting in &settings {
            let params = FitParams::from(setting.applied_to(self.values)).check()?;
            tasks.extend((0..k).map(|left_out| Task {
                params: params.clone(),
                left_out,
            }));
        }
        let judged = match self.values.solver {
            Solver::Sgd => self.by_sgd(&tasks),
            Solver::Lbfgs | Solver::Linfa => self.by_lbfgs(&tasks),
        };
        self.progress.end();
        let judged = judged?;
        let folds = settings.into_iter().zip(judged.chunks(k));
        let candidate = |(setting, folds)| Candidate {
            setting,
            figures: summed(folds),
        };
        Ok(folds.map(candidate).collect())
    }

    /// The figures of every task, in order.
    fn by_sgd(&self, tasks: &[Task]) -> Result<Vec<Option<ValidationSums>>> {
        let (values, set, folds) = (self.values, self.set, self.folds);
        // The features are copied once, not for each fold: the means and deviations are those of all rows, labels aside.
        let standard = || Standard::of(set, &vec![1.0; set.n_samples()]);
        let features = values.standardize.then(|| standard().apply(set.features()));
        let set = match &features {
            Some(features) => set.with_features(features.view()),
            None => set.reborrow(),
        };
        let class_weights = self.class_weights()?;
        let judged = in_parallel(tasks.len(), |number| {
            let task = &tasks[number];
            let head = train(task, &set, folds, &class_weights)?;
            self.progress.advance(1);
            Ok(judge(&head, &set, folds, task.left_out))
        });
        judged.into_iter().collect()
    }

    /// The figures of every task, in order; as many problems share a product as there is memory for.
    fn by_lbfgs(&self, tasks: &[Task]) -> Result<Vec<Option<ValidationSums>>> {
        let (set, folds, class_weights) = (self.set, self.folds, self.class_weights()?);
        let zeros = LinearHead::zeros(set.classes().len(), set.features().ncols());
        let stop = Stop {
            tolerance: self.values.tol.max(NEAR_ENOUGH),
            iterations: self.values.max_iter,
        };
        let problem = |task: &Task| {
            let counted = |&fold: &usize| f64::from(u8::from(fold != task.left_out));
            let images = folds.of_row().iter().map(counted).collect();
            Problem::of(set, task.params.values(), class_weights.clone(), images)
        };
        let parameters = zeros.n_classes() * (zeros.n_features() + 1);
        let at_once = (REMEMBERED / (VECTORS * parameters)).max(1);
        let mut judged = Vec::with_capacity(tasks.len());
        for tasks in tasks.chunks(at_once) {
            let problems: Vec<Problem> = tasks.iter().map(problem).collect();
            let reached = minimise_all(set, &problems, &zeros, stop, &|| self.progress.advance(1));
            for ((task, problem), reached) in tasks.iter().zip(&problems).zip(reached) {
                let head = reached.converged.then(|| problem.head(&reached.point));
                judged.push(head.and_then(|head| judge(&head, set, folds, task.left_out)));
            }
        }
        Ok(judged)
    }

    fn class_weights(&self) -> Result<Vec<f64>> {
        let class_weight = &self.values.class_weight;
        class_weight.weights(self.set.classes(), &self.set.class_counts())
    }
}

/// A setting to fit without a fold.
struct Task {
    params: FitValidParams,
    left_out: usize,
}

/// Trains a head by SGD from zero weights; the batches are those of all rows, less the rows of the task's fold.
fn train(
    task: &Task,
    set: &LabelledFeatures<'_>,
    folds: &Folds,
    class_weights: &[f64],
) -> Result<LinearHead> {
    let (values, views) = (task.params.values(), set.views());
    let start = LinearHead::zeros(set.classes().len(), set.features().ncols());
    let sgd = Sgd::new(&task.params, &start).on_one_thread();
    let mut sgd = sgd.with_class_weights(class_weights.to_vec())?;
    let mut order = RowOrder::new(values.seed, set.n_samples(), views);
    let block = Block::of(set);
    for epoch in 1..=values.epochs {
        sgd.set_lr(values.schedule.lr(values.lr, epoch, values.epochs));
        let kept = |row: &&usize| folds.of_row()[**row / views] != task.left_out;
        let rows = order.next_epoch();
        let batches = rows.chunks(values.batch_size);
        let batches: Vec<Vec<usize>> = batches
            .map(|rows| rows.iter().filter(kept).copied().collect())
            .filter(|rows: &Vec<usize>| !rows.is_empty())
            .collect();
        let batches: Vec<&[usize]> = batches.iter().map(Vec::as_slice).collect();
        sgd.steps_on(&block, views, &batches);
    }
    Ok(sgd.head())
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
    use crate::head::data::Groups;
    use crate::progress::Silent;

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
        // Whatever the candidate, 36 of 40 labels follow the feature; a penalty of 1000 leaves guesses near 1/2.
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
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
    }

    #[test]
    fn the_winner_is_inside_of_what_was_tried_or_at_a_named_edge() {
        // So few and short steps that the largest learning rate of the grid is too small.
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

    #[test]
    fn every_head_is_that_of_sgd_on_its_own_rows() {
        // 45 images with 2 views, 3 classes; groups of several heads and a last batch that is not full.
        let features = Array2::from_shape_fn((90, 7), |(row, column)| {
            ((row * 13 + column * 5) % 17) as f32 / 17.0
        });
        let targets: Vec<usize> = (0..45).map(|image| image % 3).collect();
        let classes = ClassIndex::from_names(["a", "b", "c"]);
        let set = LabelledFeatures::with_views(features.view(), 2, &targets, &classes).unwrap();
        let digests: Vec<_> = (0..45u8).map(|image| [image; 32]).collect();
        let folds = Folds::new(&targets, &Groups::of_equal(&digests), 3, 0).unwrap();
        let base = FitParams::new()
            .batch_size(8)
            .epochs(4)
            .seed(5)
            .nesterov(true);
        let tasks: Vec<Task> = [(0.1, 0.0), (0.03, 0.01)]
            .into_iter()
            .flat_map(|(lr, decay)| {
                let params = base.clone().lr(lr).weight_decay(decay);
                (0..3).map(move |left_out| Task {
                    params: params.clone().check().unwrap(),
                    left_out,
                })
            })
            .collect();
        let weights = [1.0, 2.0, 0.5];
        for (number, task) in tasks.iter().enumerate() {
            let head = train(task, &set, &folds, &weights).unwrap();
            let sgd = Sgd::new(&task.params, &LinearHead::zeros(3, 7));
            let mut sgd = sgd.with_class_weights(weights.to_vec()).unwrap();
            let mut order = RowOrder::new(5, 45, 2);
            for _ in 0..4 {
                for rows in order.next_epoch().chunks(8) {
                    let kept = |row: &&usize| folds.of_row()[**row / 2] != task.left_out;
                    let rows: Vec<usize> = rows.iter().filter(kept).copied().collect();
                    if !rows.is_empty() {
                        sgd.step(&set, &rows).unwrap();
                    }
                }
            }
            let far = (&sgd.head().weight() - &head.weight()).mapv(f32::abs);
            assert!(far.iter().all(|x| *x < 1e-5), "head {number}: {far}");
            assert!(head.weight().iter().any(|x| x.abs() > 0.01));
        }
    }
}
