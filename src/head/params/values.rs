//! The parameters of a fit as plain numbers, with their defaults and ranges.

use serde::{Deserialize, Serialize, Serializer};

use super::choices::{ClassWeight, Schedule, Solver};
use crate::error::{Error, Result};

/// The plain numbers; the defaults are the tutorial's.
///
/// The loss is that of `class_weight` and `label_smoothing` under either solver. `l2`, `tol` and `max_iter` are
/// those of L-BFGS and linfa-logistic, which has neither class weights nor smoothing; `lr`, `schedule`, `momentum`, `weight_decay`, `nesterov`, `dropout`, `batch_size`, `epochs`,
/// `patience` and the row order of `seed` are SGD's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FitValues {
    /// How the minimum is looked for.
    pub solver: Solver,
    /// Learning rate, finite, above 0.
    #[serde(serialize_with = "shortest")]
    pub lr: f32,
    /// How the learning rate changes from epoch to epoch.
    pub schedule: Schedule,
    /// Momentum in [0, 1).
    #[serde(serialize_with = "shortest")]
    pub momentum: f32,
    /// L2 penalty on weight and bias, as torch adds it to the gradient; finite, 0 or more.
    #[serde(serialize_with = "shortest")]
    pub weight_decay: f32,
    /// Nesterov's momentum; needs a momentum above 0.
    pub nesterov: bool,
    /// Probability in [0, 1) that a feature is left out of a training step.
    #[serde(serialize_with = "shortest")]
    pub dropout: f32,
    /// Samples per step, 1 or more; the last step of an epoch takes what is left.
    pub batch_size: usize,
    /// Passes over the samples, from 1 to 100,000.
    pub epochs: usize,
    /// Stop when the validation loss has not fallen for so many epochs, 1 or more, and keep the best epoch's head.
    pub patience: Option<usize>,
    /// Of the row order and the dropout.
    pub seed: u64,
    /// L2 penalty on the weight, the bias left out: scikit-learn's 1 / C; finite, 0 or more.
    pub l2: f64,
    /// L-BFGS ends when no entry of the gradient is larger; finite, above 0.
    pub tol: f64,
    /// Steps that L-BFGS may take, 1 or more.
    pub max_iter: usize,
    /// Whether features are given mean 0 and standard deviation 1 first; the head takes features as they are either way.
    pub standardize: bool,
    /// Share of each target in [0, 1) that is spread over all classes, as `torch.nn.CrossEntropyLoss` does.
    pub label_smoothing: f64,
    /// How much each class counts in the loss.
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

/// 0.001 in f32 is 0.0010000000474974513 in f64; JSON gets the decimal that was meant.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a field over by reference"
)]
pub(crate) fn shortest<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    let shortest = value
        .to_string()
        .parse()
        .unwrap_or_else(|_| f64::from(*value));
    serializer.serialize_f64(shortest)
}

/// A head file keeps the figures of each epoch, and has no room for more.
const MOST_EPOCHS: usize = 100_000;

const FROM_0_BELOW_1: &str = "at least 0 and below 1";
const ABOVE_0: &str = "a finite number above 0";
const FROM_0: &str = "a finite number, 0 or more";
const FROM_1: &str = "at least 1";

impl FitValues {
    /// Whether every number is within its range.
    pub(crate) fn check(&self) -> Result<()> {
        let v = self;
        require(
            share(v.label_smoothing),
            "--label-smoothing",
            &v.label_smoothing,
            FROM_0_BELOW_1,
        )?;
        if let ClassWeight::Given(table) = &v.class_weight {
            for weight in table.values() {
                require(positive(*weight), "--class-weight", weight, ABOVE_0)?;
            }
        }
        match v.solver {
            Solver::Sgd => v.check_sgd()?,
            Solver::Lbfgs => v.check_unused("left out with --solver lbfgs")?,
            Solver::Linfa => {
                let wanted = "left out with --solver linfa";
                v.check_unused(wanted)?;
                let (smoothing, plain) = (v.label_smoothing, v.class_weight == ClassWeight::None);
                require(smoothing == 0.0, "--label-smoothing", &smoothing, wanted)?;
                require(plain, "--class-weight", &"given", wanted)?;
            }
        }
        require(v.l2.is_finite() && v.l2 >= 0.0, "--l2", &v.l2, FROM_0)?;
        require(positive(v.tol), "--tol", &v.tol, ABOVE_0)?;
        require(v.max_iter >= 1, "--max-iter", &v.max_iter, FROM_1)
    }

    fn check_sgd(&self) -> Result<()> {
        let v = self;
        let decay = v.weight_decay;
        require(positive(v.lr.into()), "--lr", &v.lr, ABOVE_0)?;
        require(
            share(v.momentum.into()),
            "--momentum",
            &v.momentum,
            FROM_0_BELOW_1,
        )?;
        require(
            decay.is_finite() && decay >= 0.0,
            "--weight-decay",
            &decay,
            FROM_0,
        )?;
        require(
            share(v.dropout.into()),
            "--dropout",
            &v.dropout,
            FROM_0_BELOW_1,
        )?;
        require(v.batch_size >= 1, "--batch-size", &v.batch_size, FROM_1)?;
        let epochs = (1..=MOST_EPOCHS).contains(&v.epochs);
        require(epochs, "--epochs", &v.epochs, "from 1 to 100000")?;
        let momentum_or_plain = v.momentum > 0.0 || !v.nesterov;
        require(
            momentum_or_plain,
            "--momentum",
            &v.momentum,
            "above 0 with --nesterov",
        )?;
        require(v.patience != Some(0), "--patience", &0, FROM_1)?;
        let Schedule::Step { step_size, gamma } = v.schedule else {
            return Ok(());
        };
        require(step_size >= 1, "--step-size", &step_size, FROM_1)?;
        let falls = gamma > 0.0 && gamma <= 1.0;
        require(falls, "--gamma", &gamma, "above 0, and 1 at most")
    }

    /// What goes to the minimum would pass over what would change the result.
    fn check_unused(&self, wanted: &'static str) -> Result<()> {
        let v = self;
        require(
            v.schedule == Schedule::Constant,
            "--schedule",
            &"given",
            wanted,
        )?;
        require(
            v.weight_decay == 0.0,
            "--weight-decay",
            &v.weight_decay,
            wanted,
        )?;
        require(v.dropout == 0.0, "--dropout", &v.dropout, wanted)?;
        require(!v.nesterov, "--nesterov", &"given", wanted)?;
        require(
            v.patience.is_none(),
            "--patience",
            &v.patience.unwrap_or(0),
            wanted,
        )
    }
}

fn share(x: f64) -> bool {
    (0.0..1.0).contains(&x)
}

fn positive(x: f64) -> bool {
    x.is_finite() && x > 0.0
}

/// The error that names a parameter as the command line does, unless `holds`.
pub(crate) fn require(
    holds: bool,
    name: &'static str,
    value: &dyn ToString,
    wanted: &'static str,
) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Parameter {
        name,
        value: value.to_string(),
        wanted,
    })
}
