//! The ways to give the page pictures: dropped, pasted, chosen, taken by a camera, and all by the keyboard.

use std::fs;

use serde_json::json;

use super::page::{shows, url};
use crate::harness::{Browser, ENTER, Place, Server, TAB, wait_for};

/// Returns JavaScript that creates `data`, a `DataTransfer` with these files.
fn transfer(place: &Place, names: &[&str]) -> String {
    let files = names.iter().map(|name| {
        let bytes = fs::read(place.path(name)).unwrap();
        format!(
            "data.items.add(new File([new Uint8Array({})], '{name}', {{ type: 'image/png' }}));",
            json!(bytes)
        )
    });
    "const data = new DataTransfer();".to_owned() + &files.collect::<String>()
}

#[test]
fn several_pictures_are_dropped() {
    let Some(place) = Place::fitted() else { return };
    let Some(browser) = Browser::start() else {
        return;
    };
    let server = Server::start(&place, "");
    browser.go(&url(&server));
    let names = [
        "images/blue/0.png",
        "images/red/0.png",
        "images/red/1.png",
        "images/blue/1.png",
        "images/red/2.png",
        "images/blue/2.png",
    ];
    let marked = "return document.getElementById('drop').classList.contains('over')";
    let send = |kind: &str, names: &[&str]| {
        let event = format!(
            "new DragEvent('{kind}', {{ dataTransfer: data, bubbles: true, cancelable: true }})"
        );
        browser.js(&format!(
            "{} return document.getElementById('drop').dispatchEvent({event})",
            transfer(&place, names)
        ))
    };
    // `false`: the browser does not open the pictures itself.
    assert_eq!(send("dragover", &names[..1]), false);
    assert_eq!(browser.js(marked), true);
    assert_eq!(send("drop", &names), false);
    assert_eq!(browser.js(marked), false);
    shows(&browser, &["blue", "red", "red", "blue", "red", "blue"]);
    // Later pictures come above; what is no file is ignored.
    assert_eq!(send("drop", &[]), false);
    assert_eq!(send("drop", &names[1..2]), false);
    shows(
        &browser,
        &["red", "blue", "red", "red", "blue", "red", "blue"],
    );
    let status = browser.js("return document.getElementById('status').textContent");
    assert_eq!(status, "7 of 7 pictures classified");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_picture_is_pasted_or_taken() {
    let Some(place) = Place::fitted() else { return };
    let Some(browser) = Browser::start() else {
        return;
    };
    let server = Server::start(&place, "");
    browser.go(&url(&server));
    browser.resize(390, 844);
    browser.js(&format!(
        "{} document.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: data }}));",
        transfer(&place, &["images/red/0.png"])
    ));
    shows(&browser, &["red"]);
    let attribute = |input: &str, name: &str| {
        browser.js(&format!(
            "return document.getElementById('{input}').getAttribute('{name}')"
        ))
    };
    // The camera on the back of a phone; JPEG XL and HEIC have no type in some browsers.
    assert_eq!(attribute("camera", "capture"), "environment");
    assert_eq!(attribute("camera", "accept"), "image/*");
    assert_eq!(
        attribute("files", "accept"),
        "image/*,.heic,.heif,.avif,.jxl"
    );
    assert!(attribute("files", "capture").is_null() && !attribute("files", "multiple").is_null());
    browser.type_into("#camera", &place.path("images/blue/0.png"));
    shows(&browser, &["blue", "red"]);
    // The same picture again is another choice.
    browser.type_into("#files", &place.path("images/blue/0.png"));
    shows(&browser, &["blue", "blue", "red"]);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn the_keyboard_reaches_everything() {
    let Some(place) = Place::fitted() else { return };
    let Some(browser) = Browser::start() else {
        return;
    };
    let server = Server::start(&place, "--head a={dir}/head --head b={dir}/head");
    browser.go(&url(&server));
    let models = || browser.js("return document.getElementById('model').length");
    assert!(wait_for(|| (models() == 2).then_some(())).is_some());
    browser.js(
        "window.opened = [];
         for (const input of document.querySelectorAll('input[type=file]')) {
           input.addEventListener('click', (event) => { event.preventDefault(); opened.push(input.id); });
         }",
    );
    let mut reached = Vec::new();
    for _ in 0..3 {
        browser.press(&[TAB]);
        reached.push(browser.js("return document.activeElement.id"));
        // A file input is invisible; its label shows the focus.
        let outline = browser.js("const active = document.activeElement;
             return getComputedStyle(active.closest('.way') ?? active).outlineStyle");
        assert_eq!(outline, "solid", "{reached:?}");
        if reached.len() > 1 {
            browser.press(&[ENTER]);
        }
    }
    assert_eq!(reached, ["model", "files", "camera"]);
    assert_eq!(browser.js("return opened"), json!(["files", "camera"]));
    // The second model, by a key.
    browser.js("document.getElementById('model').focus()");
    browser.press(&["b"]);
    browser.type_into("#files", &place.path("images/red/0.png"));
    shows(&browser, &["red"]);
    let name = browser.js("return document.querySelector('.result .name').textContent");
    assert_eq!(name, "0.png – b");
}
