//! The parameters of a fit as plain numbers, with their defaults and ranges.

use serde::{Deserialize, Serialize, Serializer};

use crate::error::{Error, Result};

/// How much each class counts in the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeight {
    /// Every sample counts the same.
    #[default]
    None,
    /// Every class counts the same: weight N / (classes present · samples of the class), as scikit-learn's `balanced`.
    Balanced,
}

/// The plain numbers; the defaults are the tutorial's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FitValues {
    /// Learning rate, finite, above 0.
    #[serde(serialize_with = "shortest")]
    pub lr: f32,
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
    /// Passes over the samples, 1 or more.
    pub epochs: usize,
    /// Of the row order and the dropout.
    pub seed: u64,
    /// How much each class counts in the loss.
    pub class_weight: ClassWeight,
}

impl Default for FitValues {
    fn default() -> Self {
        Self {
            lr: 0.001,
            momentum: 0.9,
            weight_decay: 0.0,
            nesterov: false,
            dropout: 0.0,
            batch_size: 32,
            epochs: 25,
            seed: 0,
            class_weight: ClassWeight::None,
        }
    }
}

/// 0.001 in f32 is 0.0010000000474974513 in f64; JSON gets the decimal that was meant.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a field over by reference"
)]
fn shortest<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    let shortest = value
        .to_string()
        .parse()
        .unwrap_or_else(|_| f64::from(*value));
    serializer.serialize_f64(shortest)
}

impl FitValues {
    /// Whether every number is within its range.
    pub(super) fn check(&self) -> Result<()> {
        let v = self;
        let from_0_below_1 = "at least 0 and below 1";
        let share = |x: f32| (0.0..1.0).contains(&x);
        require(
            v.lr.is_finite() && v.lr > 0.0,
            "--lr",
            &v.lr,
            "a finite number above 0",
        )?;
        require(share(v.momentum), "--momentum", &v.momentum, from_0_below_1)?;
        let decay = v.weight_decay;
        require(
            decay.is_finite() && decay >= 0.0,
            "--weight-decay",
            &decay,
            "a finite number, 0 or more",
        )?;
        require(share(v.dropout), "--dropout", &v.dropout, from_0_below_1)?;
        require(
            v.batch_size >= 1,
            "--batch-size",
            &v.batch_size,
            "at least 1",
        )?;
        require(v.epochs >= 1, "--epochs", &v.epochs, "at least 1")?;
        let momentum_or_plain = v.momentum > 0.0 || !v.nesterov;
        require(
            momentum_or_plain,
            "--momentum",
            &v.momentum,
            "above 0 with --nesterov",
        )
    }
}

/// The error that names a parameter as the command line does, unless `holds`.
pub(super) fn require(
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
