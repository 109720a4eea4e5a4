//! `/v1/classify` and `/v1/models`: the program's labels, whatever the form of the request.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::harness::{Place, Server, form};

/// Returns the rows of `frostline classify` for two images.
fn printed(place: &Place) -> Vec<Value> {
    let line =
        "classify {dir}/images/blue/0.png {dir}/images/red/1.png --head {dir}/head --format jsonl";
    let printed = place.frostline(line).exits(0).out;
    printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_form_json_and_a_body_have_the_programs_labels() {
    let Some(place) = Place::fitted() else { return };
    let rows = printed(&place);
    let files =
        ["blue/0.png", "red/1.png"].map(|name| fs::read(place.path("images/") + name).unwrap());
    let server = Server::start(&place, "");
    let (kind, body) = form(&[
        ("top_k", None, b"1"),
        ("image", Some("a.png"), &files[0]),
        ("image", Some("b.png"), &files[1]),
    ]);
    let by_form = server.send("POST", "/v1/classify", &[("Content-Type", &kind)], &body);
    let images = files.each_ref().map(|file| BASE64_STANDARD.encode(file));
    let body =
        json!({ "model": "pets", "images": [images[0], {"name": "b.png", "data": images[1]}] });
    let by_json = server.post_json("/v1/classify", &body);
    let by_body = server.post("/v1/classify?model=pets&version=1", &files[1]);
    let (by_form, by_json, by_body) = (by_form.with(200), by_json.with(200), by_body.with(200));
    let check = |result: &Value, row: &Value, name: &str| {
        assert_eq!(result["name"], name);
        assert_eq!(result["status"], "ok");
        assert_eq!(result["label"], row["label"]);
        let p = |value: &Value| value["probability"].as_f64().unwrap();
        assert!((p(result) - p(row)).abs() < 1e-6, "{result} {row}");
    };
    check(&by_form["results"][0], &rows[0], "a.png");
    check(&by_form["results"][1], &rows[1], "b.png");
    check(&by_json["results"][0], &rows[0], "0");
    check(&by_json["results"][1], &rows[1], "b.png");
    check(&by_body["results"][0], &rows[1], "image");
    assert_eq!(by_form["results"][0]["top"].as_array().unwrap().len(), 1);
    assert_eq!(by_json["results"][0]["top"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&by_json["model"], &by_json["version"]),
        (&json!("pets"), &json!("1"))
    );
    let refused = |fields: &[(&str, &[u8])]| {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, text)| (*name, None, *text))
            .collect();
        let (kind, body) = form(&fields);
        let reply = server.send("POST", "/v1/classify", &[("Content-Type", &kind)], &body);
        reply.with(400)["error"].as_str().unwrap().to_owned()
    };
    let misspelt = refused(&[("topk", b"1"), ("image", &files[0])]);
    assert_eq!(misspelt, "the field `topk` of the form is unknown");
    let twice = refused(&[("top_k", b"1"), ("top_k", b"2"), ("image", &files[0])]);
    assert_eq!(twice, "the field `top_k` is repeated");
    let word = refused(&[("top_k", b"many"), ("image", &files[0])]);
    assert_eq!(word, "the field `top_k` is `many`, not a number");
}

#[test]
fn a_threshold_makes_labels_unknown() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let image = fs::read(place.path("images/blue/0.png")).unwrap();
    let result = &server.post("/v1/classify?threshold=1", &image).with(200)["results"][0];
    assert_eq!(result["label"], "unknown");
    assert_eq!(result["reason"], "the highest probability is below 1");
    assert_eq!(result["top"][0]["label"], "blue");
    for wrong in ["threshold=1.5", "threshold=x", "top_k=-1", "colour=red"] {
        let reply = server.post(&format!("/v1/classify?{wrong}"), &image);
        assert_eq!(reply.with(400)["code"], "bad_request", "{wrong}");
    }
}

#[test]
fn models_are_listed_and_chosen() {
    let Some(place) = Place::fitted() else { return };
    let line =
        "--head a/katze%20ü@2={dir}/head --head a/katze%20ü@10={dir}/head --head b={dir}/trained";
    let server = Server::start(&place, line);
    let models = server.get("/v1/models").with(200);
    let models = models["models"].as_array().unwrap();
    let ids: Vec<_> = models.iter().map(|m| (&m["name"], &m["version"])).collect();
    let (katze, one) = (json!("a/katze%20ü"), json!("1"));
    assert_eq!(
        ids,
        [
            (&katze, &json!("2")),
            (&katze, &json!("10")),
            (&json!("b"), &one)
        ]
    );
    assert_eq!(models[0]["classes"], json!(["blue", "red"]));
    // All three share one network.
    let networks = server
        .events()
        .into_iter()
        .filter(|event| event["event"] == "network");
    assert_eq!(networks.count(), 1);
    let image = fs::read(place.path("images/blue/0.png")).unwrap();
    let post = |query: &str| server.post(&format!("/v1/classify?{query}"), &image);
    let latest = post("model=a/katze%2520%C3%BC").with(200);
    assert_eq!(
        (&latest["model"], &latest["version"]),
        (&katze, &json!("10"))
    );
    assert_eq!(
        post("model=a%2Fkatze%2520%C3%BC&version=2").with(200)["version"],
        "2"
    );
    assert_eq!(post("model=c").with(404)["error"], "there is no model `c`");
    assert_eq!(
        post("model=b&version=3").with(404)["error"],
        "model `b` has no version `3`"
    );
    let unnamed = post("").with(400);
    assert!(
        unnamed["error"].as_str().unwrap().contains("`b`"),
        "{unnamed}"
    );
}
