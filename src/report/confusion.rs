//! The confusion matrix as a heat map whose cells open their images.

use maud::{Markup, html};

use super::number::{count, grouped, percent};
use super::page::Page;
use crate::head::ConfusionCell;

/// The maximum number of classes in the map; of more, those with the most mistakes are shown.
const MOST_CLASSES: usize = 30;

/// The number of pairs in the list of the most common mistakes.
const MOST_PAIRS: usize = 8;

pub(super) fn section(page: &Page) -> Markup {
    let shown = shown(page);
    let pairs = pairs(page);
    html! {
        section #confusion {
            h2 { "Confusion matrix" }
            p.lead { "Rows are true classes, columns are predicted classes. Select a cell to see its \
                images." }
            @if shown.len() < page.classes.len() {
                p.fine {
                    "Showing the " (shown.len()) " classes with the most mistakes, out of "
                    (page.classes.len()) "."
                }
            }
            div.split {
                div.scroll { (table(page, &shown)) }
                @if !pairs.is_empty() { (list(page, &pairs)) }
            }
        }
    }
}

/// Returns the indices of the classes in the map, in ascending order.
fn shown(page: &Page) -> Vec<usize> {
    let confusion = &page.confusion;
    let mistakes = |class: usize| {
        let [missed, taken] = confusion.margins(class);
        missed + taken - 2 * confusion.count(class, class)
    };
    let mut order: Vec<usize> = (0..confusion.n_classes()).collect();
    order.sort_by_key(|&class| std::cmp::Reverse(mistakes(class)));
    order.truncate(MOST_CLASSES);
    order.sort_unstable();
    order
}

fn table(page: &Page, shown: &[usize]) -> Markup {
    html! {
        table.confusion.many[shown.len() > 5] {
            caption.unseen { "Confusion matrix: rows are true classes, columns are predicted classes" }
            thead {
                tr {
                    td.corner { span { "true ↓" } span { "predicted →" } }
                    @for &class in shown { th scope="col" { span { (page.class(class)) } } }
                }
            }
            tbody {
                @for &truth in shown {
                    tr {
                        th scope="row" { (page.class(truth)) }
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

/// Returns the most common mistakes, most frequent first.
fn pairs(page: &Page) -> Vec<ConfusionCell> {
    let cells = page.confusion.cells().iter().copied();
    let mut pairs: Vec<_> = cells.filter(|cell| cell.truth != cell.predicted).collect();
    pairs.sort_by_key(|cell| std::cmp::Reverse(cell.n));
    pairs.truncate(MOST_PAIRS);
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
    fn a_big_matrix_is_cut_to_the_classes_with_mistakes() {
        let mut confusion = vec![vec![0; 40]; 40];
        for (class, row) in confusion.iter_mut().enumerate() {
            row[class] = 5;
        }
        confusion[39][35] = 2;
        let page = page(confusion);
        let shown = shown(&page);
        assert_eq!(shown.len(), MOST_CLASSES);
        assert!(shown.ends_with(&[35, 39]) && shown.is_sorted());
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
