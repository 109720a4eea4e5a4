//! Suggestions as CSV, TSV, JSON Lines or a table for people: a row for each, the most useful first.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::cells::{cell, padded, widest};
use super::predictions::{Format, number};
use super::terminal::Text;
use frostline::error::csv_error;
use frostline::tasks::Suggestion;

const COLUMNS: [&str; 7] = [
    "path",
    "label",
    "probability",
    "runner_up",
    "runner_up_probability",
    "score",
    "why",
];

/// Writes the rows. The label is the head's prediction; `score` is the uncertainty of
/// [`frostline::head::Pick`], in [0, 1].
pub(super) fn write_rows(
    out: &mut dyn Write,
    format: Format,
    rows: &[Suggestion],
) -> io::Result<()> {
    match format {
        Format::Csv | Format::Tsv => csv_rows(out, format, rows),
        Format::Jsonl => rows
            .iter()
            .try_for_each(|row| writeln!(out, "{}", json_row(row))),
        Format::Table => table_rows(out, rows),
    }
}

fn csv_rows(out: &mut dyn Write, format: Format, rows: &[Suggestion]) -> io::Result<()> {
    let mut csv = format.csv_writer(out);
    csv.write_record(COLUMNS).map_err(csv_error)?;
    for row in rows {
        let runner_up = row.runner_up.as_ref();
        csv.write_record([
            row.path.clone(),
            row.label.clone(),
            number(row.probability),
            runner_up.map_or(String::new(), |(name, _)| name.clone()),
            runner_up.map_or(String::new(), |&(_, p)| number(p)),
            number(row.pick.uncertainty),
            why(row),
        ])
        .map_err(csv_error)?;
    }
    csv.flush()
}

fn json_row(row: &Suggestion) -> Value {
    json!({
        "path": row.path,
        "label": row.label,
        "probability": row.probability,
        "runner_up": row.runner_up.as_ref().map(|(name, _)| name),
        "runner_up_probability": row.runner_up.as_ref().map(|(_, p)| p),
        "score": row.pick.uncertainty,
        "why": why(row),
    })
}

fn table_rows(out: &mut dyn Write, rows: &[Suggestion]) -> io::Result<()> {
    let reasons: Vec<String> = rows.iter().map(|row| reason(row, cell)).collect();
    let width = widest(&reasons);
    let mut text = Text::new();
    for (row, reason) in rows.iter().zip(reasons) {
        let (score, reason) = (row.pick.uncertainty, padded(&reason, width));
        text.line(format_args!("{score:.3}  {reason}  {}", row.path));
    }
    out.write_all(text.as_bytes())
}

fn why(row: &Suggestion) -> String {
    reason(row, str::to_owned)
}

/// Returns the two most probable classes, and the distance of the image from the suggestions before it.
fn reason(row: &Suggestion, shown: fn(&str) -> String) -> String {
    let share = |(name, p): (&str, f64)| format!("{} {:.0} %", shown(name), 100.0 * p);
    let guess = share((&row.label, row.probability));
    let runner_up = row.runner_up.as_ref();
    let or = runner_up.map_or(String::new(), |(name, p)| {
        format!(" or {}", share((name, *p)))
    });
    match row.pick.distance {
        None => guess + &or,
        Some(distance) => format!("{guess}{or}, distance {distance:.2} from the images above"),
    }
}
