//! What the server and its models are.

use serde::Serialize;
use utoipa::ToSchema;

use crate::backbones::FeatureSpec;
use crate::serve::models::Model;

/// The server.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct ServerMetadata {
    name: &'static str,
    version: &'static str,
    extensions: Vec<&'static str>,
}

impl ServerMetadata {
    pub(super) fn new() -> Self {
        Self {
            name: "frostline",
            version: env!("CARGO_PKG_VERSION"),
            extensions: vec!["binary_tensor_data", "classification"],
        }
    }
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct ModelMetadata {
    name: String,
    versions: Vec<String>,
    platform: &'static str,
    inputs: Vec<TensorMetadata>,
    outputs: Vec<TensorMetadata>,
}

/// A tensor; -1 is a length that the request chooses.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TensorMetadata {
    name: &'static str,
    datatype: &'static str,
    shape: Vec<i64>,
}

impl ModelMetadata {
    /// Describes a model. A request has one of the inputs.
    pub(super) fn of(model: &Model, versions: &[&str]) -> Self {
        let tensor = |name, datatype, shape: &[i64]| TensorMetadata {
            name,
            datatype,
            shape: shape.to_vec(),
        };
        let values: Vec<i64> = values_shape(model.predictor.spec())
            .into_iter()
            .map(|n| n as i64)
            .collect();
        let classes = model.predictor.classes().len() as i64;
        Self {
            name: model.source.name.clone(),
            versions: versions.iter().map(|&version| version.to_owned()).collect(),
            platform: "frostline",
            inputs: vec![
                tensor("image", "BYTES", &[-1]),
                tensor("pixels", "UINT8", &[-1, -1, -1, 3]),
                tensor("values", "FP32", &[&[-1], &values[..]].concat()),
            ],
            outputs: vec![
                tensor("label", "BYTES", &[-1]),
                tensor("probabilities", "FP32", &[-1, classes]),
                tensor("reason", "BYTES", &[-1]),
            ],
        }
    }
}

/// Returns the shape of an image in the input `values`: that of the network's input, after the number of
/// views if there are several.
pub(super) fn values_shape(spec: &FeatureSpec) -> Vec<usize> {
    let views = Some(spec.views.len()).filter(|&n| n > 1);
    let image = spec.preprocessing.input_shape();
    views.into_iter().chain(image).collect()
}
