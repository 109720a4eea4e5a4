//! The layout of every view on screens of every size, its contrast, and the rules of axe-core.

use serde_json::json;

use crate::harness::{Axe, ENTER};
use crate::report_looks::LEAST_CONTRAST;

use super::session;

const VIEWS: [&str; 9] = [
    "sort",
    "check",
    "check/duplicates",
    "check/outliers",
    "progress",
    "try",
    "finish",
    "similar/0",
    "large",
];

#[test]
fn every_view_fits_stands_out_and_keeps_the_rules_of_accessibility() {
    let Some((_place, labelling, person)) = session(9) else {
        return;
    };
    for (class, ids) in [
        ("blue", [0, 1, 2, 3, 4, 5]),
        ("red", [9, 10, 11, 12, 13, 14]),
    ] {
        labelling
            .act(&json!({ "kind": "label", "ids": ids, "class": class }))
            .with(200);
    }
    // Two labels that are wrong.
    labelling.label(&[6], "red");
    labelling.label(&[15], "blue");
    let axe = Axe::installed();
    for (width, height) in [(320, 640), (390, 844), (820, 1180), (1280, 800)] {
        person.0.resize(width, height);
        for scheme in ["light", "dark"] {
            person.0.prefer(scheme);
            for view in VIEWS {
                let place = format!("{view} at {width}, {scheme}");
                person.open(&labelling, if view == "large" { "sort" } else { view });
                person.sees("return document.getElementById('views').innerText.trim() !== ''");
                if view == "large" {
                    person.sees("return document.activeElement.classList.contains('tile')");
                    person.press(&[ENTER]);
                }
                let excess = person
                    .0
                    .js("return document.documentElement.scrollWidth - innerWidth");
                assert_eq!(excess, 0, "{place}");
                let least = person.0.js(LEAST_CONTRAST);
                assert!(least[0].as_f64().unwrap() >= 4.5, "{place}: {least}");
                let violations = axe.as_ref().map(|axe| axe.violations(&person.0));
                assert_eq!(violations.unwrap_or_default(), [""; 0], "{place}");
            }
        }
    }
    person.was_not_disturbed(&labelling);
}

#[test]
fn the_dialogs_keep_the_rules_of_accessibility() {
    let Some((_place, labelling, person)) = session(4) else {
        return;
    };
    let Some(axe) = Axe::installed() else { return };
    person.classifies("blue");
    for open in ["#help", "#rename-open"] {
        person.0.click(open);
        person.sees("return document.querySelector('dialog[open]') !== null");
        assert_eq!(axe.violations(&person.0), [""; 0], "{open}");
        person.0.click("dialog[open] .close");
    }
    person.was_not_disturbed(&labelling);
}
