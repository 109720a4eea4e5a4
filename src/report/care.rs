//! Problems in the data: possible label errors, duplicates and near-duplicates.

use maud::{Markup, html};

use super::findings::{DataCare, Duplicate, DuplicateGroup, Origin, Suspect};
use super::number::{count, grouped, whole_percent};
use super::thumbnail::image;

/// The number of list entries shown at first; the others unfold.
const SHOWN: usize = 12;

pub(super) fn section(care: &DataCare) -> Markup {
    html! {
        section #care {
            h2 { "Data quality" }
            (suspects(care))
            (duplicates(care))
        }
    }
}

impl Origin {
    fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Evaluated => "evaluated",
        }
    }
}

fn suspects(care: &DataCare) -> Markup {
    let origin = care.checked.name();
    html! {
        h3 { "Possible label errors" }
        @if let Some(why) = &care.not_checked {
            p.fine { (why) }
        } @else if care.suspects.is_empty() {
            p.fine { "None found among the " (origin) " images." }
        } @else {
            p.fine {
                "Cross-validation predicts another class than the label for "
                (count(care.n_suspects, &format!("{origin} image"))) "."
                @if care.suspects.iter().any(|suspect| suspect.confident) {
                    " It is confident of those marked “likely wrong”."
                }
                (excerpt(care.suspects.len(), care.n_suspects))
            }
        }
        (list("suspects", &care.suspects, |suspect| suspect_item(suspect, origin)))
    }
}

/// Says that only the first entries are shown.
fn excerpt(shown: usize, all: usize) -> Markup {
    html! { @if shown < all { " The first " (grouped(shown)) " are listed here." } }
}

fn suspect_item(suspect: &Suspect, origin: &str) -> Markup {
    html! {
        li {
            (image(suspect.thumbnail.as_ref(), &suspect.path))
            div {
                p { "Labelled " strong { bdi { (suspect.given) } }
                    ", looks like " strong.wrong { bdi { (suspect.likely) } }
                    " (" (whole_percent(suspect.probability)) ")" }
                p.tags {
                    span.tag { (origin) " image" }
                    @if suspect.confident { span.tag.alarm { "likely wrong" } }
                }
                p.path { bdi { (suspect.path) } }
            }
        }
    }
}

fn duplicates(care: &DataCare) -> Markup {
    html! {
        h3 { "Duplicates and near-duplicates" }
        @if care.duplicates.is_empty() {
            p.fine { "None found." }
        } @else {
            p.fine {
                (count(care.n_duplicates, "group")) " of images that are identical or nearly so."
                (excerpt(care.duplicates.len(), care.n_duplicates))
            }
        }
        (list("duplicates", &care.duplicates, group))
    }
}

fn group(group: &DuplicateGroup) -> Markup {
    html! {
        li {
            p.tags {
                span.tag {
                    @match group.similarity {
                        None => "identical files",
                        Some(cosine) => { "similarity " (format!("{cosine:.3}")) }
                    }
                }
                @if group.contradictory { span.tag.alarm { "different labels" } }
                @if group.leaked { span.tag.alarm { "training and evaluated" } }
            }
            ul.copies {
                @for image in &group.images { (duplicate(image)) }
                @if group.images.len() < group.n_images {
                    li.fine { "and " (count(group.n_images - group.images.len(), "more image")) }
                }
            }
        }
    }
}

fn duplicate(copy: &Duplicate) -> Markup {
    html! {
        li {
            (image(copy.thumbnail.as_ref(), &copy.path))
            @if !copy.class.is_empty() { span.class { bdi { (copy.class) } } }
            span.origin { (copy.origin.name()) }
            span.path title=(copy.path) { bdi { (copy.path) } }
        }
    }
}

fn list<T>(class: &str, entries: &[T], entry: impl Fn(&T) -> Markup) -> Markup {
    let (first, rest) = entries.split_at(SHOWN.min(entries.len()));
    html! {
        @if !first.is_empty() { ul class=(class) { @for item in first { (entry(item)) } } }
        @if !rest.is_empty() {
            details {
                summary { "Show " (grouped(rest.len())) " more" }
                ul class=(class) { @for item in rest { (entry(item)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(path: &str, class: &str, origin: Origin) -> Duplicate {
        Duplicate {
            path: path.to_owned(),
            class: class.to_owned(),
            origin,
            thumbnail: None,
        }
    }

    #[test]
    fn a_pair_says_what_is_wrong_with_it() {
        let pair = DuplicateGroup {
            similarity: Some(0.9712),
            images: vec![
                copy("a.png", "cat", Origin::Training),
                copy("b.png", "dog", Origin::Evaluated),
            ],
            n_images: 5,
            contradictory: true,
            leaked: true,
        };
        let care = DataCare {
            duplicates: vec![pair],
            n_duplicates: 70,
            ..DataCare::default()
        };
        let text = section(&care).into_string();
        for words in [
            "None found among the evaluated images.",
            "70\u{a0}groups of images that are identical or nearly so. The first 1 are listed here.",
            "similarity 0.971",
            "different labels",
            "training and evaluated",
            "and 3\u{a0}more images",
        ] {
            assert!(text.contains(words), "{words} in {text}");
        }
    }
}
