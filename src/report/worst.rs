//! The mistakes that the head was surest of, each with the training images nearest to it: readable without a script.

use maud::{Markup, html};

use super::number::whole_percent;
use super::page::{Neighbour, Page, Photo};
use super::photo::image;
use super::svg::bar;

/// Mistakes in the list.
const SHOWN: usize = 12;

/// Classes whose probabilities are shown.
const CLASSES: usize = 3;

pub(super) fn section(page: &Page) -> Markup {
    let worst: Vec<(usize, &Photo)> = page
        .photos
        .iter()
        .enumerate()
        .filter(|(_, photo)| !photo.is_right())
        .take(SHOWN)
        .collect();
    if worst.is_empty() {
        return html! {};
    }
    let near = worst.iter().any(|(_, photo)| !photo.neighbours.is_empty());
    html! {
        section #worst {
            h2 { "The worst mistakes" }
            p.lead {
                "Where the head was surest and wrong."
                @if near { " Beside each the training images nearest to it: a wrong label, or a look-alike, shows here." }
            }
            ol.worst { @for (i, photo) in &worst { (item(page, *i, photo)) } }
        }
    }
}

fn item(page: &Page, index: usize, photo: &Photo) -> Markup {
    html! {
        li {
            button.thumb type="button" data-photo=(index) aria-label=(format!("Open {}", photo.path)) {
                (image(photo.thumbnail.as_ref(), &photo.path))
            }
            div.verdict {
                p {
                    "Said " strong.wrong { bdi { (page.class(photo.predicted)) } } ", is " strong { bdi { (page.class(photo.truth)) } }
                }
                (probabilities(page, photo))
                p.path { bdi { (photo.path) } }
            }
            @if !photo.neighbours.is_empty() { (neighbours(page, photo)) }
        }
    }
}

fn probabilities(page: &Page, photo: &Photo) -> Markup {
    html! {
        dl.probabilities {
            @for &(class, p) in photo.top.iter().take(CLASSES) {
                div.truth[class == photo.truth] {
                    dt { bdi { (page.class(class)) } }
                    dd { (bar("p", p, None)) span { (whole_percent(p)) } }
                }
            }
        }
    }
}

fn neighbours(page: &Page, photo: &Photo) -> Markup {
    html! {
        ul.neighbours aria-label="Nearest training images" {
            @for neighbour in &photo.neighbours { (neighbour_item(page, photo, *neighbour)) }
        }
    }
}

fn neighbour_item(page: &Page, photo: &Photo, neighbour: Neighbour) -> Markup {
    let Some(picture) = page.training.get(neighbour.picture) else {
        return html! {};
    };
    let same = picture.class == page.class(photo.truth);
    html! {
        li {
            (image(picture.thumbnail.as_ref(), &picture.path))
            span.same[same].other[!same] { bdi { (picture.class) } }
            span.similarity { (format!("{:.2}", neighbour.similarity)) }
        }
    }
}
