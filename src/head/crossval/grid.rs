//! The grid of a search: learning rates × weight decays for SGD, penalties for L-BFGS.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::error::{HeadError, Result};
use crate::head::params::{FitValues, Solver, shortest};

/// Learning rates of SGD, two per decade, from 0.001 to 0.3; they include the tutorial's 0.001.
const LEARNING_RATES: RangeInclusive<i32> = -6..=-1;
/// Weight decays of SGD, two per decade, from 0.0001 to 0.01; 0 is also tried.
const WEIGHT_DECAYS: RangeInclusive<i32> = -8..=-4;
/// Penalties of L-BFGS, five per decade, from 0.001 to 1000.
const L2_STEPS: RangeInclusive<i32> = -15..=15;
const L2_STEPS_TO_A_DECADE: i32 = 5;

/// A parameter that a search can vary.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tunable {
    /// SGD's learning rate.
    Lr,
    /// SGD's weight decay.
    WeightDecay,
    /// L-BFGS's penalty.
    L2,
}

impl Tunable {
    /// Returns the name of the parameter.
    fn name(self) -> &'static str {
        match self {
            Self::Lr => "lr",
            Self::WeightDecay => "weight_decay",
            Self::L2 => "l2",
        }
    }
}

/// The parameters that differ between candidates.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// Parameters of SGD.
    Sgd {
        /// Learning rate.
        #[serde(serialize_with = "shortest")]
        lr: f32,
        /// L2 penalty added to the gradient.
        #[serde(serialize_with = "shortest")]
        weight_decay: f32,
    },
    /// Parameters of L-BFGS.
    Lbfgs {
        /// L2 penalty on the weight, scikit-learn's 1 / C.
        l2: f64,
    },
}

impl Setting {
    /// Returns `values` with these parameters replaced.
    #[must_use]
    pub fn applied_to(self, values: &FitValues) -> FitValues {
        let mut values = values.clone();
        match self {
            Self::Sgd { lr, weight_decay } => {
                (values.lr, values.weight_decay) = (lr, weight_decay);
            }
            Self::Lbfgs { l2 } => values.l2 = l2,
        }
        values
    }
}

/// The settings to try: every combination of the values on each axis.
pub(crate) struct Grid {
    axes: Vec<Axis>,
    /// The requested setting; tried even if it is not on the axes, unless a parameter is fixed.
    given: Setting,
}

/// The values of one parameter.
struct Axis {
    tunable: Tunable,
    /// The only value, if the parameter is fixed.
    fixed: Option<f64>,
    rungs: RangeInclusive<i32>,
}

impl Grid {
    /// Creates the grid of a solver; the parameters in `fixed` keep their values.
    ///
    /// # Errors
    /// [`HeadError::NothingToSearch`] if all parameters are fixed, [`HeadError::NoSearch`] if the solver
    /// cannot be searched.
    pub(crate) fn new(values: &FitValues, fixed: &[Tunable]) -> Result<Self> {
        let along = |tunable: Tunable, value: f64, rungs: RangeInclusive<i32>| Axis {
            tunable,
            fixed: fixed.contains(&tunable).then_some(value),
            rungs,
        };
        let (lr, weight_decay, l2) = (values.lr, values.weight_decay, values.l2);
        let (axes, given) = match values.solver {
            Solver::Sgd => {
                let decay = along(Tunable::WeightDecay, weight_decay.into(), WEIGHT_DECAYS);
                let axes = vec![along(Tunable::Lr, lr.into(), LEARNING_RATES), decay];
                (axes, Setting::Sgd { lr, weight_decay })
            }
            Solver::Lbfgs => (
                vec![along(Tunable::L2, l2, L2_STEPS)],
                Setting::Lbfgs { l2 },
            ),
            Solver::Linfa => {
                let solver = values.solver.name();
                return Err(HeadError::NoSearch { solver }.into());
            }
        };
        if axes.iter().all(|axis| axis.fixed.is_some()) {
            let fixed = axes.iter().map(|axis| axis.tunable.name()).collect();
            return Err(HeadError::NothingToSearch { fixed }.into());
        }
        Ok(Self { axes, given })
    }

