//! Requests of the Open Inference Protocol that are refused.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::v2::{INFER, files, post_binary};
use crate::harness::{Place, Server};

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
            json!({ "inputs": [{ "name": "values", "shape": [1, 3, 8, 8], "datatype": "FP32",
                "data": zeros(192) }], "parameters": { "classification": 1 } }),
            "`classification` is a parameter of an output",
        ),
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
            "has 1 element, but shape [2]",
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
    let values = |data: &[u8]| {
        let parameters = json!({ "binary_data_size": data.len() });
        let request = json!({ "inputs": [{
            "name": "values", "shape": [1, 3, 8, 8], "datatype": "FP32", "parameters": parameters
        }] });
        post_binary(&server, INFER, &request, data).with(400)["error"].clone()
    };
    assert_eq!(
        values(&[0; 770]),
        "the data of input `values` has 770 bytes, but shape [1, 3, 8, 8] and datatype `FP32` need 768"
    );
    // NaN in the network's input.
    let nan = [f32::NAN.to_le_bytes(); 192].concat();
    let said = values(&nan).to_string();
    assert!(said.contains("not finite"), "{said}");
}

#[test]
fn a_threshold_is_a_probability() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let texts = files(&place).map(|file| BASE64_STANDARD.encode(file));
    let tensor = json!({ "name": "image", "shape": [2], "datatype": "BYTES", "data": texts });
    let ask = |threshold: f64| {
        let parameters = json!({ "threshold": threshold });
        server.post_json(
            INFER,
            &json!({ "inputs": [tensor], "parameters": parameters }),
        )
    };
    let labels = &ask(1.0).with(200)["outputs"][0]["data"];
    assert_eq!(*labels, json!(["unknown", "unknown"]));
    for threshold in [-0.1, 1.5] {
        let said = &ask(threshold).with(400)["error"];
        assert_eq!(*said, "`threshold` must be from 0 to 1");
    }
}
