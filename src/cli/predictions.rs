//! Predictions as CSV, TSV, JSON Lines or a table for people.
//!
//! There is a row for each image, in input order; without images, only the header. `status` is one of:
//!
//! - `ok`
//! - `unknown: ` and the reason: the label is `unknown`, with the highest probability
//! - `skipped: ` and the reason: label and probability are empty (null)
//!
//! Names that are not UTF-8 are escaped, see [`frostline::images::path_text`].

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::cells::{cell, padded, widest};
use super::errors::with_flags;
use super::output::OutputFormat;
use super::terminal::{self, Text};
use frostline::ClassIndex;
use frostline::classifier::Labelling;
use frostline::error::csv_error;
use frostline::tasks::{Classified, Wanted};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// JSON Lines, an object for each row.
    Jsonl,
    /// Table for people.
    Table,
}

impl OutputFormat for Format {
    const EXTENSIONS: &'static [(&'static str, Self)] = &[
        ("csv", Self::Csv),
        ("tsv", Self::Tsv),
        ("jsonl", Self::Jsonl),
        ("ndjson", Self::Jsonl),
        ("json", Self::Jsonl),
        ("txt", Self::Table),
    ];

    fn without_extension(output: Option<&Path>) -> Self {
        if output.is_none() && terminal::shows_results() {
            Self::Table
        } else {
            Self::Csv
        }
    }

    fn wanted(self) -> Wanted {
        match self {
            Self::Csv | Self::Tsv | Self::Table => Wanted::Text,
            Self::Jsonl => Wanted::Json,
        }
    }
}

impl Format {
    /// Returns a writer of rows with commas or tabs between the columns.
    pub(super) fn csv_writer<W: Write>(self, out: W) -> csv::Writer<W> {
        let delimiter = if self == Self::Tsv { b'\t' } else { b',' };
        csv::WriterBuilder::new()
            .delimiter(delimiter)
            .from_writer(out)
    }
}

