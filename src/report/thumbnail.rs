//! Thumbnails as embedded images.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::photo::Thumbnail;

/// Renders a thumbnail, or the file name if there is none.
pub(super) fn image(thumbnail: Option<&Thumbnail>, path: &str) -> Markup {
    let Some(thumbnail) = thumbnail else {
        return html! { span.placeholder title=(path) { bdi { (name(path)) } } };
    };
    html! { img src=(source(thumbnail)) alt=(path) title=(path) decoding="async"; }
}

/// Like [`image`], with the number of the image, by which the page's script finds its thumbnail.
pub(super) fn numbered(number: usize, thumbnail: Option<&Thumbnail>, path: &str) -> Markup {
    let Some(thumbnail) = thumbnail else {
        return image(None, path);
    };
    html! { img data-photo=(number) src=(source(thumbnail)) alt=(path) decoding="async"; }
}

fn source(thumbnail: &Thumbnail) -> String {
    format!("data:image/jpeg;base64,{}", base64(thumbnail))
}

pub(super) fn base64(thumbnail: &Thumbnail) -> String {
    STANDARD.encode(&thumbnail.0)
}

/// Returns the part of a path after the last slash.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
