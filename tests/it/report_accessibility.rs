//! The report by axe-core's rules, in light and dark, with every dialog.

use std::fs;

use frostline::report::render;

use crate::harness::{Axe, Browser, pets};

#[test]
fn axe_finds_no_serious_violation() {
    let (Some(axe), Some(browser)) = (Axe::installed(), Browser::start()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    fs::write(&file, render(&pets())).unwrap();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        for width in [390, 1280] {
            browser.resize(width, 900);
            browser.open(&file);
            assert_eq!(axe.violations(&browser), [""; 0], "{scheme}, {width}");
            browser.js("document.querySelector('.confusion .wrong').click()");
            assert_eq!(
                axe.violations(&browser),
                [""; 0],
                "{scheme}, {width}, a cell"
            );
            browser.js("document.querySelector('#cell .tile').click()");
            assert_eq!(
                axe.violations(&browser),
                [""; 0],
                "{scheme}, {width}, an image"
            );
        }
    }
}

/// The rules do run: text without contrast and a picture without a name are found.
#[test]
fn axe_finds_violations() {
    let (Some(axe), Some(browser)) = (Axe::installed(), Browser::start()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    let page = "<!DOCTYPE html><html lang=en><title>t</title><main><h1 style='color:#ddd'>pale</h1>\
        <img src='data:image/gif;base64,R0lGODlhAQABAAAAACH5BAAAAAAALAAAAAABAAEAAAICTAEAOw=='></main></html>";
    fs::write(&file, page).unwrap();
    browser.open(&file);
    let found = axe.violations(&browser);
    for rule in ["color-contrast: ", "image-alt: "] {
        assert!(
            found.iter().any(|one| one.starts_with(rule)),
            "{rule} in {found:?}"
        );
    }
}
