//! Problems in the data: possible label errors, duplicates and near-duplicates.

use maud::{Markup, html};

use super::gallery::image;
use super::number::{count, grouped, whole_percent};
use super::page::{DataCare, Suspect};

/// The number of list entries shown at first; the others unfold.
const SHOWN: usize = 12;

pub(super) fn section(care: &DataCare) -> Markup {
    html! {
        section #care {
            h2 { "Data quality" }
            div.care {
                (suspects(care))
                (duplicates(&care.duplicates))
            }
        }
    }
}

fn suspects(care: &DataCare) -> Markup {
    let suspects = &care.suspects;
    let entry = |suspect: &Suspect| {
        html! {
            li {
                (image(suspect.thumbnail.as_ref(), &suspect.path))
                div {
                    p { "Labelled " strong { bdi { (suspect.given) } }
                        ", looks like " strong.wrong { bdi { (suspect.likely) } }
                        " (" (whole_percent(suspect.confidence)) ")" }
                    p.path { bdi { (suspect.path) } }
                }
            }
        }
    };
    html! {
        div {
            h3 { "Possible label errors" }
            @if let Some(why) = &care.not_checked {
                p.fine { (why) }
            } @else if suspects.is_empty() {
                p.fine { "None found." }
            } @else {
                p.fine { "Cross-validation predicts another class for these images." }
            }
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
            h3 { "Duplicates and near-duplicates" }
            @if groups.is_empty() {
                p.fine { "None found." }
            } @else {
                p.fine { (count(groups.len(), "group")) ", " (count(images, "image")) " in total." }
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
                summary { "Show " (grouped(rest.len())) " more" }
                ul class=(class) { @for item in rest { (entry(item)) } }
            }
        }
    }
}
