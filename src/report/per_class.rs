//! Precision, recall and F1 of each class, as bars.

use maud::{Markup, html};

use super::marks::bar;
use super::number::{grouped, interval, percent};
use super::page::{ClassRow, Measure, Page, Unit};

pub(super) fn section(page: &Page) -> Markup {
    if page.per_class.is_empty() {
        return html! {};
    }
    html! {
        section #per-class {
            h2 { "Metrics by class" }
            p.lead {
                "Precision is the share of predictions of a class that are correct. Recall is the share of \
                 the class's images that are predicted correctly. F1 is their harmonic mean."
                @if has_intervals(page) { " Thin lines are 95\u{a0}% confidence intervals." }
            }
            div.scroll tabindex="0" role="region" aria-label="Metrics by class" {
                table.bars {
                    thead { tr {
                        th scope="col" { "class" } th scope="col" { "images" }
                        th scope="col" { "precision" } th scope="col" { "recall" } th scope="col" { "F1" }
                    } }
                    tbody {
                        @for (i, row) in page.per_class.iter().enumerate() { (line(page.class(i), row)) }
                    }
                }
            }
        }
    }
}

fn has_intervals(page: &Page) -> bool {
    let has = |row: &ClassRow| row.recall.interval.is_some() || row.precision.interval.is_some();
    page.per_class.iter().any(has)
}

fn line(class: &str, row: &ClassRow) -> Markup {
    html! {
        tr {
            th scope="row" title=(class) { bdi { (class) } }
            td.n { (grouped(row.support)) }
            @for (name, measure) in [("precision", row.precision), ("recall", row.recall), ("f1", row.f1)] {
                @if row.absent { td.n { "–" } } @else { (cell(name, measure)) }
            }
        }
    }
}

fn cell(name: &str, measure: Measure) -> Markup {
    html! {
        td title=[interval(measure, Unit::Share)] {
            (bar(name, measure.value, measure.ends()))
            span { (percent(measure.value)) }
        }
    }
}
