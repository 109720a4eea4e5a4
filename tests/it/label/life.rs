//! Nothing that was acknowledged is lost, whatever ends the process.

use std::fs;

use serde_json::json;

use crate::harness::{Labelling, Place};

#[test]
fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let Some(place) = Place::fitted() else {
        return;
    };
    let mut expected = vec![None; 12];
    for round in 0..20 {
        let service = Labelling::start(&place, "");
        let labels: Vec<_> = service
            .labels()
            .into_iter()
            .map(|(_, label)| label)
            .collect();
        assert_eq!(labels, expected, "round {round}");
        let (image, class) = (round * 5 % 12, ["red", "blue", "unknown"][round % 3]);
        service.label(&[image as u64], class);
        service.kill();
        expected[image] = Some(class.to_owned());
    }
    let rows = fs::read_to_string(place.folder().join("labels.csv")).unwrap();
    let labelled = expected.iter().flatten().count();
    assert_eq!(rows.lines().count(), 1 + labelled, "{rows}");
    let service = Labelling::start(&place, "");
    while service.get("api/state")["can_undo"] == true {
        service.act(&json!({ "kind": "undo" })).with(200);
    }
    let state = service.get("api/state");
    assert_eq!(
        (&state["n_labelled"], &state["classes"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(service.stop("TERM"), 0);
    let rows = fs::read_to_string(place.folder().join("labels.csv")).unwrap();
    assert_eq!(rows, "path,label\n");
}

#[test]
fn a_second_process_is_told_where_the_first_one_is() {
    let Some(place) = Place::fitted() else {
        return;
    };
    let service = Labelling::start(&place, "");
    let line = "label {dir}/images --labels {dir}/labels.csv";
    let (_, port) = service.host.split_once(':').unwrap();
    let refused = place.frostline(line).exits(1);
    let refused = refused.says(&["labels.csv` is locked", &format!("on port {port})")]);
    // An address without its token opens nothing.
    assert!(!refused.err.contains("http://"), "{}", refused.err);
    assert_eq!(service.stop("INT"), 0);
}

#[test]
fn a_full_disk_refuses_actions_and_changes_nothing() {
    let Some(place) = Place::fitted() else {
        return;
    };
    let service = Labelling::without_room(&place, "--features {dir}/store");
    let acknowledged = service.fill(12);
    let state = service.get("api/state");
    let labels = service.labels();
    assert_eq!(state["n_labelled"], acknowledged.min(12));
    service
        .act(&json!({ "kind": "label", "ids": [0], "class": "c".repeat(150) }))
        .with(507);
    service.kill();
    let service = Labelling::start(&place, "--features {dir}/store");
    assert_eq!(service.labels(), labels);
    // There is room again.
    service.label(&[0], "cat");
}
