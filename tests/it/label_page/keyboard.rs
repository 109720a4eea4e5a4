//! A whole session without a pointer.

use std::collections::BTreeMap;

use crate::harness::{ENTER, ESCAPE, Labelling, Person, SHIFT, has_labels};

use super::{of_folder, path, rows, session, truth};

const LEFT: &str = "\u{e012}";
const RIGHT: &str = "\u{e014}";

const DELETE: &str = "\u{e017}";

/// Goes through the groups of similar images until one is of another class.
fn to_the_other_class(person: &Person) {
    let class = truth(person);
    let found = (0..50).any(|_| {
        person.press(&["n"]);
        truth(person) != class
    });
    assert!(found);
}

#[test]
fn labels_survive_and_are_taken_back_without_a_pointer() {
    let Some((place, labelling, person)) = session(8) else {
        return;
    };
    let mut given = BTreeMap::new();
    let mut label = |key: Option<&str>| {
        let (image, class) = (path(&person), truth(&person));
        match key {
            Some(key) => person.press(&[key]),
            None => person.classifies(&class),
        }
        given.insert(image, class);
        let n = given.len();
        person.reads("#tally", &format!("{n} of 16 images labelled"));
    };
    label(None);
    to_the_other_class(&person);
    label(None);
    person.reads("#hint", "Grouped by what the classifier thinks");
    for _ in 0..3 {
        person.press(&["n"]);
        let key = if truth(&person) == "blue" { "1" } else { "2" };
        label(Some(key));
    }
    for _ in 0..5 {
        person.press(&["u"]);
    }
    person.reads("#tally", "0 of 16");
    person.press(&["u"]);
    person.reads("#said", "There is nothing to undo.");
    for _ in 0..5 {
        person.press(&["U"]);
    }
    person.reads("#tally", "5 of 16");
    person.was_not_disturbed(&labelling);
    labelling.kill();
    // The next session has what was acknowledged.
    let _next = Labelling::start(&place, "");
    has_labels(&place, &given.into_iter().collect::<Vec<_>>());
}

#[test]
fn a_group_is_accepted_in_one_key() {
    let Some((place, labelling, person)) = session(8) else {
        return;
    };
    let first = truth(&person);
    person.classifies(&first);
    to_the_other_class(&person);
    person.classifies(&truth(&person));
    person.reads("#hint", "Grouped by what the classifier thinks");
    person.reads(".group.current h2", &first);
    person.press(&["g"]);
    person.reads("#said", &format!("7 images labelled {first}."));
    person.reads("#tally", "9 of 16");
    person.press(&["u"]);
    person.reads("#tally", "2 of 16");
    person.press(&["g"]);
    person.reads("#tally", "9 of 16");
    // What is left is of the other class.
    while person.text("#tally") != "16 of 16 images labelled" {
        person.press(&["a"]);
        person.reads("#target", "selected");
        person.press(&["2"]);
    }
    person.reads("#sort .nothing", "Every image has been dealt with.");
    person.sees("return document.activeElement.id === 'sort'");
    has_labels(
        &place,
        &[of_folder("blue", 8), of_folder("red", 8)].concat(),
    );
    person.was_not_disturbed(&labelling);
}

#[test]
fn a_selection_is_labelled_left_out_and_corrected() {
    let Some((place, labelling, person)) = session(6) else {
        return;
    };
    person.chord(&[SHIFT, RIGHT]);
    person.chord(&[SHIFT, RIGHT]);
    person.reads("#target", "3 images selected");
    person.press(&[RIGHT, " "]);
    person.reads("#target", "4 images selected");
    person.press(&[LEFT, " "]);
    person.reads("#target", "3 images selected");
    person.classifies("some");
    person.reads("#tally", "3 of 12");
    person.press(&["x"]);
    person.reads("#said", "1 image left out.");
    // The labelled ones can be looked at, and lose their label again.
    person
        .0
        .js("document.querySelector('#states [data-state=labelled]').focus()");
    person.press(&[ENTER]);
    person.sees("return document.querySelectorAll('#sort-grid .tile[data-id]').length === 3");
    person
        .0
        .js("document.querySelector('#sort-grid .tile').focus()");
    let names = "return [...document.querySelectorAll('#sort-grid .tile[data-id]')].map((tile) => \
        tile.ariaLabel)";
    let kept: Vec<_> = person.0.texts(names).into_iter().skip(1).collect();
    let kept = kept
        .iter()
        .map(|name| (name.split(", ").next().unwrap(), "some"));
    let kept = rows(kept);
    person.press(&[DELETE]);
    person.reads("#tally", "2 of 12");
    person.sees("return document.querySelectorAll('#sort-grid .tile[data-id]').length === 2");
    has_labels(&place, &kept);
    person.was_not_disturbed(&labelling);
}

#[test]
fn the_large_view_goes_on_with_the_keys() {
    let Some((_place, labelling, person)) = session(6) else {
        return;
    };
    let first = path(&person);
    person.press(&[ENTER]);
    person.reads("#large h2", &first);
    assert!(
        person.focus().starts_with(&format!("Large view: {first}")),
        "{}",
        person.focus()
    );
    person.press(&[RIGHT]);
    let second = person.text("#large h2");
    assert_ne!(second, first);
    person.classifies("odd");
    person.reads("#tally", "1 of 12");
    person.sees(&format!(
        "return document.querySelector('#large h2').textContent !== '{second}'"
    ));
    person.press(&["?"]);
    person.sees("return document.getElementById('keys').open");
    person.press(&[ESCAPE]);
    person.sees("return !document.getElementById('keys').open");
    let shown = person.text("#large h2");
    person.press(&[ESCAPE]);
    person.sees("return document.getElementById('large').hidden");
    assert_eq!(
        path(&person),
        shown,
        "the focus is where the large view was"
    );
    person.was_not_disturbed(&labelling);
}
