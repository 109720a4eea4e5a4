//! Awkward names, classes and files.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Labelling, Place, RED, two_patterns, wait_for, write_pattern, write_picture};

/// Returns the names of the groups with their sizes.
fn groups(service: &Labelling) -> Vec<(String, u64)> {
    let reply = service.get("api/groups");
    let group = |group: &Value| {
        let title = group["title"].as_str().unwrap().to_owned();
        (title, group["n"].as_u64().unwrap())
    };
    reply["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(group)
        .collect()
}

#[test]
fn a_session_from_no_labels_to_predictions() {
    let Some(place) = Place::fitted() else {
        return;
    };
    let service = Labelling::start(&place, "--features {dir}/store --classes blue,red");
    let state = service.ready();
    assert_eq!(
        (&state["phase"], &state["n_unlabelled"]),
        (&json!("ready"), &json!(12))
    );
    assert_eq!(
        state["classes"][1],
        json!({ "name": "red", "n": 0, "key": "2" })
    );
    // The scan's order: blue/0 … blue/5, red/0 … red/5.
    service.label(&[0], "blue");
    assert_ne!(service.get("api/groups")["kind"], "predictions");
    service.label(&[6], "red");
    let reply = service.get("api/groups");
    assert_eq!(reply["kind"], "predictions");
    assert_eq!(
        groups(&service),
        [("blue".to_owned(), 5), ("red".to_owned(), 5)]
    );
    let key = reply["groups"][1]["key"].as_str().unwrap();
    let group = service.get(&format!("api/groups/{key}?limit=2&offset=4"));
    assert_eq!(
        (&group["n"], group["items"].as_array().unwrap().len()),
        (&json!(5), 1)
    );
    let accept = json!({ "kind": "accept_group", "key": key, "revision": reply["revision"] });
    let acted = service.act(&accept).with(200);
    assert_eq!(acted["state"]["undo"], "5 images labelled `red`");
    assert_eq!(acted["changed"].as_array().unwrap().len(), 5);
    // The group has changed since.
    let refused = service.act(&accept).with(409);
    assert_eq!(
        (&refused["code"], &refused["state"]["n_labelled"]),
        (&json!("stale"), &json!(7))
    );
    let progress = service.computed("api/progress");
    assert_eq!(
        (&progress["n_labelled"], &progress["left"]),
        (&json!(7), &json!(5))
    );
}

#[test]
fn a_thousand_classes_and_one_class_work() {
    let Some(place) = Place::fitted() else {
        return;
    };
    let service = Labelling::start(&place, "--features {dir}/store");
    service.ready();
    service.label(&[0, 1], "only");
    assert_ne!(service.get("api/groups")["kind"], "predictions");
    let progress = service.computed("api/progress");
    assert_eq!(progress["accuracy"], Value::Null);
    for number in 0..1000 {
        let add = json!({ "kind": "add_class", "name": format!("class {number}") });
        service.act(&add).with(200);
    }
    service.label(&[6], "class 999");
    assert_eq!(service.get("api/groups")["kind"], "predictions");
    assert_eq!(
        service.get("api/state")["classes"]
            .as_array()
            .unwrap()
            .len(),
        1001
    );
    let labelled = service.get("api/items?state=labelled&class=class%20999");
    assert_eq!(
        (&labelled["n"], &labelled["items"][0]["id"]),
        (&json!(1), &json!(6))
    );
}

#[test]
fn a_picture_that_is_gone_or_has_changed_is_not_shown() {
    let Some(place) = Place::fitted() else {
        return;
    };
    let service = Labelling::start(&place, "--features {dir}/store");
    service.ready();
    let thumb = |id: usize| service.send("GET", &format!("thumb/{id}?edge=64"), &[], b"");
    let shown = thumb(0);
    assert_eq!(
        (shown.status, &*shown.headers["content-type"]),
        (200, "image/jpeg")
    );
    assert!(shown.headers["cache-control"].contains("immutable"));
    let images = place.folder().join("images");
    fs::remove_file(images.join("blue/0.png")).unwrap();
    write_picture(&images.join("blue/1.png"), RED, 99);
    for id in [0, 1] {
        assert_eq!(thumb(id).with(404)["code"], "not_found");
        service
            .send("GET", &format!("image/{id}"), &[], b"")
            .with(404);
    }
    thumb(12).with(404);
    // They can be labelled all the same: their features are known.
    service.label(&[0, 1], "blue");
}

#[test]
fn similar_pictures_and_a_picture_from_elsewhere() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_patterns(&place.folder().join("images"), 6);
    let service = Labelling::start(&place, "--from-folders");
    let state = service.ready();
    assert_eq!(
        (&state["n_labelled"], &state["can_undo"]),
        (&json!(12), &json!(false))
    );
    let similar = service.get("api/similar/7?top=5");
    let ids = similar["items"].as_array().unwrap().iter();
    let ids: Vec<u64> = ids
        .map(|near| near["item"]["id"].as_u64().unwrap())
        .collect();
    assert!(
        ids.len() == 5 && ids.iter().all(|id| (6..12).contains(id)),
        "{ids:?}"
    );
    let picture = place.folder().join("other.ppm");
    write_pattern(&picture, "blue", "other", 8);
    let tried = service
        .send("POST", "api/try", &[], &fs::read(&picture).unwrap())
        .with(200);
    assert_eq!(tried["label"], "blue");
    assert_eq!((&tried["width"], &tried["height"]), (&json!(8), &json!(8)));
    assert_eq!(tried["neighbours"][0]["item"]["label"], "blue");
    service
        .send("POST", "api/try", &[], b"no picture")
        .with(400);
    // With a wrong label, its cross-validated prediction contradicts it.
    service.label(&[3], "red");
    let found = service.computed("api/check/suspects");
    assert_eq!(found["entries"][0]["item"]["id"], 3);
    assert_eq!(found["entries"][0]["suggested"], "blue");
    service
        .act(&json!({ "kind": "keep", "ids": [3] }))
        .with(200);
    let left = service.get("api/check/suspects");
    let left = left["entries"].as_array().unwrap().iter();
    assert!(left.clone().all(|entry| entry["item"]["id"] != 3));
}

