//! The builder of fit parameters, and their checked form.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::choices::{ClassWeight, Schedule, Solver};
use super::values::FitValues;
use crate::error::{Error, HeadError, Result};

/// Unchecked fit parameters; linfa's `ParamGuard::check` checks their ranges.
///
/// ```
/// use frostline::head::FitParams;
/// use linfa::ParamGuard;
///
/// assert!(FitParams::new().lr(0.01).epochs(50).check().is_ok());
/// let error = FitParams::new().momentum(1.0).check().unwrap_err();
/// assert_eq!(error.to_string(), "`momentum` is 1, but must be at least 0 and below 1");
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "FitValues", into = "FitValues")]
pub struct FitParams(FitValidParams);

/// Checked fit parameters, returned by linfa's `ParamGuard::check` on [`FitParams`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "FitValues", into = "FitValues")]
pub struct FitValidParams(FitValues);

impl FitValidParams {
    /// Returns the parameter values.
    #[must_use]
    pub fn values(&self) -> &FitValues {
        &self.0
    }
}

impl FitParams {
    /// Returns the defaults: SGD with lr 0.001 and momentum 0.9, batches of 32, and 25 epochs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the unchecked parameter values.
    #[must_use]
    pub fn values(&self) -> &FitValues {
        self.0.values()
    }
}