    /// Returns all settings to try.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let mut settings: Vec<Setting> = match &self.axes[..] {
            [lr, decay] => {
                let row = |lr| decay.values().map(move |decay| sgd(lr, decay));
                lr.values().flat_map(row).collect()
            }
            axes => axes
                .iter()
                .flat_map(Axis::values)
                .map(|l2| Setting::Lbfgs { l2 })
                .collect(),
        };
        let free = self.axes.iter().all(|axis| axis.fixed.is_none());
        if free && !settings.contains(&self.given) {
            settings.push(self.given);
        }
        settings
    }

    /// Returns the parameters for which the winner has the smallest or largest value tried.
    pub(crate) fn edges(&self, winner: Setting) -> Vec<Tunable> {
        let ends = self
            .axes
            .iter()
            .filter(|axis| axis.ends(winner) != [false; 2]);
        ends.map(|axis| axis.tunable).collect()
    }

    /// Extends the grid beyond the edges where the winner is, and returns the added settings.
    pub(crate) fn extend(&mut self, winner: Setting) -> Vec<Setting> {
        let before = self.settings();
        for axis in &mut self.axes {
            let [smallest, largest] = axis.ends(winner).map(i32::from);
            let steps = axis.tunable.extension();
            let (first, last) = (*axis.rungs.start(), *axis.rungs.end());
            axis.rungs = first - smallest * steps..=last + largest * steps;
        }
        let mut settings = self.settings();
        settings.retain(|setting| !before.contains(setting));
        settings
    }
}

impl Axis {
    fn values(&self) -> impl Iterator<Item = f64> + use<> {
        let none = (self.tunable == Tunable::WeightDecay).then_some(0.0);
        let (fixed, tunable) = (self.fixed, self.tunable);
        let rungs = self.rungs.clone().map(move |rung| tunable.value(rung));
        let free = none
            .into_iter()
            .chain(rungs)
            .filter(move |_| fixed.is_none());
        fixed.into_iter().chain(free)
    }

    /// Returns whether a setting has the smallest value of the axis, and whether it has the largest. The
    /// smallest nonzero weight decay is not an end, because 0 is always tried.
    fn ends(&self, setting: Setting) -> [bool; 2] {
        let value = self.tunable.of(setting).filter(|_| self.fixed.is_none());
        let at = |rung: &i32| value == Some(self.tunable.value(*rung));
        let bounded = self.tunable != Tunable::WeightDecay;
        [bounded && at(self.rungs.start()), at(self.rungs.end())]
    }
}

impl Tunable {
    /// Returns the value of a rung; rung 0 is 1.
    fn value(self, rung: i32) -> f64 {
        if self == Self::L2 {
            // Three digits, so that the values are easy to type.
            let l2 = 10f64.powf(f64::from(rung) / f64::from(L2_STEPS_TO_A_DECADE));
            return format!("{l2:.2e}").parse().unwrap_or(l2);
        }
        let digit = if rung.rem_euclid(2) == 0 { 1 } else { 3 };
        let decimal = format!("{digit}e{}", rung.div_euclid(2));
        // Rounded to f32, so that it equals the value in a `Setting`.
        decimal.parse::<f32>().map_or(f64::NAN, f64::from)
    }

    /// Returns how many rungs an extension adds: a decade of l2, otherwise one.
    fn extension(self) -> i32 {
        if self == Self::L2 {
            L2_STEPS_TO_A_DECADE
        } else {
            1
        }
    }

    /// Returns the value of the parameter in a setting; None if the setting does not have it.
    pub(crate) fn of(self, setting: Setting) -> Option<f64> {
        match (self, setting) {
            (Self::Lr, Setting::Sgd { lr, .. }) => Some(lr.into()),
            (Self::WeightDecay, Setting::Sgd { weight_decay, .. }) => Some(weight_decay.into()),
            (Self::L2, Setting::Lbfgs { l2 }) => Some(l2),
            _ => None,
        }
    }
}

fn sgd(lr: f64, weight_decay: f64) -> Setting {
    Setting::Sgd {
        lr: lr as f32,
        weight_decay: weight_decay as f32,
    }
}

