//! Why a step failed.

use super::model::HubModel;
use crate::error::{BackboneError, Error, HubProblem};

/// Why a step failed: something about the repository, or an error of this machine.
#[derive(Debug)]
pub(super) enum Fault {
    Hub(HubProblem),
    Other(Error),
}

impl From<HubProblem> for Fault {
    fn from(problem: HubProblem) -> Self {
        Self::Hub(problem)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Fault {
    /// Returns the error for a network on the hub.
    pub(super) fn of(self, model: &HubModel) -> Error {
        match self {
            Self::Hub(problem) => BackboneError::Hub {
                model: model.to_string(),
                problem,
            }
            .into(),
            Self::Other(error) => error,
        }
    }
}
