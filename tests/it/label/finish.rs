//! The end of a session: the files, and the commands that write the same ones.

use std::fs;

use frostline::head::HeadFile;
use serde_json::{Value, json};

use crate::harness::{Labelling, Place, two_patterns};

#[test]
fn the_commands_train_the_same_head_and_foreign_files_stay() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_patterns(&place.folder().join("images"), 6);
    fs::write(place.folder().join("head.safetensors"), "precious").unwrap();
    let service = Labelling::start(&place, "--from-folders --batch-size 4");
    service.ready();
    let finished = service.post("api/finish", &json!({})).with(200);
    let path = |what: &str| {
        let files = finished["files"].as_array().unwrap();
        let file = files.iter().find(|file| file["what"] == what);
        file.unwrap_or_else(|| panic!("{finished:#}"))["path"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(path("head"), place.path("head-2.safetensors"));
    assert_eq!(
        fs::read_to_string(place.folder().join("head.safetensors")).unwrap(),
        "precious"
    );
    assert!(
        fs::read_to_string(path("report"))
            .unwrap()
            .contains("<!DOCTYPE html>")
    );
    assert_eq!(finished["accuracy"], 1.0);
    let commands = finished["commands"].as_array().unwrap();
    let commands: Vec<&str> = commands.iter().filter_map(Value::as_str).collect();
    assert_eq!(commands.len(), 3, "{commands:#?}");
    let first = HeadFile::read(path("head")).unwrap();
    // A second time, the session's own files are replaced.
    let again = service.post("api/finish", &json!({})).with(200);
    assert_eq!(again["files"], finished["files"]);
    drop(service);
    fs::remove_file(path("head")).unwrap();
    for line in commands {
        let line = line.strip_prefix("frostline ").unwrap();
        place.frostline(line).exits(0);
    }
    let second = HeadFile::read(path("head")).unwrap();
    assert_eq!((first.head, first.classes), (second.head, second.classes));
    assert_eq!(first.rejection.is_some(), second.rejection.is_some());
}
