//! The files of a feature store.

use frostline::features::Dtype;
use frostline::images::View;
use serde_json::{Value, json};

use super::super::targets::store::{Store, spec};
use super::Seed;

pub(super) fn parts() -> Vec<Seed> {
    let mut wider = spec(&[View::Center]);
    wider.backbone.num_features += 1;
    vec![
        Seed::accepted("three images", &Store::whole().part[..]),
        Seed::refused(
            "17 features where the store has 16",
            Store::written(&wider, Dtype::F32).part,
        ),
        Seed::refused(
            "16 bits where the store has 32",
            Store::written(&spec(&[View::Center]), Dtype::F16).part,
        ),
        Seed::refused(
            "two views where the store has one",
            Store::written(&spec(&[View::Center, View::CenterFlipped]), Dtype::F32).part,
        ),
    ]
}

pub(super) fn indices() -> Vec<Seed> {
    vec![Seed::accepted(
        "three images and a file that is none",
        &Store::whole().index[..],
    )]
}

pub(super) fn stamps() -> Vec<Seed> {
    vec![Seed::accepted("three files", &Store::whole().stamps[..])]
}

pub(super) fn manifests() -> Vec<Seed> {
    let spec = |field: &str, value: Value| changed(|manifest| manifest["spec"][field] = value);
    let features =
        |number: Value| changed(|manifest| manifest["spec"]["backbone"]["num_features"] = number);
    vec![
        Seed::accepted("one view", &Store::whole().manifest[..]),
        Seed::refused("a page's manifest", r#"{"name": "app", "icons": []}"#),
        Seed::refused("no view", spec("views", json!([]))),
        Seed::refused(
            "100,000 equal views",
            spec("views", vec!["center"; 100_000].into()),
        ),
        Seed::refused("no feature", features(json!(0))),
        Seed::refused("17 features, and the part has 16", features(json!(17))),
        Seed::refused("2⁶³ features", features(json!(1_u64 << 63))),
        Seed::refused("lists in lists without end", "[".repeat(100_000)),
    ]
}

fn changed(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut manifest = serde_json::from_slice(&Store::whole().manifest).expect("it is JSON");
    change(&mut manifest);
    manifest.to_string().into_bytes()
}
