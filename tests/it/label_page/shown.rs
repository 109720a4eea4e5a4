//! What a person sees of values and messages, and what can be pressed.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{ENTER, Labelling, Person};

use super::session;

/// Labels the images of both classes up to `labelled` of `n` each.
fn label_some(labelling: &Labelling, n: u32, labelled: u32) {
    for (class, first) in [("blue", 0), ("red", n)] {
        let ids: Vec<u32> = (first..first + labelled).collect();
        labelling
            .act(&json!({ "kind": "label", "ids": ids, "class": class }))
            .with(200);
    }
}

#[test]
fn a_bar_is_as_wide_as_its_share() {
    let Some((_place, labelling, person)) = session(4) else {
        return;
    };
    person.open(&labelling, "try");
    for share in [0.0, 0.01, 0.05, 0.2, 0.5, 1.0] {
        let found = person.0.js(&format!(
            "return import('./app/dom.js').then(({{ bar, el }}) => {{
               const figure = el('dd', {{}}, bar({share}), el('span', {{}}, '5 %'));
               const row = el('div', {{}}, el('dt', {{}}, 'class'), figure);
               const list = el('dl', {{ className: 'probabilities' }}, row);
               document.getElementById('drop').append(list);
               const width = (name) => list.querySelector(name).getBoundingClientRect().width;
               const share = width('.fill') / width('.track');
               list.remove();
               return share;
             }})"
        ));
        let found = found.as_f64().unwrap();
        assert!((found - share).abs() < 0.005, "{found} instead of {share}");
    }
    person.was_not_disturbed(&labelling);
}

#[test]
fn names_in_messages_are_marked_and_stay_text() {
    let Some((_place, labelling, person)) = session(4) else {
        return;
    };
    let class = "<b>`blue`</b>";
    for (class, code) in [("blue", "blue"), (class, "<b>")] {
        person.classifies(class);
        person.press(&["u"]);
        person.reads("#said", "Undone: 1 image labelled ");
        person.reads("#said code", code);
        assert_eq!(
            person.0.js("return document.querySelector('#said b')"),
            Value::Null
        );
        person.press(&["u"]);
    }
    assert!(!person.text("#said").contains('`'));
    person.was_not_disturbed(&labelling);
}

#[test]
fn without_an_image_nothing_can_be_done_to_it() {
    let n = 4;
    let Some((_place, labelling, person)) = session(n) else {
        return;
    };
    let disabled = |wanted: bool| {
        person.sees(&format!(
            "return ['enlarge', 'similars', 'leave-out'].every((id) => \
                document.getElementById(id).disabled === {wanted})"
        ));
    };
    disabled(false);
    label_some(&labelling, n, n);
    person.reads("#target", "No image in focus");
    disabled(true);
    person.open(&labelling, "check/duplicates");
    person.reads("#finding", "No image is there twice.");
    disabled(true);
    person.open(&labelling, "similar/0");
    person.sees("return document.activeElement.classList.contains('tile')");
    disabled(false);
    person.was_not_disturbed(&labelling);
}

#[test]
fn similar_images_have_their_class_and_similarity() {
    let Some((_place, labelling, person)) = session(4) else {
        return;
    };
    label_some(&labelling, 4, 2);
    person.open(&labelling, "similar/0");
    let badges = "const badges = [...document.querySelectorAll('#similar-grid .badge')];
        return badges.map((badge) => badge.textContent)";
    person.sees("return document.querySelectorAll('#similar-grid .badge bdi').length === 7");
    let badges = person.0.texts(badges);
    let count = |class: &str| badges.iter().filter(|badge| badge.ends_with(class)).count();
    assert_eq!((count(" · blue"), count(" · red")), (1, 2), "{badges:?}");
    assert!(
        badges
            .iter()
            .all(|badge| badge.split(" · ").next().unwrap().parse::<f64>().is_ok())
    );
    // The large view has each tool once.
    person.press(&[ENTER]);
    person.reads("#large h2", "ppm");
    let shown = |words: &str| {
        person.0.js(&format!(
            "return [...document.querySelectorAll('#large button, #panel button')].filter((button) => \
                button.checkVisibility() && button.textContent.startsWith('{words}')).length"
        ))
    };
    for (words, n) in [
        ("Similar", 1),
        ("Leave out", 1),
        ("Enlarge", 0),
        ("Close", 1),
    ] {
        assert_eq!(shown(words), n, "{words}");
    }
    person.was_not_disturbed(&labelling);
}

#[test]
fn the_accuracy_is_said_to_be_of_harder_images_while_others_are_left() {
    let n = 12;
    let Some((_place, labelling, person)) = session(n) else {
        return;
    };
    let harder = "Images that were asked for are harder than the rest";
    label_some(&labelling, n, 10);
    person.0.js("location.hash = 'progress'");
    person.reads("#progress .main", "interval");
    person.reads("#progress .main", harder);
    person.reads(
        "#progress .chart",
        "labelled images used for training (4 of every 5)",
    );
    person.sees("return document.activeElement.id === 'progress'");
    let frame = "return getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(person.0.js(frame), "none");
    label_some(&labelling, n, n);
    person.sees(&format!(
        "return !document.getElementById('progress').textContent.includes('{harder}')"
    ));
    person.was_not_disturbed(&labelling);
}

#[test]
fn a_long_list_of_classes_fades_except_at_its_end() {
    let Some((_place, labelling, person)) = session(4) else {
        return;
    };
    for number in 0..58 {
        labelling
            .act(&json!({ "kind": "add_class", "name": format!("class {number}") }))
            .with(200);
    }
    person.sees("return document.querySelectorAll('#classes [role=option]').length === 58");
    let rest = "const list = document.getElementById('classes');
        list.scrollTop = 1e6;
        const box = (node) => node.getBoundingClientRect();
        return box(list).bottom - box(list.lastChild).bottom";
    assert!(person.0.js(rest).as_f64().unwrap() >= 31.0);
    let mask = "return getComputedStyle(document.getElementById('classes')).maskImage";
    assert!(person.0.js(mask).as_str().unwrap().contains("32px"));
    person.was_not_disturbed(&labelling);
}

#[test]
fn a_folder_that_is_gone_is_named() {
    let Some((place, labelling, person)) = session(4) else {
        return;
    };
    fs::rename(place.path("images"), place.path("elsewhere")).unwrap();
    person.0.devtools("Network.clearBrowserCache", &json!({}));
    person.open(&labelling, "sort");
    person.reads("#notice", "images is not there any more");
    look_again(&person, &labelling);
    let state = labelling.get("api/state");
    assert_eq!(state["notes"].as_array().unwrap().len(), 2, "{state}");
}

/// Asks for the pictures once more.
fn look_again(person: &Person, labelling: &Labelling) {
    person.0.devtools("Network.clearBrowserCache", &json!({}));
    person.open(labelling, "sort");
    person.reads(".picture.missing", "gone or changed");
}
