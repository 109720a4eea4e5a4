//! What a search tried.

use maud::{Markup, html};

use super::number::{count, percent, setting};
use super::page::{Candidate, Search};

/// Rows that are seen at once; the others unfold.
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
            h2 { "The search" }
            p.lead {
                (count(search.candidates.len(), "candidate")) " by cross-validation on the training set; \
                    the first row was taken."
            }
            div.scroll { (table(search, first)) }
            @if !rest.is_empty() {
                details {
                    summary { "The other " (rest.len()) }
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
    ("L2", |c| c.l2.map(setting)),
    ("accuracy", |c| c.accuracy.map(percent)),
    ("± over folds", |c| {
        c.accuracy_std.map(|std| format!("{:.1}", 100.0 * std))
    }),
    ("loss", |c| c.loss.map(|loss| format!("{loss:.3}"))),
];

/// A column that no candidate has anything in is left out.
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
