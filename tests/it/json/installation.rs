//! `doctor` and `models` with `--format json`.

use std::fs;

use serde_json::Value;

use super::valid;
use crate::harness::{Place, Ran};

#[test]
fn the_checks_of_doctor() {
    let Some(place) = Place::installed() else {
        return;
    };
    let whole = valid("doctor", &place.frostline("doctor --format json").exits(0));
    assert_eq!(whole["n_failed"], 0);
    let missing = place.path("none");
    let mut command = place.command("doctor --format json");
    let ran = Ran::of(command.env("ORT_DYLIB_PATH", &missing).output().unwrap());
    let broken = valid("doctor", &ran.exits(1).says(&["2 of 5 checks failed"]));
    assert_eq!(broken["n_failed"], 2);
    let checks = broken["checks"].as_array().unwrap();
    let runtime = checks
        .iter()
        .find(|check| check["subject"] == "ONNX Runtime");
    let runtime = runtime.unwrap();
    assert_eq!(runtime["status"], "failed");
    assert!(runtime["details"].as_str().unwrap().contains(&missing));
    assert!(runtime["fix"].as_str().unwrap().contains("ORT_DYLIB_PATH"));
}

#[test]
fn backbones() {
    let Some(place) = Place::installed() else {
        return;
    };
    let models = place.folder().join("home/models");
    fs::write(models.join("mine.onnx"), "text").unwrap();
    fs::write(models.join("mine.toml"), "nam = 1").unwrap();
    let list = place.frostline("models list --format json").exits(0);
    let list = valid("models-list", &list.says(&["mine.toml"]));
    let listed = list["backbones"].as_array().unwrap();
    let find = |name: &str| {
        listed
            .iter()
            .find(|backbone| backbone["name"] == name)
            .unwrap()
    };
    let path = place.path("home/models/efficientnet-lite0.onnx");
    assert_eq!(find("efficientnet-lite0")["path"], path);
    assert_eq!(find("vgg19")["installed"], false);
    assert_eq!(find("vgg19")["num_features"], 4096);
    assert_eq!(find("vgg19")["source"]["bytes"], 574_677_321);
    assert!(list["broken"][0].as_str().unwrap().contains("mine.toml"));
    let alone = place.path("alone.onnx");
    fs::copy(&path, &alone).unwrap();
    for backbone in ["efficientnet-lite0", &alone] {
        let line = format!("models show {backbone} --format json");
        let shown = valid("models-show", &place.frostline(&line).exits(0));
        let names = shown["outputs"].as_array().unwrap().iter();
        let names: Vec<&Value> = names.map(|output| &output["name"]).collect();
        assert!(names.contains(&&"map".into()), "{names:?}");
    }
}
