//! The confusion matrix as a heat map whose cells open their images.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::number::{count, grouped, percent};
use super::page::Page;
use crate::head::ConfusionCell;

/// From this number of classes, the map shows only the most confused ones.
const TOO_MANY: usize = 50;

/// The number of classes that it shows then, at most.
const CONFUSED: usize = 20;

/// With more classes, the cells are small, and the list of mistakes is below the map.
const BESIDE: usize = 10;

/// With more classes, the cells are very small.
const CROWDED: usize = 22;

/// The number of pairs in the list of the most common mistakes, beside the map and below it.
const MOST_PAIRS: [usize; 2] = [8, 12];

pub(super) fn section(page: &Page) -> Markup {
    let shown = shown(page);
    let is_beside = shown.len() <= BESIDE;
    let pairs = pairs(page);
    let listed = &pairs[..pairs.len().min(MOST_PAIRS[usize::from(!is_beside)])];
    html! {
        section #confusion {
            h2 { "Confusion matrix" }
            p.lead {
                "Rows are true classes, columns are predicted classes."
                @if shown.len() < page.classes.len() {
                    " Of " (page.classes.len()) " classes, these are the " (shown.len())
                    " with the most common mistakes."
                }
                span data-script hidden { " Select a cell to see its images." }
            }
            @if shown.is_empty() { p.fine { "No image was predicted wrongly." } }
            div.split.beside[is_beside && !listed.is_empty()] {
                @if !shown.is_empty() { div.scroll { (table(page, &shown)) } }
                @if !listed.is_empty() { (list(page, listed)) }
            }
        }
    }
}

/// Returns the indices of the classes in the map, in ascending order: all, or those of the most common
/// mistakes.
fn shown(page: &Page) -> Vec<usize> {
    let n = page.confusion.n_classes();
    if n < TOO_MANY {
        return (0..n).collect();
    }
    let mut shown = BTreeSet::new();
    for pair in pairs(page) {
        let mut more = shown.clone();
        more.extend([pair.truth, pair.predicted]);
        if more.len() > CONFUSED {
            break;
        }
        shown = more;
    }
    shown.into_iter().collect()
}

fn table(page: &Page, shown: &[usize]) -> Markup {
    html! {
        table.confusion.many[shown.len() > 5].small[shown.len() > BESIDE].tiny[shown.len() > CROWDED] {
            caption.unseen { "Confusion matrix: rows are true classes, columns are predicted classes" }
            thead {
                tr {
                    td.corner { span { "true ↓" } span { "predicted →" } }
                    @for name in shown.iter().map(|&class| page.class(class)) {
                        th scope="col" title=(name) { span { bdi { (name) } } }
                    }
                }
            }
            tbody {
                @for &truth in shown {
                    tr {
                        th scope="row" title=(page.class(truth)) { bdi { (page.class(truth)) } }
                        @for &predicted in shown { (cell(page, truth, predicted)) }
                    }
                }
            }
        }
    }
}

fn cell(page: &Page, truth: usize, predicted: usize) -> Markup {
    let n = page.confusion.count(truth, predicted);
    if n == 0 {
        return html! { td.none { span.unseen { "0" } } };
    }
    let [support, _] = page.confusion.margins(truth);
    let of_row = n as f64 / support as f64;
    let kind = if truth == predicted { "right" } else { "wrong" };
    let (is, said) = (page.class(truth), page.class(predicted));
    let words = format!(
        "{is} predicted as {said}: {}, {} of {is}",
        count(n, "image"),
        percent(of_row)
    );
    html! {
        td {
            button type="button" class=(format!("cell {kind} h{}", level(of_row))) data-truth=(truth)
                data-predicted=(predicted) aria-label=(words) title=(words) { (grouped(n)) }
        }
    }
}

/// Returns the strength of the colour, 1 to 10; even the smallest share gets a visible colour.
fn level(share: f64) -> usize {
    ((share * 10.0).ceil() as usize).clamp(1, 10)
}

/// Returns all kinds of mistakes, most frequent first.
fn pairs(page: &Page) -> Vec<ConfusionCell> {
    let cells = page.confusion.cells().iter().copied();
    let mut pairs: Vec<_> = cells.filter(|cell| cell.truth != cell.predicted).collect();
    pairs.sort_by_key(|cell| std::cmp::Reverse(cell.n));
    pairs
}

fn list(page: &Page, pairs: &[ConfusionCell]) -> Markup {
    html! {
        div.pairs {
            h3 { "Most common mistakes" }
            ol {
                @for &ConfusionCell { truth, predicted, n } in pairs {
                    li {
                        button type="button" data-truth=(truth) data-predicted=(predicted) {
                            span.n { (grouped(n)) }
                            span {
                                bdi { (page.class(truth)) } " predicted as " bdi { (page.class(predicted)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(confusion: Vec<Vec<usize>>) -> Page {
        Page {
            classes: (0..confusion.len()).map(|i| format!("class {i}")).collect(),
            confusion: confusion.into(),
            ..Page::default()
        }
    }

    #[test]
    fn the_most_common_mistakes_come_first() {
        let page = page(vec![vec![5, 1, 0], vec![3, 9, 1], vec![0, 0, 4]]);
        let pairs = pairs(&page);
        let pairs: Vec<_> = pairs.iter().map(|c| (c.truth, c.predicted, c.n)).collect();
        assert_eq!(pairs, [(1, 0, 3), (0, 1, 1), (1, 2, 1)]);
    }

    #[test]
    fn a_big_matrix_is_cut_to_the_most_confused_classes() {
        let of = |n: usize| {
            let mut confusion = vec![vec![0; n]; n];
            for (class, row) in confusion.iter_mut().enumerate() {
                row[class] = 5;
            }
            confusion[39][35] = 2;
            confusion
        };
        assert_eq!(shown(&page(of(49))).len(), 49);
        assert_eq!(shown(&page(of(50))), [35, 39]);
        // Every class is confused with the next one, the first ones most often.
        let mut all = of(60);
        for class in 0..59 {
            all[class][class + 1] = 100 - class;
        }
        assert_eq!(shown(&page(all)), (0..CONFUSED).collect::<Vec<_>>());
        let mut none = of(50);
        none[39][35] = 0;
        let text = section(&page(none)).into_string();
        assert!(text.contains("No image was predicted wrongly.") && !text.contains("<table"));
    }

    #[test]
    fn cells_say_their_figures_and_empty_ones_are_no_buttons() {
        let text = section(&page(vec![vec![3, 1], vec![0, 4]])).into_string();
        assert!(
            text.contains("class 0 predicted as class 1: 1\u{a0}image, 25.0\u{a0}% of class 0")
        );
        assert!(
            text.contains(r#"class="cell wrong h3" data-truth="0" data-predicted="1""#),
            "{text}"
        );
        // The three non-empty cells, and the one pair in the list.
        assert_eq!(text.matches("<button").count(), 4);
    }

    #[test]
    fn the_smallest_share_has_a_colour() {
        assert_eq!([0.0001, 0.1, 0.11, 1.0].map(level), [1, 1, 2, 10]);
    }
}
