//! The table of hyperparameter candidates that a search evaluated.

use maud::{Markup, html};

use super::number::{count, percent, setting};
use super::page::{Candidate, Search};

/// The number of rows shown at first; the others unfold.
const SHOWN: usize = 10;

pub(super) fn section(search: &Search) -> Markup {
    let mut order: Vec<usize> = (0..search.candidates.len()).collect();
    // Stable: equal candidates keep the order in which they were tried.
    order.sort_by(|&a, &b| {
        let chosen = |i: usize| i == search.chosen;
        let accuracy = |i: usize| search.candidates[i].accuracy.unwrap_or(-1.0);
        chosen(b)
            .cmp(&chosen(a))
            .then(accuracy(b).total_cmp(&accuracy(a)))
    });
    let (first, rest) = order.split_at(SHOWN.min(order.len()));
    html! {
        section #search {
            h2 { "Hyperparameter search" }
            p.lead {
                "Cross-validation of " (count(search.candidates.len(), "candidate")) " on the training set. \
                    The first row was chosen."
            }
            div.scroll { (table(search, first)) }
            @if !rest.is_empty() {
                details {
                    summary { "Show " (rest.len()) " more" }
                    div.scroll { (table(search, rest)) }
                }
            }
        }
    }
}

type Column = (&'static str, fn(&Candidate) -> Option<String>);

const COLUMNS: [Column; 6] = [
    ("learning rate", |c| c.lr.map(setting)),
    ("weight decay", |c| c.weight_decay.map(setting)),
    ("L2 penalty", |c| c.l2.map(setting)),
    ("accuracy", |c| c.accuracy.map(percent)),
    ("± std. dev.", |c| {
        c.accuracy_std.map(|std| format!("{:.1}", 100.0 * std))
    }),
    ("log loss", |c| c.loss.map(|loss| format!("{loss:.3}"))),
];

/// Renders the table without columns that are empty for all candidates.
fn table(search: &Search, rows: &[usize]) -> Markup {
    let columns = COLUMNS
        .iter()
        .filter(|(_, value)| search.candidates.iter().any(|c| value(c).is_some()));
    let columns: Vec<_> = columns.collect();
    html! {
        table.numbers {
            thead { tr { @for (name, _) in &columns { th scope="col" { (name) } } } }
            tbody {
                @for &row in rows {
                    tr.chosen[row == search.chosen] {
                        @for (_, value) in &columns {
                            td { (value(&search.candidates[row]).unwrap_or_default()) }
                        }
                    }
                }
            }
        }
    }
}
