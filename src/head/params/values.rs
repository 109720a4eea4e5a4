//! The values of all fit parameters, with defaults and ranges.

use std::fmt::Display;

use serde::{Deserialize, Serialize, Serializer};

use super::choices::{ClassWeight, Schedule, Solver};
use crate::error::{Result, require};

/// The unchecked parameters of a fit.
///
/// `class_weight` and `label_smoothing` change the loss of SGD and L-BFGS; linfa-logistic supports neither.
/// L-BFGS and linfa-logistic use `l2`, `tol` and `max_iter`. SGD uses `lr`, `schedule`, `momentum`,
/// `weight_decay`, `nesterov`, `dropout`, `batch_size`, `epochs`, `patience`, and `seed` for the row order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FitValues {
    /// The solver.
    pub solver: Solver,
    /// Learning rate; finite, above 0.
    #[serde(serialize_with = "shortest")]
    pub lr: f32,
    /// How the learning rate changes from epoch to epoch.
    pub schedule: Schedule,
    /// Momentum in [0, 1).
    #[serde(serialize_with = "shortest")]
    pub momentum: f32,
    /// L2 penalty on weight and bias, added to the gradient as in PyTorch; finite, 0 or more.
    #[serde(serialize_with = "shortest")]
    pub weight_decay: f32,
    /// Whether to use Nesterov momentum; requires `momentum` above 0.
    pub nesterov: bool,
    /// Probability, in [0, 1), of zeroing a feature in a training step.
    #[serde(serialize_with = "shortest")]
    pub dropout: f32,
    /// Samples per step, 1 or more; the last step of an epoch may have fewer.
    pub batch_size: usize,
    /// Passes over the samples, from 1 to 100,000.
    pub epochs: usize,
    /// Stop after this many epochs (1 or more) without a lower validation loss, and keep the best epoch's
    /// head.
    pub patience: Option<usize>,
    /// Seed of the row order and the dropout.
    pub seed: u64,
    /// L2 penalty on the weight but not the bias, scikit-learn's 1 / C; finite, 0 or more.
    pub l2: f64,
    /// L-BFGS has converged when no gradient entry is larger than this; finite, above 0.
    pub tol: f64,
    /// Maximum number of L-BFGS steps, 1 or more.
    pub max_iter: usize,
    /// Whether to fit on features standardised to mean 0 and standard deviation 1; the fitted head takes raw
    /// features either way.
    pub standardize: bool,
    /// Share of each target, in [0, 1), spread over all classes, as in `torch.nn.CrossEntropyLoss`.
    pub label_smoothing: f64,
    /// The weight of each class in the loss.
    pub class_weight: ClassWeight,
}

impl Default for FitValues {
    fn default() -> Self {
        Self {
            solver: Solver::Sgd,
            lr: 0.001,
            schedule: Schedule::Constant,
            momentum: 0.9,
            weight_decay: 0.0,
            nesterov: false,
            dropout: 0.0,
            batch_size: 32,
            epochs: 25,
            patience: None,
            seed: 0,
            l2: 1.0,
            tol: 1e-6,
            max_iter: 10_000,
            standardize: false,
            label_smoothing: 0.0,
            class_weight: ClassWeight::None,
        }
    }
}

/// Serializes an f32 as its shortest decimal: 0.001, not 0.0010000000474974513, its value in f64.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a field by reference"
)]
pub(crate) fn shortest<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    let shortest = value
        .to_string()
        .parse()
        .unwrap_or_else(|_| f64::from(*value));
    serializer.serialize_f64(shortest)
}

/// The most epochs: a head file stores the metrics of each, and the length of its header is limited.
const MOST_EPOCHS: usize = 100_000;

impl FitValues {
    /// Checks that every value is within its range, and that the solver uses every parameter that is set.
    pub(super) fn check(&self) -> Result<()> {
        let v = self;
        below_1("label_smoothing", v.label_smoothing)?;
        if let ClassWeight::Given(table) = &v.class_weight {
            for weight in table.values() {
                above_0("class_weight", *weight)?;
            }
        }
        match v.solver {
            Solver::Sgd => v.check_sgd()?,
            Solver::Lbfgs => v.check_unused("unset with the solver `lbfgs`")?,
            Solver::Linfa => {
                let built = cfg!(feature = "linfa-logistic");
                let others = "`sgd` or `lbfgs` without the feature `linfa-logistic`";
                require(built, "solver", &"linfa", others)?;
                let wanted = "unset with the solver `linfa`";
                v.check_unused(wanted)?;
                let (smoothing, plain) = (v.label_smoothing, v.class_weight == ClassWeight::None);
                require(smoothing == 0.0, "label_smoothing", &smoothing, wanted)?;
                require(plain, "class_weight", &"set", wanted)?;
            }
        }
        from_0("l2", v.l2)?;
        above_0("tol", v.tol)?;
        from_1("max_iter", v.max_iter)
    }

    fn check_sgd(&self) -> Result<()> {
        let v = self;
        above_0("lr", v.lr)?;
        below_1("momentum", v.momentum)?;
        from_0("weight_decay", v.weight_decay)?;
        below_1("dropout", v.dropout)?;
        from_1("batch_size", v.batch_size)?;
        let epochs = (1..=MOST_EPOCHS).contains(&v.epochs);
        require(epochs, "epochs", &v.epochs, "from 1 to 100000")?;
        let (momentum, wanted) = (v.momentum, "above 0 with `nesterov`");
        let usable = momentum > 0.0 || !v.nesterov;
        require(usable, "momentum", &momentum, wanted)?;
        from_1("patience", v.patience.unwrap_or(1))?;
        let Schedule::Step { step_size, gamma } = v.schedule else {
            return Ok(());
        };
        from_1("step_size", step_size)?;
        let falls = gamma > 0.0 && gamma <= 1.0;
        require(falls, "gamma", &gamma, "above 0 and at most 1")
    }

    /// Returns an error if a parameter of SGD is set for a solver that would ignore it.
    fn check_unused(&self, wanted: &'static str) -> Result<()> {
        let v = self;
        let unused = |unset, name, value: &dyn Display| require(unset, name, value, wanted);
        let (decay, patience) = (v.weight_decay, v.patience);
        unused(v.schedule == Schedule::Constant, "schedule", &"set")?;
        unused(decay == 0.0, "weight_decay", &decay)?;
        unused(v.dropout == 0.0, "dropout", &v.dropout)?;
        unused(!v.nesterov, "nesterov", &"set")?;
        unused(patience.is_none(), "patience", &patience.unwrap_or(0))
    }
}

fn below_1(name: &'static str, x: impl Into<f64> + Copy + Display) -> Result<()> {
    let within = (0.0..1.0).contains(&x.into());
    require(within, name, &x, "at least 0 and below 1")
}

fn above_0(name: &'static str, x: impl Into<f64> + Copy + Display) -> Result<()> {
    let number = x.into();
    let within = number.is_finite() && number > 0.0;
    require(within, name, &x, "a finite number above 0")
}

fn from_0(name: &'static str, x: impl Into<f64> + Copy + Display) -> Result<()> {
    let number = x.into();
    let within = number.is_finite() && number >= 0.0;
    require(within, name, &x, "a finite number, 0 or more")
}

fn from_1(name: &'static str, x: usize) -> Result<()> {
    require(x >= 1, name, &x, "at least 1")
}
