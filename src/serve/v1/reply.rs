//! The replies of `/v1`.

use serde::Serialize;
use utoipa::ToSchema;

use crate::classes::ClassIndex;
use crate::classifier::Labelling;
use crate::serve::gallery::Near;
use crate::serve::models::Model;
use crate::serve::results::Judged;

/// The models that are served.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct ModelList {
    pub(super) models: Vec<ModelInfo>,
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct ModelInfo {
    /// The name, by which requests choose it.
    name: String,
    /// The version; requests without one get the latest.
    version: String,
    /// The classes, in the order of the head.
    classes: Vec<String>,
    /// The network that computes the features.
    backbone: String,
    /// Whether the head rejects images unlike any training image.
    rejects: bool,
}

impl ModelInfo {
    pub(super) fn of(model: &Model) -> Self {
        let predictor = &model.predictor;
        Self {
            name: model.source.name.clone(),
            version: model.source.version.clone(),
            classes: predictor.classes().iter().map(str::to_owned).collect(),
            backbone: predictor.spec().backbone.name.clone(),
            rejects: predictor.rejection().is_some(),
        }
    }
}

/// The results for the images of a request, in the same order.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Classified {
    /// The model that was used.
    pub(super) model: String,
    /// Its version.
    pub(super) version: String,
    /// A result for each image.
    pub(super) results: Vec<ImageResult>,
}

/// The result for an image.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct ImageResult {
    /// The name that the request gave the image.
    name: String,
    /// Whether the image could be classified.
    status: Status,
    /// Why it could not, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The label: a class or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// The highest probability of a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// Why the label is `unknown`, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The most probable classes, most probable first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    top: Vec<Scored>,
    /// The nearest training images, nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nearest: Vec<TrainingImage>,
}

/// A training image near a classified one.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct TrainingImage {
    /// Its path in the store.
    name: String,
    /// Its class.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// The cosine similarity of the features.
    similarity: f32,
    /// The path of a thumbnail.
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail: Option<String>,
}

/// Whether an image could be classified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::serve) enum Status {
    /// It has a label, which may be `unknown`.
    Ok,
    /// It cannot be used.
    Error,
}

/// A class and its probability.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Scored {
    /// The class.
    label: String,
    /// Its probability.
    probability: f64,
}

impl ImageResult {
    pub(super) fn of(
        name: String,
        judged: Judged,
        classes: &ClassIndex,
        labelling: &Labelling,
    ) -> Self {
        let mut result = Self {
            name,
            status: Status::Error,
            error: None,
            label: None,
            probability: None,
            reason: None,
            top: Vec::new(),
            nearest: Vec::new(),
        };
        let prediction = match judged {
            Ok(prediction) => prediction,
            Err(reason) => {
                result.error = Some(reason.to_string());
                return result;
            }
        };
        let (label, probability) = labelling.label(classes, &prediction);
        let top = labelling.top(classes, &prediction).into_iter();
        result.status = Status::Ok;
        result.label = Some(label.to_owned());
        result.probability = Some(probability);
        result.reason = labelling.why_unknown(classes, &prediction);
        result.top = top
            .map(|(label, probability)| Scored {
                label: label.to_owned(),
                probability,
            })
            .collect();
        result
    }

    pub(super) fn with_nearest(mut self, near: Vec<Near>) -> Self {
        let image = |near: Near| TrainingImage {
            name: near.name,
            label: near.class,
            similarity: near.similarity,
            thumbnail: near.digest.map(|digest| format!("/v1/gallery/{digest}")),
        };
        self.nearest = near.into_iter().map(image).collect();
        self
    }

    pub(super) fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }
}
