//! The page on a phone.

use crate::harness::Person;

use super::{label_all, session};

/// Returns which of the elements are not wholly in the window or in the box of `frame`.
fn cut_off(person: &Person, frame: &str, elements: &str) -> Vec<String> {
    person.0.texts(&format!(
        "const frame = document.querySelector('{frame}').getBoundingClientRect();
         const inside = (box) => box.left >= Math.max(0, frame.left) && box.top >= frame.top
           && box.right <= Math.min(innerWidth, frame.right) && box.bottom <= frame.bottom + 0.5;
         return [...document.querySelectorAll('{elements}')]
           .filter((node) => node.checkVisibility() && !inside(node.getBoundingClientRect()))
           .map((node) => node.textContent)"
    ))
}

#[test]
fn nothing_that_is_needed_is_cut_off() {
    let n = 12;
    let Some((_place, labelling, person)) = session(n) else {
        return;
    };
    for (width, height) in [(390, 844), (360, 640)] {
        person.0.resize(width, height);
        person.open(&labelling, "sort");
        person.sees("return document.querySelectorAll('#states button').length === 4");
        assert_eq!(cut_off(&person, "#states", "#states button"), [""; 0]);
        person.reads("#panel-more", "Type a name to make the first class.");
        assert_eq!(cut_off(&person, "#panel", "#panel-more"), [""; 0]);
    }
    // The instruction may wrap.
    let white = "return getComputedStyle(document.getElementById('panel-more')).whiteSpace";
    assert_eq!(person.0.js(white), "normal");
    label_all(&labelling, n);
    labelling.label(&[1], "red");
    for (width, height) in [(390, 844), (360, 640)] {
        person.0.resize(width, height);
        for view in ["check", "check/outliers"] {
            person.open(&labelling, view);
            person.reads("#finding .acts", "Leave out");
            assert_eq!(cut_off(&person, "#kinds", "#kinds button"), [""; 0]);
            let cut = cut_off(&person, "#finding", "#finding .acts button");
            assert_eq!(cut, [""; 0], "{view} at {width}");
        }
    }
    person.press(&["?"]);
    person.reads("#keys-list", "By touch");
    person.was_not_disturbed(&labelling);
}

#[test]
fn the_learning_curve_follows_the_width() {
    let n = 20;
    let Some((_place, labelling, person)) = session(n) else {
        return;
    };
    label_all(&labelling, n);
    person.open(&labelling, "progress");
    // As many pixels as units, so that the letters keep their size.
    for width in [1280, 390, 820] {
        person.0.resize(width, 844);
        person.sees(
            "const chart = document.querySelector('#progress .chart');
             return chart !== null
               && Math.abs(chart.viewBox.baseVal.width / chart.getBoundingClientRect().width - 1) < 0.06",
        );
    }
    person.was_not_disturbed(&labelling);
}
