//! The JSON of inference requests. Members and parameters that are not known are ignored, as the protocol
//! demands of servers for parameters of other servers' extensions.

use serde::Deserialize;
use utoipa::ToSchema;

use super::numbers::Data;
use crate::serve::bounded::bounded;

/// An inference request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object with `inputs`")]
pub(in crate::serve) struct InferRequest {
    /// Is repeated in the reply.
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) parameters: RequestParameters,
    #[serde(deserialize_with = "bounded")]
    pub(in crate::serve) inputs: Vec<InputTensor>,
    /// The outputs to return; all of them by default.
    #[serde(default, deserialize_with = "bounded")]
    pub(super) outputs: Vec<RequestedOutput>,
}

/// The parameters of a request.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
pub(super) struct RequestParameters {
    /// Whether outputs are binary unless they say otherwise.
    #[serde(default)]
    pub(super) binary_data_output: bool,
    /// Below this probability the label is `unknown`.
    #[schema(minimum = 0, maximum = 1)]
    pub(super) threshold: Option<f64>,
    /// A parameter of outputs, which is refused here.
    #[schema(ignore)]
    pub(super) classification: Option<serde::de::IgnoredAny>,
}

/// An input tensor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object with `name`, `shape` and `datatype`")]
pub(in crate::serve) struct InputTensor {
    pub(super) name: String,
    pub(in crate::serve) shape: Vec<u64>,
    pub(super) datatype: String,
    #[serde(default)]
    pub(super) parameters: InputParameters,
    /// The elements in row-major order, flat or nested; absent if they are binary.
    #[schema(value_type = Option<Vec<serde_json::Value>>)]
    pub(super) data: Option<Data>,
}

/// The parameters of an input.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
pub(super) struct InputParameters {
    /// The number of bytes after the JSON.
    pub(super) binary_data_size: Option<usize>,
}

/// An output that is requested.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object with `name`")]
pub(super) struct RequestedOutput {
    pub(super) name: String,
    #[serde(default)]
    pub(super) parameters: OutputParameters,
}

/// The parameters of an output.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
pub(super) struct OutputParameters {
    /// Whether to return the output after the JSON.
    pub(super) binary_data: Option<bool>,
    /// How many of the most probable classes to return, as texts.
    pub(super) classification: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the protocol's specification.
    #[test]
    fn the_example_of_the_protocol_is_read() {
        let request = r#"{
            "id" : "42",
            "inputs" : [
                { "name" : "input0", "shape" : [ 2, 2 ], "datatype" : "UINT32", "data" : [ 1, 2, 3, 4 ] },
                { "name" : "input1", "shape" : [ 3 ], "datatype" : "BOOL", "data" : [ true ] }
            ],
            "outputs" : [ { "name" : "output0" } ]
        }"#;
        let request: InferRequest = serde_json::from_str(request).unwrap();
        assert_eq!(request.id.as_deref(), Some("42"));
        let [input0, input1] = &request.inputs[..] else {
            panic!("two inputs")
        };
        assert_eq!((&*input0.name, &*input0.datatype), ("input0", "UINT32"));
        assert_eq!(input0.shape, [2, 2]);
        assert_eq!(input0.data, Some(Data::Numbers(vec![1.0, 2.0, 3.0, 4.0])));
        assert_eq!(input1.data, Some(Data::Numbers(vec![1.0])));
        assert_eq!(request.outputs[0].name, "output0");
        assert!(!request.parameters.binary_data_output);
    }

    #[test]
    fn parameters_of_other_servers_are_ignored() {
        let request =
            r#"{"inputs": [], "parameters": {"sequence_id": 7, "priority": 1, "threshold": 0.5}}"#;
        let request: InferRequest = serde_json::from_str(request).unwrap();
        assert_eq!(request.parameters.threshold, Some(0.5));
    }
}
