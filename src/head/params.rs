//! How a head is fitted: the numbers of [`FitValues`], unchecked as typed and checked as used.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::values::{ClassWeight, FitValues};
use crate::error::{Error, Result};

/// Fit parameters as given, not yet checked ([`ParamGuard::check`]).
///
/// ```
/// use frostline::head::FitParams;
/// use linfa::ParamGuard;
///
/// assert!(FitParams::new().lr(0.01).epochs(50).check().is_ok());
/// let error = FitParams::new().momentum(1.0).check().unwrap_err();
/// assert_eq!(error.to_string(), "`--momentum` is 1, but must be at least 0 and below 1");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "FitValues", into = "FitValues")]
pub struct FitParams(FitValidParams);

/// Fit parameters of which every one is within its range; from [`FitParams`] by [`ParamGuard::check`].
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "FitValues", into = "FitValues")]
pub struct FitValidParams(FitValues);

impl FitValidParams {
    /// The numbers.
    #[must_use]
    pub fn values(&self) -> &FitValues {
        &self.0
    }
}

impl FitParams {
    /// The defaults: lr 0.001, momentum 0.9, batches of 32, 25 epochs, nothing else.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The numbers as given.
    #[must_use]
    pub fn values(&self) -> &FitValues {
        self.0.values()
    }

    /// Sets the learning rate, finite and above 0.
    #[must_use]
    pub fn lr(mut self, lr: f32) -> Self {
        self.0.0.lr = lr;
        self
    }

    /// Sets the momentum, in [0, 1).
    #[must_use]
    pub fn momentum(mut self, momentum: f32) -> Self {
        self.0.0.momentum = momentum;
        self
    }

    /// Sets the weight decay, finite, 0 or more.
    #[must_use]
    pub fn weight_decay(mut self, weight_decay: f32) -> Self {
        self.0.0.weight_decay = weight_decay;
        self
    }

    /// Chooses Nesterov's momentum.
    #[must_use]
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.0.0.nesterov = nesterov;
        self
    }

    /// Sets the probability that a feature is left out of a step, in [0, 1).
    #[must_use]
    pub fn dropout(mut self, dropout: f32) -> Self {
        self.0.0.dropout = dropout;
        self
    }

    /// Sets the samples per step, 1 or more.
    #[must_use]
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.0.0.batch_size = batch_size;
        self
    }

    /// Sets the passes over the samples, 1 or more.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.0.0.epochs = epochs;
        self
    }

    /// Sets the seed of the row order and the dropout.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.0.seed = seed;
        self
    }

    /// Chooses how much each class counts.
    #[must_use]
    pub fn class_weight(mut self, class_weight: ClassWeight) -> Self {
        self.0.0.class_weight = class_weight;
        self
    }
}

impl ParamGuard for FitParams {
    type Checked = FitValidParams;
    type Error = Error;

    fn check_ref(&self) -> Result<&FitValidParams> {
        self.values().check()?;
        Ok(&self.0)
    }

    fn check(self) -> Result<FitValidParams> {
        self.values().check()?;
        Ok(self.0)
    }
}

impl From<FitValues> for FitParams {
    fn from(values: FitValues) -> Self {
        Self(FitValidParams(values))
    }
}

impl From<FitParams> for FitValues {
    fn from(params: FitParams) -> Self {
        params.0.0
    }
}

impl TryFrom<FitValues> for FitValidParams {
    type Error = Error;

    fn try_from(values: FitValues) -> Result<Self> {
        FitParams::from(values).check()
    }
}

impl From<FitValidParams> for FitValues {
    fn from(params: FitValidParams) -> Self {
        params.0
    }
}

/// linfa asks this of the error type of every `Fit`.
impl From<linfa::Error> for Error {
    fn from(error: linfa::Error) -> Self {
        Self::Input {
            problem: error.to_string(),
            hint: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(params: FitParams) -> &'static str {
        match params.check().unwrap_err() {
            Error::Parameter { name, .. } => name,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_defaults_are_within_range() {
        assert!(FitParams::new().check().is_ok());
        assert!(FitParams::new().momentum(0.0).check().is_ok());
    }

    #[test]
    fn every_range_is_kept_and_named_as_the_option() {
        let p = FitParams::new;
        for lr in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert_eq!(refused(p().lr(lr)), "--lr");
        }
        for share in [-0.1, 1.0, f32::NAN] {
            assert_eq!(refused(p().momentum(share)), "--momentum");
            assert_eq!(refused(p().dropout(share)), "--dropout");
        }
        for decay in [-1e-9, f32::INFINITY, f32::NAN] {
            assert_eq!(refused(p().weight_decay(decay)), "--weight-decay");
        }
        assert_eq!(refused(p().batch_size(0)), "--batch-size");
        assert_eq!(refused(p().epochs(0)), "--epochs");
        assert_eq!(refused(p().nesterov(true).momentum(0.0)), "--momentum");
    }

    #[test]
    fn json_reads_as_typed_and_checks_what_it_reads() {
        let params = FitParams::new().seed(7).class_weight(ClassWeight::Balanced);
        let json = serde_json::to_value(params).unwrap();
        assert_eq!(json["lr"].to_string(), "0.001");
        assert_eq!(json["class_weight"], "balanced");
        assert_eq!(serde_json::from_value::<FitParams>(json).unwrap(), params);
        assert!(serde_json::from_str::<FitValidParams>(r#"{"epochs": 3}"#).is_ok());
        assert!(serde_json::from_str::<FitValidParams>(r#"{"epochs": 0}"#).is_err());
        assert!(serde_json::from_str::<FitParams>(r#"{"epoch": 3}"#).is_err());
    }
}
