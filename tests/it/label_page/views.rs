//! Check, Progress, Try, Similar and Finish.

use std::fs;

use serde_json::json;

use crate::harness::{ENTER, Labelling, Person, Place, has_labels, two_patterns, write_pattern};

use super::{label_all, of_folder, path, session, truth};

/// Labels all images by their folder, except for one of each class with the label of the other one.
fn with_mistakes(labelling: &Labelling, n: u32) {
    label_all(labelling, n);
    labelling.label(&[1], "red");
    labelling.label(&[u64::from(n) + 1], "blue");
}

#[test]
fn likely_mistakes_are_corrected_one_after_another() {
    let n = 12;
    let Some((place, labelling, person)) = session(n) else {
        return;
    };
    with_mistakes(&labelling, n);
    person.open(&labelling, "check");
    for left in [2, 1] {
        person.reads("#finding .fine", &format!("1 of {left}"));
        person.reads("#finding h2", "but it looks like");
        let class = person.text("#finding .path");
        let class = class.split('/').next().unwrap();
        person.reads("#finding .accept", &format!("Change to {class}"));
        person.sees("return document.querySelectorAll('#finding .near img').length > 0");
        person.press(&["y"]);
        person.reads("#said", &format!("1 image labelled {class}."));
    }
    person.reads("#finding", "No label looks wrong.");
    has_labels(
        &place,
        &[of_folder("blue", n), of_folder("red", n)].concat(),
    );
    person.was_not_disturbed(&labelling);
}

#[test]
fn a_change_that_is_taken_back_is_shown_again() {
    let n = 12;
    let Some((_place, labelling, person)) = session(n) else {
        return;
    };
    with_mistakes(&labelling, n);
    person.open(&labelling, "check");
    person.reads("#finding .fine", "1 of 2");
    person.press(&["\u{e014}"]);
    person.reads("#finding .fine", "2 of 2, the most doubtful first");
    person.reads(
        "#finding .why",
        "trained without this image, predicts another class",
    );
    let second = person.text("#finding .path");
    person.press(&["y"]);
    person.reads("#finding .fine", "1 of 1");
    assert_ne!(person.text("#finding .path"), second);
    person.press(&["u"]);
    person.reads("#finding .fine", "of 2");
    person.reads("#finding .path", &second);
    person.was_not_disturbed(&labelling);
}

#[test]
fn a_label_that_is_kept_is_not_asked_again() {
    let n = 12;
    let Some((place, labelling, person)) = session(n) else {
        return;
    };
    with_mistakes(&labelling, n);
    person.open(&labelling, "check");
    person.reads("#finding .fine", "1 of 2");
    let kept = person.text("#finding .path");
    person.press(&["k"]);
    person.reads("#finding .fine", "1 of 1");
    let out = person.text("#finding .path");
    assert_ne!(kept, out);
    person.press(&["x"]);
    person.reads("#finding", "No label looks wrong.");
    let mut given = [of_folder("blue", n), of_folder("red", n)].concat();
    given.retain(|(path, _)| *path != out);
    let other = given.iter_mut().find(|(path, _)| *path == kept).unwrap();
    other.1 = if other.1 == "blue" { "red" } else { "blue" }.to_owned();
    has_labels(&place, &given);
    person.was_not_disturbed(&labelling);
}

#[test]
fn duplicates_are_shown_side_by_side() {
    let Some(place) = Place::installed() else {
        return;
    };
    let images = place.folder().join("images");
    two_patterns(&place.folder().join("images"), 6);
    fs::copy(images.join("blue/00.ppm"), images.join("blue/copy.ppm")).unwrap();
    let labelling = Labelling::start(&place, "");
    let Some(person) = Person::at(&labelling) else {
        return;
    };
    person.sees("return document.getElementById('work').hidden");
    labelling
        .act(&json!({ "kind": "label", "ids": (0..7).collect::<Vec<_>>(), "class": "blue" }))
        .with(200);
    labelling
        .act(&json!({ "kind": "label", "ids": (7..13).collect::<Vec<_>>(), "class": "red" }))
        .with(200);
    person.open(&labelling, "check/duplicates");
    person.reads("#finding h2", "2 identical images");
    let names =
        "return [...document.querySelectorAll('.member .path')].map((name) => name.textContent)";
    let shown = person.0.texts(names);
    assert_eq!(shown, ["blue/00.ppm", "blue/copy.ppm"]);
    // The second one is marked, and is left out.
    person.press(&["x"]);
    person.reads("#finding", "No image is there twice.");
    person.reads("#tally", "12 of 13");
    has_labels(
        &place,
        &[of_folder("blue", 6), of_folder("red", 6)].concat(),
    );
    person.was_not_disturbed(&labelling);
}

