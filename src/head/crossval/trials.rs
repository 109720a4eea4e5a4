//! Trains and evaluates the candidates of a search on all folds.

use linfa::ParamGuard;

use super::candidate::{Candidate, evaluate, summed};
use super::folds::Folds;
use super::grid::Setting;
use crate::error::Result;
use crate::head::data::{Block, LabelledFeatures, RowOrder, Standard};
use crate::head::fit::ValidationSums;
use crate::head::lbfgs::{Problem, Stop, minimise_all};
use crate::head::linear::LinearHead;
use crate::head::parallel::in_parallel;
use crate::head::params::{FitParams, FitValidParams, FitValues, Solver};
use crate::head::sgd::Sgd;
use crate::progress::Progress;

/// The tightest tolerance for candidates, scikit-learn's default; the winner is fitted again with the
/// requested tolerance.
const NEAR_ENOUGH: f64 = 1e-4;

/// The most values that the minimisers of a group may store: 512 MiB of f64.
const REMEMBERED: usize = 64 << 20;

/// Vectors that one minimiser stores: ten pairs, and a few more.
const VECTORS: usize = 26;

/// What all candidates of a search share.
pub(super) struct Trials<'a, 'f> {
    pub(super) values: &'a FitValues,
    pub(super) set: &'a LabelledFeatures<'f>,
    pub(super) folds: &'a Folds,
    pub(super) progress: &'a dyn Progress,
}

impl Trials<'_, '_> {
    /// Returns the candidates of some settings, with their metrics.
    pub(super) fn evaluated(&self, settings: Vec<Setting>) -> Result<Vec<Candidate>> {
        let k = self.folds.k();
        let heads = settings.len() * k;
        self.progress.begin("search fits", heads as u64);
        let mut tasks = Vec::with_capacity(heads);
        for setting in &settings {
            let params = FitParams::from(setting.applied_to(self.values)).check()?;
            tasks.extend((0..k).map(|left_out| Task {
                params: params.clone(),
                left_out,
            }));
        }
        let evaluated = match self.values.solver {
            Solver::Sgd => self.by_sgd(&tasks),
            Solver::Lbfgs | Solver::Linfa => self.by_lbfgs(&tasks),
        };
        self.progress.end();
        let evaluated = evaluated?;
        let folds = settings.into_iter().zip(evaluated.chunks(k));
        let candidate = |(setting, folds)| Candidate {
            setting,
            figures: summed(folds),
        };
        Ok(folds.map(candidate).collect())
    }

    /// Trains all tasks with SGD; returns the sums of each, in order.
    fn by_sgd(&self, tasks: &[Task]) -> Result<Vec<Option<ValidationSums>>> {
        let (values, set, folds) = (self.values, self.set, self.folds);
        // Standardising once on all rows saves a copy of the features per fold; the means and deviations do
        // not depend on labels.
        let standard = || Standard::of(set, &vec![1.0; set.n_samples()]);
        let features = values.standardize.then(|| standard().apply(set.features()));
        let set = match &features {
            Some(features) => set.with_features(features.view()),
            None => set.reborrow(),
        };
        let class_weights = self.class_weights()?;
        let evaluated = in_parallel(tasks.len(), |number| {
            let task = &tasks[number];
            let head = train(task, &set, folds, &class_weights, self.progress)?;
            self.progress.advance(1);
            Ok(evaluate(&head, &set, folds, task.left_out))
        });
        evaluated.into_iter().collect()
    }

    /// Trains all tasks with L-BFGS; returns the sums of each, in order. As many problems as memory allows
    /// share a matrix product.
    fn by_lbfgs(&self, tasks: &[Task]) -> Result<Vec<Option<ValidationSums>>> {
        let (set, folds, class_weights) = (self.set, self.folds, self.class_weights()?);
        let zeros = LinearHead::zeros(set.classes().len(), set.features().ncols());
        let stop = Stop {
            tolerance: self.values.tol.max(NEAR_ENOUGH),
            iterations: self.values.max_iter,
            progress: self.progress,
        };
        let problem = |task: &Task| {
            let counted = |&fold: &usize| f64::from(u8::from(fold != task.left_out));
            let images = folds.of_row().iter().map(counted).collect();
            Problem::of(set, task.params.values(), class_weights.clone(), images)
        };
        let parameters = zeros.n_classes() * (zeros.n_features() + 1);
        let at_once = (REMEMBERED / (VECTORS * parameters)).max(1);
        let mut evaluated = Vec::with_capacity(tasks.len());
        for tasks in tasks.chunks(at_once) {
            let problems: Vec<Problem> = tasks.iter().map(problem).collect();
            let reached = minimise_all(set, &problems, &zeros, stop, &|| self.progress.advance(1))?;
            for ((task, problem), reached) in tasks.iter().zip(&problems).zip(reached) {
                let head = reached.converged.then(|| problem.head(&reached.point));
                evaluated.push(head.and_then(|head| evaluate(&head, set, folds, task.left_out)));
            }
        }
        Ok(evaluated)
    }

    fn class_weights(&self) -> Result<Vec<f64>> {
        let class_weight = &self.values.class_weight;
        class_weight.weights(self.set.classes(), &self.set.class_counts())
    }
}

/// A setting to fit without one of the folds.
struct Task {
    params: FitValidParams,
    left_out: usize,
}

/// Trains a head by SGD from zero weights, on the batches of all rows without the rows of the task's fold.
fn train(
    task: &Task,
    set: &LabelledFeatures<'_>,
    folds: &Folds,
    class_weights: &[f64],
    progress: &dyn Progress,
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
        sgd.steps_on(&block, views, &batches, progress)?;
    }
    Ok(sgd.head())
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::classes::ClassIndex;
    use crate::head::data::Groups;
    use crate::progress::Silent;

    #[test]
    fn every_head_is_that_of_sgd_on_its_own_rows() {
        // 45 images with 2 views and 3 classes; the last batch of an epoch is not full.
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
            let head = train(task, &set, &folds, &weights, &Silent).unwrap();
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
