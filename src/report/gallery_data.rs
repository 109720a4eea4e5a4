//! What the page's script reads about the images, as JSON.

use maud::{Markup, PreEscaped, html};
use serde::Serialize;
use serde_json::{Value, json};

use super::page::Page;
use super::photo::{Neighbour, Photo, Picture};
use super::thumbnail::base64;

/// Returns the script's data as JSON. `<`, `>` and `&` are escaped, so that no text can close the element.
/// The thumbnails of the evaluated images are in the gallery.
pub(super) fn data(page: &Page) -> Markup {
    let photos: Vec<PhotoData> = page.photos.iter().map(PhotoData::of).collect();
    let training: Vec<Value> = page.training.iter().map(training_data).collect();
    let data = json!({ "classes": page.classes, "training": training });
    let photos = serde_json::to_string(&photos).expect("strings and numbers have a JSON form");
    let text = format!("{{\"photos\":{photos},\"rest\":{data}}}");
    let text = text
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026");
    html! { script #data type="application/json" { (PreEscaped(text)) } }
}

/// A [`Photo`] as the script reads it; names are short because there may be thousands.
#[derive(Serialize)]
struct PhotoData<'a> {
    path: &'a str,
    truth: usize,
    predicted: usize,
    top: Vec<(usize, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    near: Vec<(usize, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<(usize, f64)>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    doubted: bool,
}

impl<'a> PhotoData<'a> {
    fn of(photo: &'a Photo) -> Self {
        let near = |n: &Neighbour| (n.picture, rounded(n.similarity));
        let share = |&(class, p): &(usize, f64)| (class, rounded(p));
        Self {
            path: &photo.path,
            truth: photo.truth,
            predicted: photo.predicted,
            top: photo.top.iter().map(share).collect(),
            unknown: photo.rejected.as_deref(),
            near: photo.neighbours.iter().map(near).collect(),
            other: photo.other.map(|o| (o.predicted, rounded(o.confidence))),
            doubted: photo.doubted,
        }
    }
}

fn training_data(picture: &Picture) -> Value {
    json!({
        "path": picture.path,
        "class": picture.class,
        "doubted": picture.doubted,
        "jpeg": picture.thumbnail.as_ref().map(base64),
    })
}

/// Rounds to four decimals, more than are shown.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::photo::tests::photo;

    #[test]
    fn a_name_cannot_end_the_data() {
        let name = "</script><script>alert(1)</script>&\"'.jpg";
        let page = Page {
            photos: vec![photo(name, 0, 0.5)],
            ..Page::default()
        };
        let text = data(&page).into_string();
        assert_eq!(text.matches('<').count(), 2, "{text}");
        let json = &text[text.find('{').unwrap()..=text.rfind('}').unwrap()];
        let read: Value = serde_json::from_str(json).unwrap();
        assert_eq!(read["photos"][0]["path"], name);
    }
}