#[test]
fn nothing_is_written_among_the_images() {
    let Some(place) = Place::fitted() else {
        return;
    };
    let line = "label {dir}/images --labels {dir}/images/labels.csv";
    place
        .frostline(line)
        .exits(1)
        .says(&["into the image folder", "--labels"]);
    let line = "label {dir}/images --labels {dir}/labels.csv --features {dir}/images/f";
    place
        .frostline(line)
        .exits(1)
        .says(&["into the image folder", "--features"]);
    assert!(!place.folder().join("images/f").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_text_or_look_like_markup() {
    use std::os::unix::ffi::OsStrExt;
    let Some(place) = Place::installed() else {
        return;
    };
    let images = place.folder().join("images");
    fs::create_dir(&images).unwrap();
    let names: [&[u8]; 4] = [
        b"<script>alert(1)<!--",
        b"a\xff\xfe.png",
        b"new\nline.png",
        b"x.png",
    ];
    for (name, seed) in names.iter().zip(0..) {
        let path = images.join(std::ffi::OsStr::from_bytes(name));
        write_picture(&path.with_added_extension("png"), RED, seed);
    }
    let service = Labelling::start(&place, "");
    assert_eq!(service.ready()["n_images"], 4);
    service.label(&[0, 1, 2, 3], "a");
    let labels = service.labels();
    service.kill();
    let service = Labelling::start(&place, "");
    assert_eq!(service.labels(), labels);
    assert_eq!(service.send("GET", "thumb/1", &[], b"").status, 200);
}

#[test]
fn images_beside_folders_are_labelled_too() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_patterns(&place.folder().join("images"), 2);
    fs::copy(
        place.path("images/red/00.ppm"),
        place.path("images/beside.ppm"),
    )
    .unwrap();
    let service = Labelling::start(&place, "");
    let state = service.ready();
    assert_eq!(
        (&state["n_images"], &state["n_skipped"]),
        (&5.into(), &0.into())
    );
}

#[test]
fn what_another_program_changes_meanwhile_is_taken_over() {
    let Some(place) = Place::fitted() else {
        return;
    };
    let service = Labelling::start(&place, "--features {dir}/store");
    service.ready();
    service.label(&[0, 1], "cat");
    let file = place.path("labels.csv");
    let is_written = || fs::read_to_string(&file).is_ok_and(|rows| rows.contains(",cat"));
    wait_for(|| is_written().then_some(())).unwrap();
    let labels = service.labels();
    let rows = format!("path,label\n{},dog\n{},eel\n", labels[0].0, labels[2].0);
    fs::write(&file, rows).unwrap();
    service.label(&[3], "cat");
    let has = |id: usize, class: Option<&str>| {
        let has = || (service.labels()[id].1.as_deref() == class).then_some(());
        wait_for(has).unwrap_or_else(|| panic!("{id}: {:?}", service.labels()));
    };
    has(0, Some("dog"));
    has(1, None);
    has(2, Some("eel"));
    has(3, Some("cat"));
    let all = || fs::read_to_string(&file).is_ok_and(|rows| rows.lines().count() == 4);
    wait_for(|| all().then_some(())).unwrap();
    let notes = service.get("api/state")["notes"].to_string();
    assert!(notes.contains("3 labels changed in"), "{notes}");
    service.act(&json!({ "kind": "undo" })).with(200);
    has(0, Some("cat"));
}
