//! The Open Inference Protocol, in JSON and with binary tensors.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::harness::{Place, Reply, Server};

/// Sends a request with binary data after the JSON.
pub(super) fn post_binary(server: &Server, path: &str, request: &Value, data: &[u8]) -> Reply {
    let json = request.to_string();
    let length = json.len().to_string();
    let body = [json.as_bytes(), data].concat();
    server.send(
        "POST",
        path,
        &[("Inference-Header-Content-Length", &length)],
        &body,
    )
}

fn element(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_le_bytes()[..], bytes].concat()
}

pub(super) fn files(place: &Place) -> [Vec<u8>; 2] {
    ["blue/0.png", "red/1.png"].map(|name| fs::read(place.path("images/") + name).unwrap())
}

pub(super) const INFER: &str = "/v2/models/pets/infer";

#[test]
fn the_server_and_its_models_are_described() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "--head pets={dir}/head --head a/ü@2={dir}/head");
    let described = server.get("/v2").with(200);
    assert_eq!(described["name"], "frostline");
    assert_eq!(
        described["extensions"],
        json!(["binary_tensor_data", "classification"])
    );
    let model = server.get("/v2/models/pets").with(200);
    assert_eq!(model["versions"], json!(["1"]));
    assert_eq!(
        model["inputs"],
        json!([
            { "name": "image", "datatype": "BYTES", "shape": [-1] },
            { "name": "pixels", "datatype": "UINT8", "shape": [-1, -1, -1, 3] },
            { "name": "values", "datatype": "FP32", "shape": [-1, 3, 8, 8] },
        ])
    );
    assert_eq!(model["outputs"][1]["shape"], json!([-1, 2]));
    let named = server.get("/v2/models/a%2F%C3%BC/versions/2").with(200);
    assert_eq!(named["name"], "a/ü");
    assert_eq!(
        server.get("/v2/models/a%2F%C3%BC/ready").with(200)["ready"],
        true
    );
    assert_eq!(server.get("/v2/models/a%2F%C3%BC/versions/1").status, 404);
    for path in [
        "/v2/models/none",
        "/v2/models/none/ready",
        "/v2/models/a/%C3%BC",
        "/v2/models/%FF",
    ] {
        let status = server.get(path).status;
        assert!(status == 404 || status == 400, "{path}: {status}");
    }
}

#[test]
fn files_in_json_and_binary_have_the_same_result() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let files = files(&place);
    let texts = files.each_ref().map(|file| BASE64_STANDARD.encode(file));
    let tensor = json!({ "name": "image", "shape": [2], "datatype": "BYTES", "data": texts });
    let reply = server
        .post_json(INFER, &json!({ "id": "42", "inputs": [tensor] }))
        .with(200);
    assert_eq!(
        (&reply["id"], &reply["model_name"]),
        (&json!("42"), &json!("pets"))
    );
    let outputs = reply["outputs"].as_array().unwrap();
    let names: Vec<_> = outputs.iter().map(|output| &output["name"]).collect();
    assert_eq!(names, ["label", "probabilities", "reason"]);
    assert_eq!(outputs[0]["data"], json!(["blue", "red"]));
    assert_eq!(outputs[1]["shape"], json!([2, 2]));
    let data = files.each_ref().map(|file| element(file)).concat();
    let size = json!({ "binary_data_size": data.len() });
    let tensor =
        json!({ "name": "image", "shape": [2, 1], "datatype": "BYTES", "parameters": size });
    let wanted = json!([
        { "name": "probabilities", "parameters": { "binary_data": true } },
        { "name": "label", "parameters": { "binary_data": true } },
        { "name": "reason" },
    ]);
    let reply = post_binary(
        &server,
        INFER,
        &json!({ "inputs": [tensor], "outputs": wanted }),
        &data,
    );
    assert_eq!(
        (reply.status, &*reply.headers["content-type"]),
        (200, "application/octet-stream")
    );
    let length = reply.headers["inference-header-content-length"]
        .parse()
        .unwrap();
    let (json, data) = reply.body.split_at(length);
    let json: Value = serde_json::from_slice(json).unwrap();
    assert_eq!(json["outputs"][0]["parameters"]["binary_data_size"], 16);
    assert_eq!(json["outputs"][2]["data"], json!(["", ""]));
    let numbers: Vec<f32> = data[..16]
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    let expected: Vec<f32> = serde_json::from_value(outputs[1]["data"].clone()).unwrap();
    assert_eq!(numbers, expected);
    assert_eq!(data[16..], [element(b"blue"), element(b"red")].concat());
}

#[test]
fn the_classification_extension_returns_texts() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let texts = files(&place).map(|file| BASE64_STANDARD.encode(file));
    let tensor = json!({ "name": "image", "shape": [2], "datatype": "BYTES", "data": texts });
    let ask = |k: usize| {
        let output = json!({ "name": "probabilities", "parameters": { "classification": k } });
        let reply = server.post_json(INFER, &json!({ "inputs": [tensor], "outputs": [output] }));
        reply.with(200)["outputs"][0].clone()
    };
    let one = ask(1);
    assert_eq!(
        (&one["datatype"], &one["shape"]),
        (&json!("BYTES"), &json!([2, 1]))
    );
    let parts: Vec<_> = one["data"][1].as_str().unwrap().split(':').collect();
    let [score, "1", "red"] = parts[..] else {
        panic!("{parts:?}")
    };
    assert!(score.parse::<f64>().unwrap() > 0.5);
    assert_eq!(ask(5)["shape"], json!([2, 2]), "no more than there are");
}

#[test]
fn pixels_and_values_have_the_result_of_the_file() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let file = &files(&place)[0];
    let label = |tensor: &Value, data: &[u8]| {
        let request = json!({ "inputs": [tensor] });
        let reply = if data.is_empty() {
            server.post_json(INFER, &request)
        } else {
            post_binary(&server, INFER, &request, data)
        };
        let outputs = reply.with(200)["outputs"].clone();
        (outputs[0]["data"].clone(), outputs[1]["data"].clone())
    };
    let text = BASE64_STANDARD.encode(file);
    let by_file = label(
        &json!({ "name": "image", "shape": [1], "datatype": "BYTES", "data": [text] }),
        b"",
    );
    let image = image::load_from_memory(file).unwrap().into_rgb8();
    let shape = [1, image.height(), image.width(), 3];
    let tensor = |parameters: Value, data: Value| {
        let mut tensor = json!({ "name": "pixels", "shape": shape, "datatype": "UINT8" });
        tensor["parameters"] = parameters;
        if !data.is_null() {
            tensor["data"] = data;
        }
        tensor
    };
    let size = json!({ "binary_data_size": image.len() });
    assert_eq!(label(&tensor(size, Value::Null), &image), by_file);
    assert_eq!(
        label(&tensor(json!({}), json!(image.as_raw())), b""),
        by_file
    );
    let values = vec![0.25_f32; 2 * 3 * 8 * 8];
    let binary: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let mut tensor = json!({ "name": "values", "shape": [2, 3, 8, 8], "datatype": "FP32" });
    tensor["parameters"] = json!({ "binary_data_size": binary.len() });
    let by_bytes = label(&tensor, &binary);
    tensor["parameters"] = json!({});
    tensor["data"] = json!(values);
    assert_eq!(label(&tensor, b""), by_bytes);
}
