//! Many softmax regressions to their minima at once: their weights side by side, one product for all of them.

use super::folds::Folds;
use crate::head::data::{LabelledFeatures, Standard};
use crate::head::lbfgs::{Evaluator, Lbfgs, Problem, Step};
use crate::head::linear::{LinearHead, Targets};
use crate::head::params::FitValues;
use crate::progress::Progress;

/// A candidate is judged as near its minimum as scikit-learn's default goes; the winner is refitted to the tolerance
/// that was asked for.
const NEAR_ENOUGH: f64 = 1e-4;
/// Numbers that the minimisers of a group may remember: 512 MiB of f64.
const REMEMBERED: usize = 64 << 20;
/// Vectors that a minimiser has: ten pairs, and its own few.
const VECTORS: usize = 26;

/// One regression among many: its own l2, and the fold that it is not trained on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task {
    pub(crate) l2: f64,
    pub(crate) left_out: usize,
}

/// What all of them have in common.
pub(crate) struct Minima<'a, 'f> {
    pub(crate) set: &'a LabelledFeatures<'f>,
    pub(crate) folds: &'a Folds,
    pub(crate) targets: &'a Targets,
    pub(crate) values: &'a FitValues,
    pub(crate) progress: &'a dyn Progress,
}

impl Minima<'_, '_> {
    /// The head at the minimum of each task, none where it was not reached, given to `each` with the task's number.
    pub(crate) fn find<T>(
        &self,
        tasks: &[Task],
        mut each: impl FnMut(usize, Option<LinearHead>) -> T,
    ) -> Vec<T> {
        let (c, d) = (self.set.classes().len(), self.set.features().ncols());
        let size = (REMEMBERED / (VECTORS * c * (d + 1))).max(1);
        let mut results = Vec::with_capacity(tasks.len());
        for group in tasks.chunks(size) {
            let problems: Vec<Problem> = group.iter().map(|task| self.problem(task)).collect();
            for head in self.minimise(&problems) {
                results.push(each(results.len(), head));
            }
        }
        results
    }

    /// The regression on the rows outside of a fold, standardised by those rows alone.
    fn problem(&self, task: &Task) -> Problem {
        let counted = |&fold: &usize| f64::from(u8::from(fold != task.left_out));
        let images: Vec<f64> = self.folds.of_row().iter().map(counted).collect();
        let standard = if self.values.standardize {
            Some(Standard::of(self.set, &images))
        } else {
            // Changes no minimum, only how soon it is found.
            Standard::centred(self.set, &images)
        };
        Problem::new(self.set, self.targets.clone(), images, task.l2, standard)
    }

    fn minimise(&self, problems: &[Problem]) -> Vec<Option<LinearHead>> {
        let tolerance = self.values.tol.max(NEAR_ENOUGH);
        let (c, d) = (self.set.classes().len(), self.set.features().ncols());
        let zeros = LinearHead::zeros(c, d);
        let start = |problem: &Problem| Lbfgs::new(problem.point(&zeros), tolerance);
        let mut minimisers: Vec<Lbfgs> = problems.iter().map(start).collect();
        let mut found: Vec<Option<LinearHead>> = vec![None; problems.len()];
        let mut at_work: Vec<usize> = (0..problems.len()).collect();
        let mut evaluator = Evaluator::new(self.set);
        while !at_work.is_empty() {
            let ask = |&number: &usize| (&problems[number], minimisers[number].point());
            let asked: Vec<_> = at_work.iter().map(ask).collect();
            let answers = evaluator.evaluate(&asked);
            let mut answers = answers.iter();
            at_work.retain(|&number| {
                let answer = answers.next().expect("an answer for each question");
                let minimiser = &mut minimisers[number];
                let step = minimiser.tell(answer.value, &answer.gradient);
                if step == Step::Converged {
                    found[number] = Some(problems[number].head(minimiser.point()));
                }
                let goes_on =
                    step == Step::Continue && minimiser.iterations() < self.values.max_iter;
                self.progress.advance(u64::from(!goes_on));
                goes_on
            });
        }
        found
    }
}
