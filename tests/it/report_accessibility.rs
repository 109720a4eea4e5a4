//! Pages by axe-core's rules.

use std::fs;

use crate::harness::{Axe, Browser};

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
