//! The Open Inference Protocol, in JSON and with binary tensors.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::harness::{Place, Reply, Server};

/// Sends a request with binary data after the JSON.
fn post_binary(server: &Server, path: &str, request: &Value, data: &[u8]) -> Reply {
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

fn files(place: &Place) -> [Vec<u8>; 2] {
    ["blue/0.png", "red/1.png"].map(|name| fs::read(place.path("images/") + name).unwrap())
}

const INFER: &str = "/v2/models/pets/infer";

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

#[test]
fn tensors_that_do_not_fit_are_refused() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "--max-images 4 --max-pixels 1000");
    let tensor = |name: &str, shape: Value, datatype: &str, data: Value| {
        let tensor = json!({ "name": name, "shape": shape, "datatype": datatype, "data": data });
        json!({ "inputs": [tensor] })
    };
    let zeros = |n: usize| json!(vec![0; n]);
    for (request, said) in [
        (json!({ "inputs": [] }), "must have one input"),
        (
            tensor("photo", json!([1]), "BYTES", json!(["AA=="])),
            "no input `photo`",
        ),
        (
            tensor("image", json!([1]), "FP32", json!([1])),
            "datatype `FP32` instead of `BYTES`",
        ),
        (
            tensor("image", json!([2]), "BYTES", json!(["AA=="])),
            "has 1 elements, but its shape [2]",
        ),
        (
            tensor("image", json!([1, 2]), "BYTES", json!(["AA==", "AA=="])),
            "shape [1, 2] instead",
        ),
        (
            tensor("image", json!([1]), "BYTES", json!(["%"])),
            "is not base64",
        ),
        (
            tensor("image", json!([1]), "BYTES", json!([7])),
            "must be strings",
        ),
        (
            tensor("image", json!([0]), "BYTES", json!([])),
            "must be strings",
        ),
        (
            tensor("image", json!([5]), "BYTES", json!(["A"])),
            "over the limit of 4",
        ),
        (
            tensor("image", json!([-1]), "BYTES", json!(["A"])),
            "the JSON cannot be read",
        ),
        (
            tensor("pixels", json!([1, 1, 1]), "UINT8", zeros(1)),
            "instead of [N, H, W, 3]",
        ),
        (
            tensor("pixels", json!([1, 0, 1, 3]), "UINT8", zeros(0)),
            "with at least one pixel",
        ),
        (
            tensor("pixels", json!([1, 100, 11, 3]), "UINT8", zeros(1)),
            "over the limit of 1,000",
        ),
        (
            tensor("pixels", json!([1, 1, 1, 3]), "UINT8", json!([0, 256, 0])),
            "from 0 to 255",
        ),
        (
            tensor("pixels", json!([1, 1, 1, 3]), "UINT8", json!([0, 0.5, 0])),
            "from 0 to 255",
        ),
        (
            tensor("pixels", json!([1, u64::MAX, 2, 3]), "UINT8", zeros(3)),
            "at least one pixel",
        ),
        (
            tensor("values", json!([1, 3, 8, 9]), "FP32", zeros(216)),
            "instead of [N, 3, 8, 8]",
        ),
        (
            tensor("values", json!([1, 3, 8, 8]), "FP32", zeros(191)),
            "has 191 elements",
        ),
        (
            tensor("values", json!([1, 3, 8, 8]), "FP64", zeros(192)),
            "`FP64` instead of `FP32`",
        ),
    ] {
        let reply = server.post_json(INFER, &request);
        assert!(
            reply.status == 400 || reply.status == 413,
            "{request}: {}",
            reply.status
        );
        let error = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(said), "{error}\nlacks {said}");
    }
}

#[test]
fn outputs_that_do_not_exist_are_refused() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let data = json!(vec![0; 192]);
    let tensor =
        json!({ "name": "values", "shape": [1, 3, 8, 8], "datatype": "FP32", "data": data });
    let good = json!({ "inputs": [tensor] });
    assert_eq!(server.post_json(INFER, &good).status, 200);
    let output = |output: Value| {
        let mut request = good.clone();
        request["outputs"] = json!([output]);
        server.post_json(INFER, &request).with(400)["error"].to_string()
    };
    assert!(output(json!({ "name": "x" })).contains("there is no output `x`"));
    let classified = json!({ "name": "label", "parameters": { "classification": 1 } });
    assert!(output(classified).contains("`probabilities`"));
}

#[test]
fn binary_data_that_does_not_fit_is_refused() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let tensor = |size: Value| {
        let parameters = json!({ "binary_data_size": size });
        let tensor = json!({ "name": "image", "shape": [1], "datatype": "BYTES" });
        let mut request = json!({ "inputs": [tensor] });
        request["inputs"][0]["parameters"] = parameters;
        request
    };
    for (size, data, said) in [
        (5, &b"\x01\0\0\0"[..], "only 4 bytes follow"),
        (4, b"\x01\0\0\0a", "1 bytes follow the last input"),
        (5, b"\xff\xff\xff\xffa", "exceeds the data"),
        (4, b"\0\0\0\0", "image 0 is empty (0 bytes)"),
        (5, b"\x01\0\0\0a", "image 0 is "),
    ] {
        let reply = post_binary(&server, INFER, &tensor(json!(size)), data);
        let error = reply.with(400)["error"].as_str().unwrap().to_owned();
        assert!(error.contains(said), "{error}\nlacks {said}");
    }
    for length in ["x", "-1", "1000"] {
        let header = [("Inference-Header-Content-Length", length)];
        assert_eq!(
            server.send("POST", INFER, &header, b"{}").status,
            400,
            "{length}"
        );
    }
    let html = [("Content-Type", "text/html")];
    assert_eq!(server.send("POST", INFER, &html, b"{}").status, 415);
    // NaN in the network's input.
    let values: Vec<u8> = [f32::NAN; 192]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let parameters = json!({ "binary_data_size": values.len() });
    let request = json!({ "inputs": [{
        "name": "values", "shape": [1, 3, 8, 8], "datatype": "FP32", "parameters": parameters
    }] });
    let said = post_binary(&server, INFER, &request, &values).with(400)["error"].to_string();
    assert!(said.contains("not finite"), "{said}");
}
