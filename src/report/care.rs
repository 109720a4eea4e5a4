//! What is odd about the data: likely wrong labels, and images that are there more than once.

use maud::{Markup, html};

use super::gallery::image;
use super::number::{count, grouped, whole_percent};
use super::page::{DataCare, Suspect};

/// Entries of a list that are seen at once; the others unfold.
const SHOWN: usize = 12;

pub(super) fn section(care: &DataCare) -> Markup {
    html! {
        section #care {
            h2 { "A look at the data" }
            div.care {
                (suspects(&care.suspects))
                (duplicates(&care.duplicates))
            }
        }
    }
}

fn suspects(suspects: &[Suspect]) -> Markup {
    let entry = |suspect: &Suspect| {
        html! {
            li {
                (image(suspect.thumbnail.as_ref(), &suspect.path))
                div {
                    p { "Filed as " strong { bdi { (suspect.given) } }
                        ", looks like " strong.wrong { bdi { (suspect.likely) } }
                        " (" (whole_percent(suspect.confidence)) ")" }
                    p.path { bdi { (suspect.path) } }
                }
            }
        }
    };
    html! {
        div {
            h3 { "Labels that may be wrong" }
            @if suspects.is_empty() { p.fine { "None was found." } }
            (list("suspects", suspects, entry))
        }
    }
}

fn duplicates(groups: &[Vec<String>]) -> Markup {
    let entry = |group: &Vec<String>| {
        html! { li { @for path in group { p.path { bdi { (path) } } } } }
    };
    let images: usize = groups.iter().map(Vec::len).sum();
    html! {
        div {
            h3 { "Images that are there more than once" }
            @if groups.is_empty() {
                p.fine { "None was found." }
            } @else {
                p.fine { (count(groups.len(), "group")) " of " (grouped(images)) " equal or nearly equal \
                    images." }
            }
            (list("duplicates", groups, entry))
        }
    }
}

fn list<T>(class: &str, entries: &[T], entry: impl Fn(&T) -> Markup) -> Markup {
    let (first, rest) = entries.split_at(SHOWN.min(entries.len()));
    html! {
        ul class=(class) { @for item in first { (entry(item)) } }
        @if !rest.is_empty() {
            details {
                summary { (grouped(rest.len())) " more" }
                ul class=(class) { @for item in rest { (entry(item)) } }
            }
        }
    }
}
