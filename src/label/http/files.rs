//! The files of the page.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::http::Problem;
use crate::report::BASE_STYLE;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const ICON: &str = "image/svg+xml";

macro_rules! files {
    ($($name:literal: $kind:ident),+ $(,)?) => {
        &[$(($name, $kind, include_str!(concat!("../page/", $name)))),+]
    };
}

/// The name, type and content of each file.
const FILES: &[(&str, &str, &str)] = files! {
    "index.html": HTML,
    "page.css": STYLE,
    "icon.svg": ICON,
    "actions.js": SCRIPT,
    "announce.js": SCRIPT,
    "api.js": SCRIPT,
    "chart.js": SCRIPT,
    "check.js": SCRIPT,
    "classes.js": SCRIPT,
    "connection.js": SCRIPT,
    "dom.js": SCRIPT,
    "finding.js": SCRIPT,
    "finish.js": SCRIPT,
    "gestures.js": SCRIPT,
    "grid.js": SCRIPT,
    "keys.js": SCRIPT,
    "kinds.js": SCRIPT,
    "large.js": SCRIPT,
    "layout.js": SCRIPT,
    "listing.js": SCRIPT,
    "main.js": SCRIPT,
    "neighbours.js": SCRIPT,
    "pages.js": SCRIPT,
    "paint.js": SCRIPT,
    "progress.js": SCRIPT,
    "selection.js": SCRIPT,
    "similar.js": SCRIPT,
    "sort.js": SCRIPT,
    "state.js": SCRIPT,
    "tiles.js": SCRIPT,
    "try.js": SCRIPT,
    "walk.js": SCRIPT,
};
/// The style that the page has in common with reports.
const BASE: &str = "base.css";

/// Returns the page.
pub(super) async fn index() -> Response {
    file(Path("index.html".to_owned())).await
}

/// Returns a file of the page.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    if name == BASE {
        return ([(header::CONTENT_TYPE, STYLE)], BASE_STYLE).into_response();
    }
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, content)) => ([(header::CONTENT_TYPE, *kind)], *content).into_response(),
        None => Problem::not_found("the page has no such file").into_response(),
    }
}
