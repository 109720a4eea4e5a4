//! Names of classes and files that are no plain words.

use std::fs;

use crate::harness::{ENTER, Labelling, Person, Place, has_labels, two_patterns};

use super::{path, rows, session};

const HOSTILE: [&str; 6] = [
    "<img src=x onerror=\"document.title='pwned'\">",
    "=HYPERLINK(\"http://192.0.2.1\")",
    "\u{200f}שלום",
    "שלום",
    "unknown",
    "skipped",
];

#[test]
fn hostile_names_stay_text() {
    let Some(place) = Place::installed() else {
        return;
    };
    let images = place.folder().join("images");
    two_patterns(&place.folder().join("images"), 4);
    let name = "<script>document.title='pwned'<!--\u{202e}.ppm";
    fs::rename(images.join("blue/00.ppm"), images.join("blue").join(name)).unwrap();
    let labelling = Labelling::start(&place, "");
    let Some(person) = Person::at(&labelling) else {
        return;
    };
    person.sees("return document.activeElement.classList.contains('tile')");
    let long = "x".repeat(200);
    let mut given = Vec::new();
    for (n, class) in HOSTILE.iter().chain([&&*long]).enumerate() {
        given.push((path(&person), (*class).to_owned()));
        person.classifies(class);
        person.reads("#tally", &format!("{} of 8", n + 1));
    }
    let shown =
        "return [...document.querySelectorAll('#classes bdi')].map((name) => name.textContent)";
    let wanted: Vec<&str> = HOSTILE.into_iter().chain([&*long]).collect();
    assert_eq!(person.0.texts(shown), wanted);
    for view in ["sort", "check", "progress", "finish"] {
        person.open(&labelling, view);
        person.sees("return document.title.endsWith('frostline label')");
        let excess = person
            .0
            .js("return document.documentElement.scrollWidth - innerWidth");
        assert_eq!(excess, 0, "{view}");
    }
    assert_eq!(person.0.js("return document.scripts.length"), 1);
    has_labels(&place, &given);
    person.was_not_disturbed(&labelling);
}

#[test]
fn a_name_is_completed() {
    let Some((_place, labelling, person)) = session(4) else {
        return;
    };
    for class in ["shirt", "t-shirt", "shoes"] {
        person.classifies(class);
    }
    // Classes that begin with the text, the text as a new class, and classes that contain it.
    person.0.press(&["c", "s", "h"]);
    let options = "return [...document.querySelectorAll('#classes [role=option]')].map((option) => \
        option.querySelector('bdi').textContent)";
    assert_eq!(person.0.texts(options), ["shirt", "shoes", "sh", "t-shirt"]);
    let active = "return document.getElementById(document.getElementById('name').getAttribute( \
        'aria-activedescendant')).querySelector('bdi').textContent";
    assert_eq!(person.0.js(active), "shirt");
    person.0.press(&["\u{e015}"]);
    assert_eq!(person.0.js(active), "shoes");
    person.press(&[ENTER]);
    person.reads("#said", "1 image labelled shoes.");
    person.0.press(&["c", "h", "i", "r", "t"]);
    person.press(&[ENTER]);
    person.reads("#said", "1 image labelled hirt.");
    person.reads("#tally", "5 of 8");
    person.was_not_disturbed(&labelling);
}

#[test]
fn a_class_is_renamed() {
    let Some((place, labelling, person)) = session(4) else {
        return;
    };
    let given = rows([(&*path(&person), "blue")]);
    person.classifies("bleu");
    person.0.click("#rename-open");
    person.0.type_into("#rename-to", "blue");
    person.press(&[ENTER]);
    person.reads("#said", "Class bleu is now blue.");
    person.reads("#classes", "blue");
    has_labels(&place, &given);
    person.was_not_disturbed(&labelling);
}
