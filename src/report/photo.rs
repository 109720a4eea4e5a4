//! A picture as HTML, for those parts of the page that are there without a script.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::page::Thumbnail;

/// The picture, or its name where there is none.
pub(super) fn image(thumbnail: Option<&Thumbnail>, path: &str) -> Markup {
    let Some(thumbnail) = thumbnail else {
        return html! { span.placeholder title=(path) { bdi { (name(path)) } } };
    };
    html! {
        img src=(format!("data:image/jpeg;base64,{}", base64(thumbnail))) alt=(path) title=(path)
            decoding="async";
    }
}

pub(super) fn base64(thumbnail: &Thumbnail) -> String {
    STANDARD.encode(&thumbnail.0)
}

/// What is behind the last slash.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