#[test]
fn progress_says_how_good_the_classifier_is() {
    let n = 20;
    let Some((_place, labelling, person)) = session(n) else {
        return;
    };
    person.open(&labelling, "progress");
    person.reads("#progress .main", "not known yet");
    with_mistakes(&labelling, n);
    person.reads("#progress .main", "interval");
    person.reads("#progress .figures", "40");
    person.sees("return document.querySelectorAll('#progress table.bars tbody tr').length === 2");
    person.sees("return document.querySelectorAll('#progress .chart .dot').length > 1");
    let table = person
        .0
        .js("return document.querySelectorAll('#progress details tbody tr').length");
    let dots = person
        .0
        .js("return document.querySelectorAll('#progress .chart .dot').length");
    assert_eq!(table, dots, "the curve and its table");
    person.was_not_disturbed(&labelling);
}

#[test]
fn a_picture_is_tried() {
    let n = 8;
    let Some((place, labelling, person)) = session(n) else {
        return;
    };
    label_all(&labelling, n);
    person.open(&labelling, "try");
    write_pattern(&place.folder().join("new.ppm"), "red", "new", 8);
    person.0.type_into("#files", &place.path("new.ppm"));
    person.reads(".result .answer", "red");
    person.sees("return document.querySelectorAll('.result .near img').length > 0");
    person.sees("return document.querySelectorAll('.result .probabilities dt').length === 2");
    person.was_not_disturbed(&labelling);
    fs::write(place.path("words.png"), "no picture").unwrap();
    person.0.type_into("#files", &place.path("words.png"));
    person.reads(".result .answer", "Not classified");
    person.sees(
        "return document.querySelector('.result .fine').textContent.includes('not an image')",
    );
}

#[test]
fn similar_images_are_labelled() {
    let Some((place, labelling, person)) = session(6) else {
        return;
    };
    let class = truth(&person);
    person.press(&["s"]);
    person.reads("#like h2", &class);
    person.sees("return document.activeElement.closest('#similar-grid') !== null");
    assert_eq!(
        truth(&person),
        class,
        "the most similar image is of the same colour"
    );
    let mut given = vec![(path(&person), "alike".to_owned())];
    person.press(&[" ", "\u{e014}", " "]);
    given.push((path(&person), "alike".to_owned()));
    person.reads("#target", "2 images selected");
    person.classifies("alike");
    person.reads("#tally", "2 of 12");
    has_labels(&place, &given);
    person.press(&["\u{e00c}"]);
    person.sees("return location.hash === '#sort'");
    person.sees("return document.activeElement.closest('#sort-grid') !== null");
    person.was_not_disturbed(&labelling);
}

#[test]
fn finish_writes_files_and_shows_commands() {
    let n = 10;
    let Some((place, labelling, person)) = session(n) else {
        return;
    };
    label_all(&labelling, n);
    person.open(&labelling, "finish");
    person.reads("#write", "Write the files");
    person.0.js("document.getElementById('write').focus()");
    person.press(&[ENTER]);
    person.reads("#written", "labels.csv");
    let paths = person.0.texts(
        "return [...document.querySelectorAll('.files code')].map((path) => path.textContent)",
    );
    assert!(paths.len() >= 3, "{paths:?}");
    for path in paths {
        assert!(place.folder().join(&path).is_file(), "{path}");
    }
    person.reads("pre", "frostline fit-head");
    person.was_not_disturbed(&labelling);
}
