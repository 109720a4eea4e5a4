//! The page in a real browser: pictures are classified, also with the keyboard and on a phone.

use std::fs;

use serde_json::json;

use crate::harness::{Browser, Place, Server, TAB, wait_for};

fn labels(browser: &Browser) -> Vec<String> {
    browser.texts(
        "return [...document.querySelectorAll('.result .label')].map((label) => label.textContent)",
    )
}

fn url(server: &Server) -> String {
    format!("http://{}/", server.address())
}

#[test]
fn the_page_is_sent_with_its_policy() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let page = server.get("/");
    assert_eq!(
        (page.status, &*page.headers["content-type"]),
        (200, "text/html; charset=utf-8")
    );
    let policy = &page.headers["content-security-policy"];
    assert!(
        policy.starts_with("default-src 'none'; connect-src 'self'; "),
        "{policy}"
    );
    assert!(
        policy.contains("script-src 'sha256-") && !policy.contains("unsafe"),
        "{policy}"
    );
}

#[test]
fn pictures_are_classified_in_a_browser() {
    let Some(place) = Place::fitted() else { return };
    let Some(browser) = Browser::start() else {
        return;
    };
    fs::write(place.path("broken.png"), "no picture").unwrap();
    let server = Server::start(&place, "");
    browser.go(&url(&server));
    let paths =
        ["images/blue/0.png", "images/red/1.png", "broken.png"].map(|name| place.path(name));
    browser.type_into("#files", &paths.join("\n"));
    let sorted = || {
        let mut labels = labels(&browser);
        labels.sort();
        labels
    };
    let wanted = ["blue", "is a text file, not an image", "red"];
    assert!(
        wait_for(|| (sorted() == wanted).then_some(())).is_some(),
        "{:?}",
        sorted()
    );
    let bars = browser.js("return document.querySelectorAll('.bars li').length");
    assert_eq!(bars, 4, "two classes of two pictures");
    let widths = browser
        .texts("return [...document.querySelectorAll('.fill')].map((fill) => fill.style.width)");
    assert!(
        widths.iter().all(|width| width.ends_with('%')),
        "{widths:?}"
    );
    browser.resize(360, 700);
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        let room = browser.js("return document.documentElement.scrollWidth - innerWidth");
        assert_eq!(room, 0, "nothing is wider than a phone");
    }
    // The second request is the one for a picture, which failed with status 422.
    let complaints = browser.complaints();
    assert!(
        complaints.iter().all(|text| text.contains("422")),
        "{complaints:?}"
    );
}

#[test]
fn a_picture_is_pasted_and_the_keyboard_reaches_everything() {
    let Some(place) = Place::fitted() else { return };
    let Some(browser) = Browser::start() else {
        return;
    };
    let server = Server::start(&place, "--head a={dir}/head --head b={dir}/head");
    browser.go(&url(&server));
    assert!(
        wait_for(
            || (browser.js("return document.getElementById('model').length") == 2).then_some(())
        )
        .is_some()
    );
    let mut reached = Vec::new();
    for _ in 0..3 {
        browser.press(&[TAB]);
        reached.push(browser.js("return document.activeElement.id"));
    }
    assert_eq!(reached, ["model", "files", "camera"]);
    let capture = browser.js("return document.getElementById('camera').getAttribute('capture')");
    assert_eq!(capture, "environment");
    let bytes = fs::read(place.path("images/red/0.png")).unwrap();
    browser.js(&format!(
        "const file = new File([new Uint8Array({})], 'pasted.png', {{ type: 'image/png' }});
         const data = new DataTransfer();
         data.items.add(file);
         document.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: data }}));",
        json!(bytes)
    ));
    assert!(
        wait_for(|| (labels(&browser) == ["red"]).then_some(())).is_some(),
        "{:?}",
        labels(&browser)
    );
}

#[test]
fn the_page_asks_for_the_token() {
    let Some(place) = Place::fitted() else { return };
    let Some(browser) = Browser::start() else {
        return;
    };
    fs::write(place.path("token"), "0123456789abcdef").unwrap();
    let server = Server::start(&place, "--token-file {dir}/token");
    browser.go(&url(&server));
    let hidden = |wanted: bool| {
        let hidden = || browser.js("return document.getElementById('access').hidden");
        wait_for(|| (hidden() == wanted).then_some(())).is_some()
    };
    assert!(hidden(false));
    browser.type_into("#token", "0123456789abcdef");
    browser.click("#access button");
    assert!(hidden(true));
    browser.type_into("#files", &place.path("images/blue/0.png"));
    assert!(
        wait_for(|| (labels(&browser) == ["blue"]).then_some(())).is_some(),
        "{:?}",
        labels(&browser)
    );
}
