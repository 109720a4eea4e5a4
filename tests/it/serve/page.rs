//! The page in a real browser: what it shows of pictures, and that it asks for the token.

use std::fs;

use crate::harness::{Browser, Place, Server, wait_for};
use crate::report_looks::LEAST_CONTRAST;
use crate::unknown;

/// Waits until the labels are these, from the top; the last picture comes first.
#[track_caller]
pub(super) fn shows(browser: &Browser, wanted: &[&str]) {
    let labels = || {
        browser.texts(
            "return [...document.querySelectorAll('.result .label')].map((label) => label.textContent)",
        )
    };
    let shown = wait_for(|| (labels() == wanted).then_some(()));
    assert!(shown.is_some(), "{:?} instead of {wanted:?}", labels());
}

pub(super) fn url(server: &Server) -> String {
    format!("http://{}/", server.address())
}

/// Returns the text of the first element.
fn text(browser: &Browser, selector: &str) -> String {
    let text = browser.js(&format!(
        "return document.querySelector('{selector}').innerText"
    ));
    text.as_str().unwrap().to_owned()
}

/// Checks that nothing is wider than the window, and that text stands out, in light and dark.
fn looks_good(browser: &Browser) {
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        for width in [320, 390, 1280] {
            browser.resize(width, 800);
            let excess = browser.js("return document.documentElement.scrollWidth - innerWidth");
            assert_eq!(excess, 0, "{scheme}, {width} pixels");
        }
        let least = browser.js(LEAST_CONTRAST);
        assert!(least[0].as_f64().unwrap() >= 4.5, "{scheme}: {least}");
    }
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
fn a_picture_that_fails_does_not_disturb_others() {
    let Some(place) = Place::fitted() else { return };
    let Some(browser) = Browser::start() else {
        return;
    };
    fs::write(place.path("broken.png"), "no picture").unwrap();
    let server = Server::start(&place, "");
    browser.go(&url(&server));
    let paths =
        ["images/blue/0.png", "broken.png", "images/red/1.png"].map(|name| place.path(name));
    browser.type_into("#files", &paths.join("\n"));
    shows(&browser, &["blue", "not classified", "red"]);
    assert_eq!(
        text(&browser, ".error .reason"),
        "The picture is a text file, not an image."
    );
    assert_eq!(
        text(&browser, "#status"),
        "2 of 3 pictures classified, 1 failed"
    );
    let bars = browser.js("return document.querySelectorAll('.bars li').length");
    assert_eq!(bars, 4, "two classes of two pictures");
    let widths = browser
        .texts("return [...document.querySelectorAll('.fill')].map((fill) => fill.style.width)");
    assert!(
        widths.iter().all(|width| width.ends_with('%')),
        "{widths:?}"
    );
    looks_good(&browser);
    // The browser itself reports the request for the picture, which failed with status 422.
    let complaints = browser.complaints();
    assert!(
        complaints.len() == 1 && complaints[0].contains("422"),
        "{complaints:?}"
    );
}

#[test]
fn an_unknown_picture_has_its_reason_and_neighbours() {
    let Some(place) = unknown::place() else {
        return;
    };
    let Some(browser) = Browser::start() else {
        return;
    };
    let fit = "fit-head {dir}/store -o {dir}/head --reject 0.05";
    place.frostline(fit).exits(0);
    let gallery = "--gallery {dir}/store --gallery-images {dir}/images";
    let server = Server::start(&place, &format!("--head pets={{dir}}/head {gallery}"));
    browser.go(&url(&server));
    let paths = ["strangers/green/0.png", "images/red/1.png"].map(|name| place.path(name));
    browser.type_into("#files", &paths.join("\n"));
    shows(&browser, &["unknown", "red"]);
    let reason = text(&browser, ".rejected .reason");
    assert!(
        reason.starts_with("the nearest training image ("),
        "{reason}"
    );
    // Two pictures with five neighbours each.
    let drawn = "return [...document.querySelectorAll('.nearest img')].filter((image) => \
        image.checkVisibility() && image.naturalWidth > 0).length";
    assert!(wait_for(|| (browser.js(drawn) == 10).then_some(())).is_some());
    let nearest = text(&browser, ".result:last-child .nearest li");
    assert_eq!(
        nearest, "red\n1.000",
        "the picture itself is a training image"
    );
    looks_good(&browser);
    assert_eq!(browser.complaints(), [""; 0]);
    let own = url(&server);
    let foreign = |url: &String| !url.starts_with(&own) && !url.starts_with(&format!("blob:{own}"));
    let requests = browser.requests();
    assert!(
        requests.len() > 10 && !requests.iter().any(foreign),
        "{requests:?}"
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
    browser.type_into("#token", "a wrong token of the user");
    browser.click("#access button");
    let refused = || text(&browser, "#status") == "The server refuses this token.";
    assert!(wait_for(|| refused().then_some(())).is_some() && hidden(false));
    browser.js("document.getElementById('token').value = ''");
    browser.type_into("#token", "0123456789abcdef");
    browser.click("#access button");
    assert!(hidden(true));
    assert_eq!(text(&browser, "#status"), "");
    browser.type_into("#files", &place.path("images/blue/0.png"));
    shows(&browser, &["blue"]);
}