/// Defines one builder method for each field of [`FitValues`].
macro_rules! setters {
    ($($(#[$doc:meta])+ $name:ident: $type:ty),+ $(,)?) => {
        impl FitParams {$(
            $(#[$doc])+
            #[must_use]
            pub fn $name(mut self, $name: $type) -> Self {
                self.0.0.$name = $name;
                self
            }
        )+}
    };
}

setters! {
    /// Sets the solver.
    solver: Solver,
    /// Sets the learning rate, finite and above 0.
    lr: f32,
    /// Sets how the learning rate changes from epoch to epoch.
    schedule: Schedule,
    /// Sets the momentum, in [0, 1).
    momentum: f32,
    /// Sets the weight decay, finite, 0 or more.
    weight_decay: f32,
    /// Sets whether to use Nesterov momentum.
    nesterov: bool,
    /// Sets the probability of zeroing a feature in a step, in [0, 1).
    dropout: f32,
    /// Sets the number of samples per step, 1 or more.
    batch_size: usize,
    /// Sets the number of passes over the samples, from 1 to 100,000.
    epochs: usize,
    /// Sets the number of epochs (1 or more) without a lower validation loss after which to stop; the best
    /// epoch's head is kept.
    patience: Option<usize>,
    /// Sets the seed of the row order and the dropout.
    seed: u64,
    /// Sets L-BFGS's L2 penalty on the weight, scikit-learn's 1 / C; finite, 0 or more.
    l2: f64,
    /// Sets the largest gradient entry at which L-BFGS has converged, finite and above 0.
    tol: f64,
    /// Sets the maximum number of L-BFGS steps, 1 or more.
    max_iter: usize,
    /// Sets whether to fit on features standardised to mean 0 and standard deviation 1; the fitted head takes
    /// raw features either way.
    standardize: bool,
    /// Sets the share of each target spread over all classes, in [0, 1).
    label_smoothing: f64,
    /// Sets the weight of each class in the loss.
    class_weight: ClassWeight,
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

/// linfa requires this conversion for the error type of every `Fit`.
impl From<linfa::Error> for Error {
    fn from(error: linfa::Error) -> Self {
        HeadError::Linfa(error.to_string()).into()
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
    fn every_range_is_kept_and_named_as_the_field() {
        let p = FitParams::new;
        for lr in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert_eq!(refused(p().lr(lr)), "lr");
        }
        for share in [-0.1, 1.0, f32::NAN] {
            assert_eq!(refused(p().momentum(share)), "momentum");
            assert_eq!(refused(p().dropout(share)), "dropout");
        }
        for decay in [-1e-9, f32::INFINITY, f32::NAN] {
            assert_eq!(refused(p().weight_decay(decay)), "weight_decay");
        }
        assert_eq!(refused(p().batch_size(0)), "batch_size");
        for epochs in [0, 100_001, usize::MAX] {
            assert_eq!(refused(p().epochs(epochs)), "epochs");
        }
        assert!(p().epochs(100_000).check().is_ok());
        assert_eq!(refused(p().nesterov(true).momentum(0.0)), "momentum");
        assert_eq!(refused(p().patience(Some(0))), "patience");
        for share in [-0.1, 1.0, f64::NAN] {
            assert_eq!(refused(p().label_smoothing(share)), "label_smoothing");
        }
        for (step_size, gamma, name) in
            [(0, 0.1, "step_size"), (1, 0.0, "gamma"), (1, 1.1, "gamma")]
        {
            assert_eq!(
                refused(p().schedule(Schedule::Step { step_size, gamma })),
                name
            );
        }
        for weight in [0.0, -1.0, f64::INFINITY] {
            let given = ClassWeight::Given([("a".to_owned(), weight)].into());
            assert_eq!(refused(p().class_weight(given)), "class_weight");
        }
    }

    #[test]
    fn lbfgs_has_ranges_of_its_own_and_refuses_what_it_does_not_use() {
        let p = || FitParams::new().solver(Solver::Lbfgs);
        assert!(p().l2(0.0).check().is_ok());
        for l2 in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(refused(p().l2(l2)), "l2");
        }
        assert_eq!(refused(p().tol(0.0)), "tol");
        assert_eq!(refused(p().max_iter(0)), "max_iter");
        assert_eq!(refused(p().patience(Some(3))), "patience");
        assert_eq!(refused(p().schedule(Schedule::Cosine)), "schedule");
        assert_eq!(refused(p().dropout(0.5)), "dropout");
        assert_eq!(refused(p().weight_decay(0.1)), "weight_decay");
        assert_eq!(refused(p().nesterov(true)), "nesterov");
    }

    #[test]
    fn linfa_refuses_what_it_cannot_do() {
        let p = || FitParams::new().solver(Solver::Linfa);
        assert!(p().l2(0.5).tol(1e-5).standardize(true).check().is_ok());
        assert_eq!(refused(p().label_smoothing(0.1)), "label_smoothing");
        let balanced = p().class_weight(ClassWeight::Balanced);
        assert_eq!(refused(balanced), "class_weight");
        assert_eq!(refused(p().patience(Some(3))), "patience");
        assert_eq!(refused(p().dropout(0.5)), "dropout");
        assert_eq!(refused(p().l2(-1.0)), "l2");
    }

    #[test]
    fn json_reads_as_typed_and_checks_what_it_reads() {
        let params = FitParams::new().seed(7).class_weight(ClassWeight::Balanced);
        let json = serde_json::to_value(&params).unwrap();
        assert_eq!(json["lr"].to_string(), "0.001");
        assert_eq!(json["class_weight"], "balanced");
        assert_eq!(serde_json::from_value::<FitParams>(json).unwrap(), params);
        let schedule = Schedule::Step {
            step_size: 3,
            gamma: 0.5,
        };
        let weights = ClassWeight::Given([("a".to_owned(), 2.0)].into());
        let params = FitParams::new().schedule(schedule).class_weight(weights);
        let json = serde_json::to_string(&params).unwrap();
        assert_eq!(serde_json::from_str::<FitParams>(&json).unwrap(), params);
        assert!(serde_json::from_str::<FitValidParams>(r#"{"epochs": 3}"#).is_ok());
        assert!(serde_json::from_str::<FitValidParams>(r#"{"epochs": 0}"#).is_err());
        assert!(serde_json::from_str::<FitParams>(r#"{"epoch": 3}"#).is_err());
    }
}
