//! The most confident mistakes, each with its nearest training images; readable without JavaScript.

use maud::{Markup, html};

use super::marks::{bar, doubt};
use super::number::whole_percent;
use super::page::Page;
use super::photo::{Neighbour, Photo, PhotoOutcome};
use super::thumbnail::image;

/// The number of mistakes in the list.
const SHOWN: usize = 12;

/// The number of classes whose probabilities are shown.
const CLASSES: usize = 3;

pub(super) fn section(page: &Page) -> Markup {
    let worst: Vec<(usize, &Photo)> = page
        .photos
        .iter()
        .enumerate()
        .filter(|(_, photo)| photo.outcome() == PhotoOutcome::Wrong)
        .take(SHOWN)
        .collect();
    if worst.is_empty() {
        return html! {};
    }
    let near = worst.iter().any(|(_, photo)| !photo.neighbours.is_empty());
    html! {
        section #worst {
            h2 { "Most confident mistakes" }
            p.lead {
                "The wrong predictions with the highest confidence."
                @if near { " Below each are the nearest training images with their cosine similarity, which \
                    can reveal a wrong label or a look-alike." }
                @if page.training.iter().any(|picture| picture.doubted) { " Cross-validation is confident of \
                    another class for those marked “label?”." }
            }
            ol.worst { @for (i, photo) in &worst { (item(page, *i, photo)) } }
        }
    }
}

fn item(page: &Page, index: usize, photo: &Photo) -> Markup {
    html! {
        li {
            button.thumb type="button" data-photo=(index) aria-label=(format!("Details of {}", photo.path)) {
                (image(photo.thumbnail.as_ref(), &photo.path))
            }
            div.verdict {
                p {
                    "Predicted " strong.wrong { bdi { (page.class(photo.predicted)) } }
                    ", true class " strong { bdi { (page.class(photo.truth)) } }
                }
                (probabilities(page, photo))
                p.path { bdi { (photo.path) } }
                @if photo.doubted { p.tags { (doubt()) } }
            }
            @if !photo.neighbours.is_empty() { (neighbours(page, photo)) }
        }
    }
}

fn probabilities(page: &Page, photo: &Photo) -> Markup {
    html! {
        dl.probabilities {
            @for &(class, p) in shown(photo) {
                div.truth[class == photo.truth] {
                    dt { bdi { (page.class(class)) } }
                    dd { (bar("p", p, None)) span { (whole_percent(p)) } }
                }
            }
        }
    }
}

/// Returns the most probable classes, and the true class whatever its probability.
fn shown(photo: &Photo) -> impl Iterator<Item = &(usize, f64)> {
    let (first, rest) = photo.top.split_at(CLASSES.min(photo.top.len()));
    let truth = rest.iter().filter(|(class, _)| *class == photo.truth);
    first.iter().chain(truth)
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
            @if picture.doubted { (doubt()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_truth_is_shown_however_improbable() {
        let photo = Photo {
            path: "a.png".to_owned(),
            truth: 5,
            predicted: 2,
            top: vec![
                (2, 0.6),
                (1, 0.2),
                (0, 0.1),
                (3, 0.06),
                (4, 0.03),
                (5, 0.01),
            ],
            rejected: None,
            thumbnail: None,
            neighbours: Vec::new(),
            other: None,
            doubted: false,
        };
        let classes: Vec<usize> = shown(&photo).map(|(class, _)| *class).collect();
        assert_eq!(classes, [2, 1, 0, 5]);
        let right = Photo { truth: 1, ..photo };
        assert_eq!(shown(&right).count(), CLASSES);
    }
}
