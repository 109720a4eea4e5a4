//! The gallery of all images: the markup that the page's script fills, and its data.

use std::cmp::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};
use serde::Serialize;
use serde_json::{Value, json};

use super::marks::bar;
use super::number::grouped;
use super::page::{Neighbour, Page, Photo, PhotoOutcome, Picture, Thumbnail};

/// Orders images for display: mistakes, most confident first; then rejected images and correct ones, each
/// least confident first.
#[must_use]
pub fn worst_first(a: &Photo, b: &Photo) -> Ordering {
    let rising = a.confidence().total_cmp(&b.confidence());
    let sureness = match a.outcome() {
        PhotoOutcome::Wrong => rising.reverse(),
        PhotoOutcome::Unknown | PhotoOutcome::Right => rising,
    };
    a.outcome().cmp(&b.outcome()).then(sureness)
}

pub(super) fn section(page: &Page) -> Markup {
    let unknown = page.count(PhotoOutcome::Unknown);
    html! {
        section #images {
            h2 { "All images" }
            noscript { p.lead { "This section needs JavaScript. The rest of the page works without it." } }
            form.filters role="search" aria-label="Filter the images" data-script hidden {
                fieldset.outcome {
                    legend.unseen { "Outcome" }
                    (outcome("all", "All", page.photos.len()))
                    (outcome("wrong", "✗ Wrong", page.count(PhotoOutcome::Wrong)))
                    (outcome("right", "✓ Right", page.count(PhotoOutcome::Right)))
                    @if unknown > 0 { (outcome("unknown", "? Unknown", unknown)) }
                }
                (class_choice(page, "truth", "True class"))
                (class_choice(page, "predicted", "Predicted class"))
                label {
                    span { "Path" }
                    input #path type="search" placeholder="contains …" autocomplete="off"
                        spellcheck="false";
                }
                label { span { "Order" } select #order {
                    option value="worst" { "mistakes first" }
                    option value="confidence" { "least confident first" }
                    option value="path" { "by path" }
                } }
            }
            p.count role="status" aria-live="polite" data-script hidden {}
            div.tiles {}
            button.more type="button" hidden { "Show more" }
        }
    }
}

fn outcome(value: &str, name: &str, n: usize) -> Markup {
    html! {
        label {
            input type="radio" name="outcome" value=(value) checked[value == "all"];
            span { (name) " " small { (grouped(n)) } }
        }
    }
}

fn class_choice(page: &Page, id: &str, name: &str) -> Markup {
    html! {
        label {
            span { (name) }
            select id=(id) {
                option value="" { "any class" }
                @for (i, class) in page.classes.iter().enumerate() { option value=(i) { (class) } }
            }
        }
    }
}

/// The dialogs for a cell and for an image, and the template of a probability bar.
pub(super) fn dialogs() -> Markup {
    html! {
        template #bar { (bar("p", 0.0, None)) }
        dialog #cell aria-labelledby="cell-title" {
            header { h2 #cell-title {} button.close type="button" { "Close" } }
            div.tiles {}
            button.more type="button" hidden { "Show more" }
        }
        dialog #photo aria-labelledby="photo-title" {
            header { h2 #photo-title {} button.close type="button" { "Close" } }
            div.detail {}
        }
    }
}

/// Returns the script's data as JSON. `<`, `>` and `&` are escaped, so that no text can close the element.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    jpeg: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    near: Vec<(usize, f64)>,
}

impl<'a> PhotoData<'a> {
    fn of(photo: &'a Photo) -> Self {
        let near = |n: &Neighbour| (n.picture, rounded(n.similarity));
        Self {
            path: &photo.path,
            truth: photo.truth,
            predicted: photo.predicted,
            top: photo
                .top
                .iter()
                .map(|&(class, p)| (class, rounded(p)))
                .collect(),
            unknown: photo.rejected.as_deref(),
            jpeg: photo.thumbnail.as_ref().map(base64),
            near: photo.neighbours.iter().map(near).collect(),
        }
    }
}

fn training_data(picture: &Picture) -> Value {
    json!({
        "path": picture.path,
        "class": picture.class,
        "jpeg": picture.thumbnail.as_ref().map(base64),
    })
}

/// Rounds to four decimals, more than are shown.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// Renders a thumbnail, or the file name if there is none.
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

/// Returns the part of a path after the last slash.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(path: &str, predicted: usize, confidence: f64) -> Photo {
        Photo {
            path: path.to_owned(),
            truth: 0,
            predicted,
            top: vec![(predicted, confidence)],
            rejected: None,
            thumbnail: None,
            neighbours: Vec::new(),
        }
    }

    #[test]
    fn the_surest_mistake_comes_first_and_the_surest_hit_last() {
        let mut photos = [
            photo("sure", 0, 0.99),
            photo("near miss", 1, 0.45),
            photo("barely", 0, 0.55),
            // Only the confidence in the wrong class counts, not the probability of the true class.
            photo("far off", 1, 0.98),
            photo("rejected", 1, 0.999),
        ];
        photos[4].rejected = Some("unlike all".to_owned());
        photos.sort_by(worst_first);
        assert_eq!(
            photos.map(|p| p.path),
            ["far off", "near miss", "rejected", "barely", "sure"]
        );
    }

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
