//! What a search tries: learning rates × weight decays for SGD, penalties for L-BFGS.

use serde::{Deserialize, Serialize};

use crate::head::choices::Solver;
use crate::head::values::{FitValues, shortest};

/// Learning rates of SGD, two to a decade; the tutorial's 0.001 is one of them.
const LEARNING_RATES: [f32; 6] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3];
/// Weight decays of SGD: none, and two to a decade.
const WEIGHT_DECAYS: [f32; 6] = [0.0, 0.0001, 0.0003, 0.001, 0.003, 0.01];

/// Penalties of L-BFGS: five to a decade, from 0.001 to 1000.
const L2_STEPS: std::ops::RangeInclusive<i32> = -15..=15;
const L2_STEPS_TO_A_DECADE: f64 = 5.0;

/// The parameters that a candidate has of its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// Of SGD.
    Sgd {
        /// Learning rate.
        #[serde(serialize_with = "shortest")]
        lr: f32,
        /// L2 penalty added to the gradient.
        #[serde(serialize_with = "shortest")]
        weight_decay: f32,
    },
    /// Of L-BFGS.
    Lbfgs {
        /// L2 penalty on the weight, scikit-learn's 1 / C.
        l2: f64,
    },
}

impl Setting {
    /// Puts them into the place of those of `values`.
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

/// All that is tried: the grid, and what was asked for where it is not on it.
pub(super) fn settings(values: &FitValues) -> Vec<Setting> {
    let (mut settings, given) = match values.solver {
        Solver::Sgd => {
            let (lr, weight_decay) = (values.lr, values.weight_decay);
            (sgd(), Setting::Sgd { lr, weight_decay })
        }
        Solver::Lbfgs => (lbfgs(), Setting::Lbfgs { l2: values.l2 }),
    };
    if !settings.contains(&given) {
        settings.push(given);
    }
    settings
}

fn sgd() -> Vec<Setting> {
    let row = |lr| WEIGHT_DECAYS.map(|weight_decay| Setting::Sgd { lr, weight_decay });
    LEARNING_RATES.into_iter().flat_map(row).collect()
}

fn lbfgs() -> Vec<Setting> {
    // Three digits, so that the numbers can be typed.
    let rounded = |l2: f64| format!("{l2:.2e}").parse().unwrap_or(l2);
    let penalty = |step: i32| 10f64.powf(f64::from(step) / L2_STEPS_TO_A_DECADE);
    let setting = |step| Setting::Lbfgs {
        l2: rounded(penalty(step)),
    };
    L2_STEPS.map(setting).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grids_hold_what_was_asked_for() {
        let default = FitValues::default();
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