/// Writes rows as they arrive, and the header with the first of them.
pub(super) struct Writer<'a> {
    out: &'a mut dyn Write,
    format: Format,
    labelling: Labelling,
    /// The width of the labels in a table; all rows have the same classes.
    label_width: usize,
    begun: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut dyn Write, format: Format, labelling: Labelling) -> Self {
        Self {
            out,
            format,
            labelling,
            label_width: 0,
            begun: false,
        }
    }

    /// Writes the header, unless it is already written or the format has none. It is written even without
    /// rows.
    pub(super) fn begin(&mut self, classes: &ClassIndex) -> io::Result<()> {
        if !self.begun && matches!(self.format, Format::Csv | Format::Tsv) {
            self.csv_record(self.csv_header(classes))?;
        }
        if !self.begun {
            self.label_width = widest(classes.iter().map(cell)).max(Labelling::UNKNOWN.len());
        }
        self.begun = true;
        Ok(())
    }

    /// Passes all rows so far to the reader.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    pub(super) fn write(&mut self, classes: &ClassIndex, item: &Classified) -> io::Result<()> {
        self.begin(classes)?;
        match self.format {
            Format::Csv | Format::Tsv => self.csv_record(self.csv_row(classes, item)),
            Format::Jsonl => writeln!(self.out, "{}", self.json_row(classes, item)),
            Format::Table => {
                let mut text = Text::new();
                text.line(self.table_row(classes, item));
                self.out.write_all(text.as_bytes())
            }
        }
    }

    fn csv_record(&mut self, cells: Vec<String>) -> io::Result<()> {
        let mut csv = self.format.csv_writer(&mut *self.out);
        csv.write_record(cells).map_err(csv_error)?;
        csv.flush()
    }

    fn csv_header(&self, classes: &ClassIndex) -> Vec<String> {
        let first = ["path", "label", "probability", "status"].map(str::to_owned);
        let ranks = (2..=self.ranks(classes))
            .flat_map(|k| [format!("label_{k}"), format!("probability_{k}")]);
        first
            .into_iter()
            .chain(ranks)
            .chain(classes.iter().map(|name| format!("p_{name}")))
            .collect()
    }

    fn csv_row(&self, classes: &ClassIndex, item: &Classified) -> Vec<String> {
        let Ok(prediction) = &item.result else {
            let mut cells = vec![
                item.path.clone(),
                String::new(),
                String::new(),
                self.status(classes, item),
            ];
            cells.resize(self.csv_header(classes).len(), String::new());
            return cells;
        };
        let (label, probability) = self.labelling.label(classes, prediction);
        let mut cells = vec![
            item.path.clone(),
            label.to_owned(),
            number(probability),
            self.status(classes, item),
        ];
        let top = self.labelling.top(classes, prediction).into_iter().skip(1);
        cells.extend(top.flat_map(|(name, p)| [name.to_owned(), number(p)]));
        cells.extend(prediction.probabilities().iter().copied().map(number));
        cells
    }

    /// Returns the number of listed classes, at least 1 for the label.
    fn ranks(&self, classes: &ClassIndex) -> usize {
        self.labelling.top_k.clamp(1, classes.len().max(1))
    }

    fn json_row(&self, classes: &ClassIndex, item: &Classified) -> Value {
        let mut row = Map::new();
        row.insert("path".to_owned(), json!(item.path));
        let prediction = item.result.as_ref().ok();
        let best = prediction.map(|prediction| self.labelling.label(classes, prediction));
        row.insert("label".to_owned(), json!(best.map(|(label, _)| label)));
        row.insert(
            "probability".to_owned(),
            json!(best.map(|(_, probability)| probability)),
        );
        row.insert("status".to_owned(), json!(self.status(classes, item)));
        if let Some(prediction) = prediction.filter(|_| self.labelling.top_k > 1) {
            let top = self.labelling.top(classes, prediction);
            let top: Vec<_> = top
                .into_iter()
                .map(|(label, p)| json!({ "label": label, "probability": p }))
                .collect();
            row.insert("top_k".to_owned(), Value::Array(top));
        }
        for (index, name) in classes.iter().enumerate() {
            row.insert(
                format!("p_{name}"),
                json!(prediction.map(|prediction| prediction.probabilities()[index])),
            );
        }
        Value::Object(row)
    }

    fn status(&self, classes: &ClassIndex, item: &Classified) -> String {
        match &item.result {
            Ok(prediction) => match self.labelling.why_unknown(classes, prediction) {
                None => "ok".to_owned(),
                Some(reason) => format!("unknown: {reason}"),
            },
            Err(reason) => format!("skipped: {}", with_flags(reason)),
        }
    }

    fn table_row(&self, classes: &ClassIndex, item: &Classified) -> String {
        let Ok(prediction) = &item.result else {
            let (label, status) = (self.label_cell("-"), self.status(classes, item));
            return format!("{label}           {}  ({status})", item.path);
        };
        let (label, probability) = self.labelling.label(classes, prediction);
        let reason = self.labelling.why_unknown(classes, prediction);
        // `unknown` is not a class and has no probability; the classes follow with theirs.
        let (probability, known) = match &reason {
            None => (format!("{:5.1} %", 100.0 * probability), 1),
            Some(_) => (" ".repeat("100.0 %".len()), 0),
        };
        let top = self.labelling.top(classes, prediction).into_iter();
        let others = top.skip(known);
        let others: Vec<_> = others
            .map(|(name, p)| format!("{} {:.1} %", cell(name), 100.0 * p))
            .collect();
        let notes = [others.join(", "), reason.unwrap_or_default()];
        let notes = notes.iter().filter(|note| !note.is_empty());
        let notes: Vec<String> = notes.map(|note| format!("  ({note})")).collect();
        let notes = notes.concat();
        let (label, path) = (self.label_cell(label), &item.path);
        format!("{label}  {probability}  {path}{notes}")
    }

    fn label_cell(&self, label: &str) -> String {
        padded(&cell(label), self.label_width)
    }
}

/// Returns a number with six decimals and a decimal point in every locale.
pub(super) fn number(value: f64) -> String {
    format!("{value:.6}")
}
