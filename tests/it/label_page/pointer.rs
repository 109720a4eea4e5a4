//! Selecting with a mouse and by touch.

use serde_json::{Value, json};

use crate::harness::Person;

use super::session;

/// Returns the middle of a tile in the window.
fn middle(person: &Person, tile: usize) -> (i32, i32) {
    let point = person.0.js(&format!(
        "const boxes = [...document.querySelectorAll('#sort-grid .tile[data-id]')];
         const box = boxes[{tile}].getBoundingClientRect();
         return [box.x + box.width / 2, box.y + box.height / 2]"
    ));
    let number = |value: &Value| value.as_f64().unwrap() as i32;
    (number(&point[0]), number(&point[1]))
}

#[test]
fn a_mouse_selects() {
    let Some((_place, labelling, person)) = session(10) else {
        return;
    };
    let click = |tile, modifiers: u32| {
        let (x, y) = middle(&person, tile);
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({
                "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1, "modifiers": modifiers
            });
            person.0.devtools("Input.dispatchMouseEvent", &event);
        }
    };
    let (control, shift) = (2, 8);
    click(1, 0);
    person.reads("#target", "1 image selected");
    click(3, control);
    person.reads("#target", "2 images selected");
    click(3, control);
    person.reads("#target", "1 image selected");
    click(1, 0);
    click(4, shift);
    person.reads("#target", "4 images selected");
    // A band around the first two images, from the space beside them.
    let (from, to) = (middle(&person, 0), middle(&person, 1));
    person.0.drag(from, to);
    person.reads("#target", "2 images selected");
    person.classifies("two");
    person.reads("#tally", "2 of 20");
    person.was_not_disturbed(&labelling);
}

#[test]
fn a_finger_selects_and_scrolls() {
    let Some((_place, labelling, person)) = session(40) else {
        return;
    };
    person.0.resize(390, 844);
    person.0.devtools(
        "Emulation.setTouchEmulationEnabled",
        &json!({ "enabled": true }),
    );
    person.open(&labelling, "sort");
    person.sees("return document.querySelectorAll('#sort-grid .tile[data-id]').length > 9");
    let touch = |kind: &str, points: &[(i32, i32)]| {
        let points: Vec<Value> = points
            .iter()
            .map(|(x, y)| json!({ "x": x, "y": y }))
            .collect();
        let event = json!({ "type": kind, "touchPoints": points });
        person.0.devtools("Input.dispatchTouchEvent", &event);
    };
    let tap = |tile| {
        touch("touchStart", &[middle(&person, tile)]);
        touch("touchEnd", &[]);
    };
    tap(0);
    person.reads("#target", "1 image selected");
    tap(4);
    person.reads("#target", "2 images selected");
    tap(0);
    person.reads("#target", "1 image selected");
    // Sideways: a band over the first row.
    let ((x, y), (end, _)) = (middle(&person, 0), middle(&person, 2));
    touch("touchStart", &[(x, y)]);
    for step in 1..=10 {
        touch("touchMove", &[(x + (end - x) * step / 10, y)]);
    }
    touch("touchEnd", &[]);
    person.reads("#target", "4 images selected");
    // Up: the grid scrolls, and the selection stays.
    let (x, y) = middle(&person, 7);
    touch("touchStart", &[(x, y)]);
    for step in 1..=20 {
        touch("touchMove", &[(x, y - 15 * step)]);
    }
    touch("touchEnd", &[]);
    person.sees("return document.getElementById('sort-grid').scrollTop > 100");
    person.reads("#target", "4 images selected");
    person.0.click("#leave-out");
    person.reads("#said", "4 images left out.");
    person.was_not_disturbed(&labelling);
}
