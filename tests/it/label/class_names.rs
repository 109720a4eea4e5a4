//! Names of classes: all that can be read, and each class once.

use std::fs;

use serde_json::json;

use crate::harness::{Labelling, Place};

#[test]
fn classes_may_have_any_visible_name() {
    let Some(place) = Place::fitted() else {
        return;
    };
    let service = Labelling::start(&place, "--features {dir}/store");
    service.ready();
    let names = [
        "unknown",
        "skipped",
        "<img src=x>",
        "=1+1",
        "\u{5e9}\u{200f}",
        "a,\"b\"",
    ];
    for (id, name) in (0..).zip(names) {
        service.label(&[id], name);
    }
    let rename = json!({ "kind": "rename_class", "from": "=1+1", "to": "sum" });
    service.act(&rename).with(200);
    let join = json!({ "kind": "rename_class", "from": "sum", "to": "unknown" });
    let state = service.act(&join).with(200)["state"].take();
    assert_eq!(state["classes"].as_array().unwrap().len(), 5);
    assert_eq!(
        state["classes"][0],
        json!({ "name": "unknown", "n": 2, "key": "1" })
    );
    assert_eq!(state["undo"], "class `sum` joined with `unknown`");
    let labels = service.labels();
    service.kill();
    let service = Labelling::start(&place, "--features {dir}/store");
    assert_eq!(service.labels(), labels);
}

/// The overrides, embeddings and isolates of Unicode's bidirectional algorithm (UAX 9), and their ends.
#[test]
fn a_name_that_is_shown_in_another_order_is_refused() {
    let Some(place) = Place::fitted() else {
        return;
    };
    fs::write(
        place.path("labels.csv"),
        "path,label\nblue/0.png,\u{202e}der\n",
    )
    .unwrap();
    let service = Labelling::start(&place, "--features {dir}/store");
    service.ready();
    for character in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}') {
        let name = format!("a{character}b");
        for action in [
            json!({ "kind": "label", "ids": [1], "class": name }),
            json!({ "kind": "add_class", "name": name }),
            json!({ "kind": "rename_class", "from": "\u{202e}der", "to": name }),
        ] {
            let refused = service.act(&action).with(400);
            let said = refused["error"].as_str().unwrap();
            assert!(said.contains("direction of writing"), "{said}");
        }
    }
    // A name from a file can be used, and given up.
    service.label(&[1], "\u{202e}der");
    let rename = json!({ "kind": "rename_class", "from": "\u{202e}der", "to": "red" });
    assert_eq!(
        service.act(&rename).with(200)["state"]["classes"][0]["n"],
        2
    );
}

/// é is U+00E9, or e and U+0301.
#[test]
fn two_forms_of_a_name_are_one_class() {
    let Some(place) = Place::fitted() else {
        return;
    };
    let rows = |names: [&str; 2]| {
        let [first, second] = names;
        format!("path,label\nblue/0.png,{first}\nblue/1.png,{second}\n")
    };
    fs::write(place.path("labels.csv"), rows(["caf\u{e9}", "cafe\u{301}"])).unwrap();
    let service = Labelling::start(&place, "--features {dir}/store");
    service.ready();
    let state = service.label(&[2], "cafe\u{301}");
    let classes = json!([{ "name": "caf\u{e9}", "n": 3, "key": "1" }]);
    assert_eq!(state["classes"], classes);
    service.act(&json!({ "kind": "undo" })).with(200);
    service.kill();
    let written = fs::read_to_string(place.path("labels.csv")).unwrap();
    assert_eq!(written, rows(["caf\u{e9}", "caf\u{e9}"]));
    // Another program writes the other form: nothing has changed.
    fs::write(
        place.path("labels.csv"),
        rows(["cafe\u{301}", "cafe\u{301}"]),
    )
    .unwrap();
    let service = Labelling::start(&place, "--features {dir}/store");
    let state = service.get("api/state");
    assert_eq!(
        (&state["notes"], &state["can_undo"]),
        (&json!([]), &json!(false))
    );
}
