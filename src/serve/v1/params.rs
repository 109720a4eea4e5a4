//! The parameters of `/v1/classify`.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::classifier::Labelling;
use crate::http::Problem;
use crate::serve::classify::labelling;

/// The parameters of a request, in the query, in a form or in the JSON object.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct Params {
    /// The name of the model; not needed if only one is served.
    pub(super) model: Option<String>,
    /// The version of the model; the latest one by default.
    pub(super) version: Option<String>,
    /// How many of the most probable classes are listed [default: 5].
    pub(super) top_k: Option<u32>,
    /// Below this probability the label is `unknown`.
    #[param(minimum = 0, maximum = 1)]
    pub(super) threshold: Option<f64>,
    /// How many of the nearest training images are listed if the server has a gallery [default: 0].
    #[param(maximum = 20)]
    pub(super) nearest: Option<u32>,
}

impl Params {
    const TOP_K: u32 = 5;
    const MOST_NEAREST: u32 = 20;

    /// Returns how many of the nearest training images are listed.
    pub(in crate::serve) fn neighbours(&self) -> Result<usize, Problem> {
        match self.nearest.unwrap_or(0) {
            k if k <= Self::MOST_NEAREST => Ok(k as usize),
            _ => Err(Problem::bad_request("`nearest` must be from 0 to 20")),
        }
    }

    /// Returns how the images are labelled.
    pub(in crate::serve) fn labelling(&self) -> Result<Labelling, Problem> {
        labelling(self.threshold, self.top_k.unwrap_or(Self::TOP_K) as usize)
    }
}
