//! The metrics over all images: the first one large, the others next to it.

use maud::{Markup, html};

use super::marks::whisker;
use super::number::{grouped, interval, number};
use super::page::{Figure, Page, Unit};
use super::photo::PhotoOutcome;

pub(super) fn section(page: &Page) -> Markup {
    let Some((first, others)) = page.headline.split_first() else {
        return html! {};
    };
    html! {
        section #headline aria-label="Headline metrics" {
            div.headline {
                (main_figure(page, first))
                dl.figures { @for figure in others { (entry(figure)) } }
            }
            @if let Some(basis) = &page.basis { p.fine { (basis) } }
            @if page.headline.iter().any(|figure| figure.measure.interval.is_some()) {
                p.fine {
                    "Grey ranges are 95\u{a0}% confidence intervals: the range expected for another sample \
                     of this size."
                }
            }
        }
    }
}

fn main_figure(page: &Page, figure: &Figure) -> Markup {
    html! {
        div.main {
            p.name { (figure.name) }
            p.value { (number(figure.measure.value, figure.unit)) }
            @if let Some(ends) = figure.measure.ends() {
                (whisker(figure.measure.value, ends))
                p.interval {
                    "95\u{a0}% confidence interval: "
                    (interval(figure.measure, figure.unit).unwrap_or_default())
                }
            }
            p.tally { (tally(page)) }
        }
    }
}

/// Counts the images of each outcome, in the colours of the tiles.
fn tally(page: &Page) -> Markup {
    let [right, wrong, unknown] = [
        PhotoOutcome::Right,
        PhotoOutcome::Wrong,
        PhotoOutcome::Unknown,
    ]
    .map(|outcome| page.count(outcome));
    html! {
        span.right { (grouped(right)) " right" } " · "
        span.wrong { (grouped(wrong)) " wrong" }
        @if unknown > 0 { " · " span.unknown { (grouped(unknown)) " unknown" } }
    }
}

fn entry(figure: &Figure) -> Markup {
    let unit = match figure.unit {
        Unit::Share => "share",
        Unit::Number => "number",
    };
    html! {
        div class=(unit) {
            dt { (figure.name) }
            dd {
                span.value { (number(figure.measure.value, figure.unit)) }
                @if let Some(ends) = interval(figure.measure, figure.unit) { span.interval { (ends) } }
                span.meaning { (figure.meaning) }
            }
        }
    }
}
