//! The solver, the learning rate schedule, and the class weights of a fit.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::classes::ClassIndex;
use crate::error::{DataProblem, Result};

/// The algorithm that minimises the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Solver {
    /// Stochastic gradient descent for a fixed number of epochs, as in `torch.optim.SGD`.
    #[default]
    Sgd,
    /// L-BFGS, run to convergence as in scikit-learn's `LogisticRegression`; deterministic.
    Lbfgs,
    /// The crate `linfa-logistic`, which finds the same minimum but supports no class weights, label
    /// smoothing or multiple views. Requires the feature of the same name, which `cli` enables.
    Linfa,
}

impl Solver {
    /// Returns the solver's name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Lbfgs => "lbfgs",
            Self::Linfa => "linfa",
        }
    }
}

/// The learning rate of each epoch, as set by PyTorch's schedulers when stepped once per epoch.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Schedule {
    /// The same in every epoch.
    #[default]
    Constant,
    /// Half a cosine from the learning rate towards 0: `CosineAnnealingLR(T_max=epochs)`.
    Cosine,
    /// Multiplied by `gamma` after every `step_size` epochs: `StepLR`.
    Step {
        /// Epochs between two changes, 1 or more.
        step_size: usize,
        /// The factor, above 0 and at most 1.
        gamma: f64,
    },
}

impl Schedule {
    /// Returns the learning rate of `epoch`, counted from 1, out of `epochs`; `lr` is the initial rate.
    #[must_use]
    pub fn lr(self, lr: f32, epoch: usize, epochs: usize) -> f32 {
        self.stretched_lr(lr, epoch, epochs, epochs)
    }

    /// Returns the learning rate of `epoch`, counted from 1, when a schedule planned for `planned` epochs is
    /// stretched over `epochs`.
    pub(crate) fn stretched_lr(self, lr: f32, epoch: usize, epochs: usize, planned: usize) -> f32 {
        let before = epoch.saturating_sub(1);
        let factor = match self {
            Self::Constant => return lr,
            Self::Cosine => f64::midpoint(1.0, (PI * before as f64 / epochs as f64).cos()),
            Self::Step { step_size, gamma } => {
                let planned_before = before as u128 * planned as u128 / epochs.max(1) as u128;
                gamma.powf((planned_before / step_size as u128) as f64)
            }
        };
        (f64::from(lr) * factor) as f32
    }
}

/// The weight of each class in the loss.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ClassWeight {
    /// Every class has weight 1.
    #[default]
    None,
    /// Every class counts the same: its weight is N / (classes present · samples of the class), as for
    /// scikit-learn's `balanced`.
    Balanced,
    /// The weight of each class by name, finite and above 0, like scikit-learn's dictionary.
    Given(BTreeMap<String, f64>),
}

impl ClassWeight {
    /// Returns the weight of each class in the loss, (C), given the sample count of each class. With
    /// `Balanced`, a class without samples gets weight 1, which nothing uses.
    ///
    /// # Errors
    /// [`DataProblem`] when the given weights are not for exactly these classes.
    pub(crate) fn weights(&self, classes: &ClassIndex, counts: &[usize]) -> Result<Vec<f64>> {
        let samples: usize = counts.iter().sum();
        let present = counts.iter().filter(|&&n| n > 0).count();
        let balanced = |&n: &usize| match n {
            0 => 1.0,
            n => samples as f64 / (present * n) as f64,
        };
        Ok(match self {
            Self::None => vec![1.0; counts.len()],
            Self::Balanced => counts.iter().map(balanced).collect(),
            Self::Given(table) => {
                same_classes(table, classes)?;
                classes.iter().map(|name| table[name]).collect()
            }
        })
    }
}

fn same_classes(table: &BTreeMap<String, f64>, classes: &ClassIndex) -> Result<(), DataProblem> {
    let missing = classes.iter().filter(|name| !table.contains_key(*name));
    let missing: Vec<String> = missing.map(ToOwned::to_owned).collect();
    if !missing.is_empty() {
        return Err(DataProblem::ClassesWithoutWeight(missing));
    }
    let unknown = table.keys();
    let unknown = unknown.filter(|name| classes.class_to_idx(name).is_none());
    let unknown: Vec<String> = unknown.cloned().collect();
    if !unknown.is_empty() {
        return Err(DataProblem::WeightsWithoutClass(unknown));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f32, b: f32) -> bool {
        (a - b).abs() < 1e-7
    }

    #[test]
    fn schedules_are_those_of_paper() {
        // cos 0, π/4, π/2, 3π/4 for four epochs: 1, (1 + √½) / 2, 1/2, (1 - √½) / 2.
        let cosine = |epoch| Schedule::Cosine.lr(1.0, epoch, 4);
        assert!(close(cosine(1), 1.0) && close(cosine(2), 0.853_553_4));
        assert!(close(cosine(3), 0.5) && close(cosine(4), 0.146_446_6));
        let schedule = Schedule::Step {
            step_size: 2,
            gamma: 0.1,
        };
        let step = [1, 2, 3, 4, 5].map(|epoch| schedule.lr(0.5, epoch, 5));
        assert!(
            step.iter()
                .zip([0.5, 0.5, 0.05, 0.05, 0.005])
                .all(|(a, b)| close(*a, b))
        );
        assert_eq!(
            Schedule::Constant.lr(0.3, 9, 10).to_bits(),
            0.3f32.to_bits()
        );
    }

    #[test]
    fn a_stretched_schedule_keeps_its_curve() {
        // A schedule of 4 epochs with a step after every 2, stretched over 10: the rate drops in the middle.
        let step = Schedule::Step {
            step_size: 2,
            gamma: 0.1,
        };
        let rates =
            |schedule: Schedule| (1..=10).map(move |e| schedule.stretched_lr(1.0, e, 10, 4));
        let expected = [1.0f32; 5].into_iter().chain([0.1; 5]);
        assert!(rates(step).zip(expected).all(|(a, b)| close(a, b)));
        assert!(
            rates(Schedule::Cosine)
                .zip(1..)
                .all(|(a, e)| close(a, Schedule::Cosine.lr(1.0, e, 10)))
        );
        assert!(rates(Schedule::Constant).all(|rate| close(rate, 1.0)));
    }

    #[test]
    fn balanced_weights_are_those_of_scikit_learn() {
        // compute_class_weight("balanced", y=[0] * 6 + [2] * 2): 8 / (2 * 6) and 8 / (2 * 2).
        let classes = ClassIndex::from_names(["a", "b", "c"]);
        let weights = ClassWeight::Balanced.weights(&classes, &[6, 0, 2]).unwrap();
        assert!((weights[0] - 2.0 / 3.0).abs() < 1e-15 && (weights[2] - 2.0).abs() < 1e-15);
        let weights = ClassWeight::None.weights(&classes, &[6, 0, 2]).unwrap();
        assert!(weights == [1.0; 3]);
    }

    #[test]
    fn given_weights_are_held_against_the_classes() {
        let classes = ClassIndex::from_names(["a", "b"]);
        let of = |names: &[&str]| {
            let table = names
                .iter()
                .zip(1..)
                .map(|(name, w)| ((*name).to_owned(), f64::from(w)));
            ClassWeight::Given(table.collect()).weights(&classes, &[1, 1])
        };
        assert!(of(&["b", "a"]).unwrap() == [2.0, 1.0]);
        let missing = of(&["b"]).unwrap_err().to_string();
        assert_eq!(missing, "the class weights have no entry for `a`");
        let unknown = of(&["a", "b", "c"]).unwrap_err().to_string();
        assert_eq!(unknown, "the class weights name unknown classes: `c`");
    }
}
