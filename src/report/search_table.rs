//! The table of hyperparameter candidates that a search evaluated, and why one of them was chosen.

use std::cmp::Ordering;

use maud::{Markup, html};

use super::number::{count, percent, setting};
use super::page::{Candidate, Search};
use crate::head::{NEAR_LOWEST_BRIER, Tunable};

/// The number of rows shown at first; the others unfold.
const SHOWN: usize = 10;

pub(super) fn section(search: &Search) -> Markup {
    let limit = limit(search);
    let order = order(search, limit);
    let (first, rest) = order.split_at(SHOWN.min(order.len()));
    html! {
        section #search {
            h2 { "Hyperparameter search" }
            p.lead {
                "Cross-validation of " (count(search.candidates.len(), "candidate")) " on the training set. \
                    The first row was chosen"
                (choice(limit))
                @for tunable in &search.at_edge {
                    " Its " (name(*tunable)) " is the smallest or largest that was tried: a value beyond it \
                        may be better."
                }
            }
            div.scroll tabindex="0" role="region" aria-label="Candidates" { (table(search, first, limit)) }
            @if !rest.is_empty() {
                details {
                    summary { "Show " (rest.len()) " more" }
                    div.scroll tabindex="0" role="region" aria-label="More candidates" {
                        (table(search, rest, limit))
                    }
                }
            }
        }
    }
}

/// Explains the choice.
fn choice(limit: Option<f64>) -> Markup {
    html! {
        @if let Some(limit) = limit {
            ": of the candidates whose Brier score is within "
            (format!("{:.0}\u{a0}%", 100.0 * (NEAR_LOWEST_BRIER - 1.0)))
            " of the lowest, at most " strong { (format!("{limit:.3}")) } ", the most accurate one. Accuracy \
                alone cannot tell candidates apart that differ by an image or two."
        } @else { "." }
    }
}

/// Returns the highest Brier score of a candidate that may be chosen; `None` if the chosen one is not the
/// most accurate up to there, because the search was made by another rule.
fn limit(search: &Search) -> Option<f64> {
    let briers = search.candidates.iter().filter_map(|c| c.brier);
    let limit = NEAR_LOWEST_BRIER * briers.min_by(f64::total_cmp)?;
    let near = search.candidates.iter().filter(|c| is_near(c, Some(limit)));
    let best = near.filter_map(|c| c.accuracy).max_by(f64::total_cmp)?;
    let chosen = search.candidates.get(search.chosen)?;
    (is_near(chosen, Some(limit)) && chosen.accuracy == Some(best)).then_some(limit)
}

fn is_near(candidate: &Candidate, limit: Option<f64>) -> bool {
    limit.is_none_or(|limit| candidate.brier.is_some_and(|brier| brier <= limit))
}

/// Returns the candidates: the chosen one, those that could have been chosen, the others; each the most
/// accurate first.
fn order(search: &Search, limit: Option<f64>) -> Vec<usize> {
    let rank = |i: usize| {
        let candidate = &search.candidates[i];
        (i != search.chosen, !is_near(candidate, limit))
    };
    let accuracies = |a: usize, b: usize| {
        let accuracy = |i: usize| search.candidates[i].accuracy.unwrap_or(-1.0);
        let brier = |i: usize| search.candidates[i].brier.unwrap_or(f64::INFINITY);
        let by_accuracy: Ordering = accuracy(b).total_cmp(&accuracy(a));
        by_accuracy.then(brier(a).total_cmp(&brier(b)))
    };
    let mut order: Vec<usize> = (0..search.candidates.len()).collect();
    // Stable: equal candidates keep the order in which they were tried.
    order.sort_by(|&a, &b| rank(a).cmp(&rank(b)).then(accuracies(a, b)));
    order
}

fn name(tunable: Tunable) -> &'static str {
    match tunable {
        Tunable::Lr => "learning rate",
        Tunable::WeightDecay => "weight decay",
        Tunable::L2 => "L2 penalty",
    }
}

type Column = (&'static str, fn(&Candidate) -> Option<String>);

const COLUMNS: [Column; 7] = [
    ("learning rate", |c| c.lr.map(setting)),
    ("weight decay", |c| c.weight_decay.map(setting)),
    ("L2 penalty", |c| c.l2.map(setting)),
    ("accuracy", |c| c.accuracy.map(percent)),
    ("± std. dev.", |c| {
        c.accuracy_std.map(|std| format!("{:.1}", 100.0 * std))
    }),
    ("Brier score", |c| {
        c.brier.map(|brier| format!("{brier:.4}"))
    }),
    ("log loss", |c| c.loss.map(|loss| format!("{loss:.3}"))),
];

/// Renders the table without columns that are empty for all candidates.
fn table(search: &Search, rows: &[usize], limit: Option<f64>) -> Markup {
    let columns = COLUMNS
        .iter()
        .filter(|(_, value)| search.candidates.iter().any(|c| value(c).is_some()));
    let columns: Vec<_> = columns.collect();
    html! {
        table.numbers {
            thead { tr {
                @for (name, _) in &columns { th scope="col" { (name) } }
                @if limit.is_some() { th scope="col" { "near the lowest" } }
            } }
            tbody {
                @for &row in rows {
                    @let candidate = &search.candidates[row];
                    tr.chosen[row == search.chosen].beyond[!is_near(candidate, limit)] {
                        @for (_, value) in &columns { td { (value(candidate).unwrap_or_default()) } }
                        @if limit.is_some() {
                            td { @if is_near(candidate, limit) { "yes" } @else { "no" } }
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

    fn search(figures: &[(f64, f64)], chosen: usize) -> Search {
        let candidate = |&(accuracy, brier): &(f64, f64)| Candidate {
            accuracy: Some(accuracy),
            brier: Some(brier),
            ..Candidate::default()
        };
        Search {
            candidates: figures.iter().map(candidate).collect(),
            chosen,
            at_edge: vec![Tunable::Lr],
        }
    }

    #[test]
    fn the_choice_is_explained() {
        // 0.104 is within 5 % of 0.1, 0.106 is not.
        let search = search(&[(0.9, 0.1), (0.92, 0.104), (0.99, 0.106)], 1);
        let text = section(&search).into_string();
        assert!(
            text.contains("within 5\u{a0}% of the lowest, at most <strong>0.105</strong>"),
            "{text}"
        );
        assert!(text.contains("Its learning rate is the smallest or largest that was tried"));
        assert_eq!(order(&search, limit(&search)), [1, 0, 2]);
    }

    #[test]
    fn another_rule_is_not_explained() {
        let accuracy_alone = search(&[(0.9, 0.1), (0.99, 0.106)], 1);
        assert_eq!(limit(&accuracy_alone), None);
        let text = section(&accuracy_alone).into_string();
        assert!(text.contains("The first row was chosen.") && !text.contains("near the lowest"));
        let mut without = search(&[(0.9, 0.1)], 0);
        without.candidates[0].brier = None;
        assert_eq!(limit(&without), None);
    }
}