/// Compares settings by learning rate and weight decay, or by penalty.
pub(crate) fn in_order(a: Setting, b: Setting) -> Ordering {
    let key = |setting| [Tunable::Lr, Tunable::WeightDecay, Tunable::L2].map(|t| t.of(setting));
    let pairs = key(a).into_iter().zip(key(b));
    let compared = pairs.map(|(a, b)| a.partial_cmp(&b).unwrap_or(Ordering::Equal));
    compared.fold(Ordering::Equal, Ordering::then)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn the_grids_hold_what_was_asked_for() {
        let settings = |values: &FitValues| Grid::new(values, &[]).unwrap().settings();
        let default = FitValues::default();
        let lr = |setting: &Setting| Tunable::Lr.of(*setting).unwrap() as f32;
        let rates: Vec<f32> = settings(&default).iter().step_by(6).map(lr).collect();
        assert_eq!(rates, [0.001, 0.003, 0.01, 0.03, 0.1, 0.3]);
        let decay = |setting: &Setting| Tunable::WeightDecay.of(*setting).unwrap() as f32;
        let decays: Vec<f32> = settings(&default)[..6].iter().map(decay).collect();
        assert_eq!(decays, [0.0, 0.0001, 0.0003, 0.001, 0.003, 0.01]);
        assert_eq!(settings(&default).len(), 36);
        let other = FitValues {
            lr: 0.002,
            ..FitValues::default()
        };
        assert_eq!(settings(&other).len(), 37);
        let lbfgs = FitValues {
            solver: Solver::Lbfgs,
            ..FitValues::default()
        };
        let penalties = settings(&lbfgs);
        assert_eq!(penalties.len(), 31);
        assert!(penalties.contains(&Setting::Lbfgs { l2: 1.58 }));
        assert_eq!(
            penalties[0].applied_to(&lbfgs).l2.to_bits(),
            0.001f64.to_bits()
        );
    }

    #[test]
    fn a_given_value_is_the_only_one() {
        let values = FitValues {
            lr: 0.002,
            weight_decay: 0.5,
            ..FitValues::default()
        };
        let of = |fixed: &[Tunable]| Grid::new(&values, fixed).map(|grid| grid.settings());
        let rates = of(&[Tunable::WeightDecay]).unwrap();
        assert_eq!(rates.len(), 6);
        assert!(
            rates
                .iter()
                .all(|s| Tunable::WeightDecay.of(*s) == Some(0.5))
        );
        let decays = of(&[Tunable::Lr]).unwrap();
        assert_eq!(decays.len(), 6);
        assert!(
            decays
                .iter()
                .all(|s| Tunable::Lr.of(*s) == Some(f64::from(0.002f32)))
        );
        let error = of(&[Tunable::Lr, Tunable::WeightDecay]).unwrap_err();
        assert!(
            matches!(error, Error::Head(HeadError::NothingToSearch { .. })),
            "{error}"
        );
    }

    #[test]
    fn a_winner_at_the_edge_extends_the_grid() {
        let mut grid = Grid::new(&FitValues::default(), &[]).unwrap();
        let corner = Setting::Sgd {
            lr: 0.3,
            weight_decay: 0.01,
        };
        assert_eq!(grid.edges(corner), [Tunable::Lr, Tunable::WeightDecay]);
        let added = grid.extend(corner);
        // One more row and column: 7 · 7 - 6 · 6.
        assert_eq!(added.len(), 13);
        assert!(added.contains(&Setting::Sgd {
            lr: 1.0,
            weight_decay: 0.03
        }));
        assert!(grid.edges(corner).is_empty());
        let inside = Setting::Sgd {
            lr: 0.01,
            weight_decay: 0.0,
        };
        assert!(grid.edges(inside).is_empty() && grid.extend(inside).is_empty());
        let lbfgs = FitValues {
            solver: Solver::Lbfgs,
            ..FitValues::default()
        };
        let mut grid = Grid::new(&lbfgs, &[]).unwrap();
        let added = grid.extend(Setting::Lbfgs { l2: 0.001 });
        assert_eq!(added.len(), 5);
        assert_eq!(added[0], Setting::Lbfgs { l2: 0.0001 });
    }

    #[test]
    fn json_has_the_decimals_that_were_meant() {
        let setting = Setting::Sgd {
            lr: 0.003,
            weight_decay: 0.0,
        };
        let json = serde_json::to_value(setting).unwrap();
        assert_eq!(json, serde_json::json!({"lr": 0.003, "weight_decay": 0.0}));
        assert_eq!(serde_json::from_value::<Setting>(json).unwrap(), setting);
    }
}
