//! The gallery of all images: a tile for each, filters and dialogs.
//!
//! The page's script makes tiles as they are needed. The tiles of all images are in a `noscript` element, for
//! browsers without scripts. The script takes the thumbnails from there, so that the page has them only once.

use maud::{Markup, html};

use super::marks::{bar, doubt};
use super::number::{grouped, whole_percent};
use super::page::Page;
use super::photo::{Photo, PhotoOutcome};
use super::thumbnail::numbered;

pub(super) fn section(page: &Page) -> Markup {
    html! {
        section #images {
            h2 { "All images" }
            (filters(page))
            div.found data-script hidden { p.count role="status" aria-live="polite" {} (copy()) }
            div.tiles {}
            button.more type="button" hidden { "Show more" }
            noscript {
                div.tiles { @for (i, photo) in page.photos.iter().enumerate() { (tile(page, i, photo)) } }
            }
        }
    }
}

const HEADS: [(&str, &str); 5] = [
    ("", "any"),
    ("first", "only A right"),
    ("second", "only B right"),
    ("neither", "both wrong"),
    ("both", "both right"),
];

const ORDERS: [(&str, &str); 3] = [
    ("worst", "mistakes first"),
    ("confidence", "least confident first"),
    ("path", "by path"),
];

fn filters(page: &Page) -> Markup {
    let unknown = page.count(PhotoOutcome::Unknown);
    html! {
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
            @if page.versus.is_some() {
                (choice("heads", "Heads", &HEADS))
            }
            label {
                span { "Path" }
                input #path type="search" placeholder="contains …" autocomplete="off" spellcheck="false";
            }
            (choice("order", "Order", &ORDERS))
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

fn choice(id: &str, name: &str, options: &[(&str, &str)]) -> Markup {
    html! {
        label {
            span { (name) }
            select id=(id) { @for (value, name) in options { option value=(value) { (name) } } }
        }
    }
}

/// A button that copies the paths of a list of images.
fn copy() -> Markup {
    html! { button.copy type="button" { "Copy paths" } }
}

/// The tile of an image for browsers without scripts, like those that the script makes.
fn tile(page: &Page, number: usize, photo: &Photo) -> Markup {
    let (state, mark) = match photo.outcome() {
        PhotoOutcome::Right => ("right", "✓ "),
        PhotoOutcome::Wrong => ("wrong", "✗ "),
        PhotoOutcome::Unknown => ("unknown", "? "),
    };
    let rejected = photo.rejected.is_some();
    let (predicted, share) = (
        page.class(photo.predicted),
        whole_percent(photo.confidence()),
    );
    let of_truth = photo.top.iter().find(|(class, _)| *class == photo.truth);
    let of_truth = of_truth.map_or_else(String::new, |(_, p)| whole_percent(*p));
    html! {
        div.tile data-state=(state) {
            (numbered(number, photo.thumbnail.as_ref(), &photo.path))
            @if rejected {
                (line("said", mark, "unknown", ""))
                (line("is", "maybe ", predicted, &share))
            } @else {
                (line("said", mark, predicted, &share))
            }
            @if state != "right" {
                (line("is", "true: ", page.class(photo.truth), &of_truth))
            }
            @if photo.doubted { (doubt()) }
        }
    }
}

fn line(class: &str, before: &str, name: &str, share: &str) -> Markup {
    html! { span class=(class) { b { (before) bdi { (name) } } span.share { (share) } } }
}

/// The dialogs for a list of images and for an image, and the templates of marks.
pub(super) fn dialogs() -> Markup {
    html! {
        template #marks { (bar("p", 1.0, None)) (doubt()) }
        dialog #cell aria-labelledby="cell-title" {
            header { h2 #cell-title {} span.buttons { (copy()) (close()) } }
            div.tiles {}
            button.more type="button" hidden { "Show more" }
        }
        dialog #photo aria-labelledby="photo-title" {
            header {
                h2 #photo-title {}
                span.buttons {
                    span.position {}
                    button.step type="button" data-step="-1" aria-label="Previous image" { "←" }
                    button.step type="button" data-step="1" aria-label="Next image" { "→" }
                    (close())
                }
            }
            div.detail aria-live="polite" {}
        }
    }
}

fn close() -> Markup {
    html! { button.close type="button" autofocus { "Close" } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::photo::Thumbnail;
    use crate::report::photo::tests::photo;

    #[test]
    fn every_image_is_there_without_a_script() {
        let mut mistake = photo("a\"><img src=x>.png", 1, 0.9);
        mistake.top.push((0, 0.1));
        mistake.thumbnail = Some(Thumbnail(vec![0xff, 0xd8]));
        let page = Page {
            classes: vec!["cat".to_owned(), "dog".to_owned()],
            photos: vec![mistake, photo("b.png", 0, 0.7)],
            ..Page::default()
        };
        let text = section(&page).into_string();
        let (_, tiles) = text.split_once("<noscript>").unwrap();
        assert_eq!(tiles.matches("class=\"tile\"").count(), 2);
        // The form in which the script finds a thumbnail.
        assert!(
            tiles.contains(r#"<img data-photo="0" src="data:image/jpeg;base64,/9g=""#),
            "{tiles}"
        );
        assert_eq!(tiles.matches("<img").count(), 1);
        assert!(
            tiles.contains("<bdi>dog</bdi></b><span class=\"share\">90\u{a0}%"),
            "{tiles}"
        );
        assert!(
            tiles.contains("true: <bdi>cat</bdi></b><span class=\"share\">10\u{a0}%"),
            "{tiles}"
        );
    }
}
