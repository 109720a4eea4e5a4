//! Turns predictions into output tensors and the reply.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::binary::{HEADER, write_element};
use super::json::{InferRequest, OutputParameters, RequestedOutput};
use crate::classifier::{Labelling, Prediction};
use crate::http::Problem;
use crate::serve::models::Model;
use crate::serve::results::Judged;

/// The reply to an inference request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InferReply<'a> {
    model_name: &'a str,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<OutputTensor>,
}

/// An output tensor.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OutputTensor {
    name: String,
    datatype: &'static str,
    shape: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<BinarySize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Elements>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BinarySize {
    binary_data_size: usize,
}

/// The elements of an output.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Elements {
    Numbers(Vec<f32>),
    Texts(Vec<String>),
}

impl Elements {
    fn datatype(&self) -> &'static str {
        match self {
            Self::Numbers(_) => "FP32",
            Self::Texts(_) => "BYTES",
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Numbers(numbers) => numbers.iter().flat_map(|n| n.to_le_bytes()).collect(),
            Self::Texts(texts) => {
                let mut bytes = Vec::new();
                for text in texts {
                    write_element(text.as_bytes(), &mut bytes);
                }
                bytes
            }
        }
    }
}

/// Returns the reply to a request.
///
/// # Errors
/// If an image cannot be used, or an output is not known.
pub(super) fn reply(
    model: &Model,
    request: &InferRequest,
    judged: Vec<Judged>,
    labelling: &Labelling,
) -> Result<Response, Problem> {
    let mut predictions = Vec::with_capacity(judged.len());
    for (place, judged) in judged.into_iter().enumerate() {
        let unusable = |reason| Problem::bad_request(format!("image {place} {reason}"));
        predictions.push(judged.map_err(unusable)?);
    }
    if request.parameters.classification.is_some() {
        return Err(Problem::bad_request(
            "`classification` is a parameter of an output, not of the request",
        ));
    }
    let (mut outputs, mut data) = (Vec::new(), Vec::new());
    let all = ["label", "probabilities", "reason"].map(|name| RequestedOutput {
        name: name.to_owned(),
        parameters: OutputParameters::default(),
    });
    let requested = if request.outputs.is_empty() {
        &all[..]
    } else {
        &request.outputs
    };
    for (index, output) in requested.iter().enumerate() {
        if requested[..index]
            .iter()
            .any(|before| before.name == output.name)
        {
            let name = &output.name;
            return Err(Problem::bad_request(format!(
                "output `{name}` is requested twice"
            )));
        }
        let (elements, shape) = elements(model, output, labelling, &predictions)?;
        let binary = output.parameters.binary_data;
        let binary = binary.unwrap_or(request.parameters.binary_data_output);
        let bytes = binary.then(|| elements.to_bytes());
        outputs.push(OutputTensor {
            name: output.name.clone(),
            datatype: elements.datatype(),
            shape,
            parameters: bytes.as_ref().map(|bytes| BinarySize {
                binary_data_size: bytes.len(),
            }),
            data: bytes.is_none().then_some(elements),
        });
        data.extend(bytes.unwrap_or_default());
    }
    let is_binary = outputs.iter().any(|output| output.parameters.is_some());
    let reply = InferReply {
        model_name: &model.source.name,
        model_version: &model.source.version,
        id: request.id.as_deref(),
        outputs,
    };
    Ok(response(&reply, &data, is_binary))
}

/// Returns the elements and the shape of an output.
fn elements(
    model: &Model,
    output: &RequestedOutput,
    labelling: &Labelling,
    predictions: &[Prediction],
) -> Result<(Elements, Vec<usize>), Problem> {
    let classes = model.predictor.classes();
    let count = predictions.len();
    let texts = |text: &dyn Fn(&Prediction) -> String| {
        let texts = predictions.iter().map(text).collect();
        (Elements::Texts(texts), vec![count])
    };
    match (&*output.name, output.parameters.classification) {
        ("label", None) => Ok(texts(&|p| labelling.label(classes, p).0.to_owned())),
        ("reason", None) => Ok(texts(&|p| {
            labelling.why_unknown(classes, p).unwrap_or_default()
        })),
        ("probabilities", None) => {
            let all = predictions.iter().flat_map(Prediction::probabilities);
            let all = all.map(|&p| p as f32).collect();
            Ok((Elements::Numbers(all), vec![count, classes.len()]))
        }
        ("probabilities", Some(k @ 1..)) => {
            let k = k.min(classes.len());
            let top = predictions.iter().flat_map(|p| p.top(k));
            let named = top.map(|(index, p)| {
                let class = classes.name(index).unwrap_or_default();
                format!("{p:.6}:{index}:{class}")
            });
            Ok((Elements::Texts(named.collect()), vec![count, k]))
        }
        ("label" | "reason" | "probabilities", Some(_)) => Err(Problem::bad_request(
            "`classification` is a number of classes of the output `probabilities`",
        )),
        (name, _) => Err(Problem::bad_request(format!(
            "there is no output `{name}`, only `label`, `probabilities` and `reason`"
        ))),
    }
}

fn response(reply: &InferReply<'_>, data: &[u8], is_binary: bool) -> Response {
    let mut body = serde_json::to_vec(reply).expect("texts and finite numbers are valid JSON");
    let length = HeaderValue::from(body.len());
    body.extend(data);
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    let kind = if is_binary {
        headers.insert(HEADER, length);
        "application/octet-stream"
    } else {
        "application/json"
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the protocol's specification, and its binary form in Triton's documentation.
    #[test]
    fn the_examples_of_the_protocol_are_written() {
        let elements = Elements::Numbers(vec![1.0, 1.1, 2.0, 2.1, 3.0, 3.1]);
        assert_eq!(elements.to_bytes().len(), 24);
        let output = |parameters, data| OutputTensor {
            name: "output0".to_owned(),
            datatype: elements.datatype(),
            shape: vec![3, 2],
            parameters,
            data,
        };
        let written = |output| {
            serde_json::to_string(&InferReply {
                model_name: "mymodel",
                model_version: "1",
                id: Some("42"),
                outputs: vec![output],
            })
            .unwrap()
        };
        let binary_data_size = elements.to_bytes().len();
        assert_eq!(
            written(output(Some(BinarySize { binary_data_size }), None)),
            concat!(
                r#"{"model_name":"mymodel","model_version":"1","id":"42","outputs":[{"name":"output0","#,
                r#""datatype":"FP32","shape":[3,2],"parameters":{"binary_data_size":24}}]}"#
            )
        );
        let numbers = Elements::Numbers(vec![1.0, 1.1, 2.0, 2.1, 3.0, 3.1]);
        assert_eq!(
            written(output(None, Some(numbers))),
            concat!(
                r#"{"model_name":"mymodel","model_version":"1","id":"42","outputs":[{"name":"output0","#,
                r#""datatype":"FP32","shape":[3,2],"data":[1.0,1.1,2.0,2.1,3.0,3.1]}]}"#
            )
        );
    }
}
