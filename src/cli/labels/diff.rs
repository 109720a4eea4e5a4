//! `frostline labels diff`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::cells::{cell, padded, widest};
use crate::cli::examples::examples;
use crate::cli::label_args::ColumnArgs;
use crate::cli::output::{OutputArgs, OutputFormat};
use crate::cli::terminal::Text;
use crate::cli::{Outcome, json, talk};
use frostline::error::{Error, csv_error};
use frostline::phrases::counted;
use frostline::tasks::{LabelDiff, OutputGuard, Wanted, label_diff};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Label file with the labels before.
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// Label file with the labels after.
    #[arg(value_name = "AFTER")]
    after: PathBuf,
    #[command(flatten)]
    columns: ColumnArgs,
    /// Output format: text counts the changes from class to class, csv has a row for each image that changed,
    /// json has both [default: by the extension of FILE, .txt, .csv or .json; otherwise text].
    #[arg(long, value_enum)]
    format: Option<Format>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Counts for people.
    Text,
    /// Comma-separated values with the columns path, before and after.
    Csv,
    /// One JSON object.
    Json,
}

impl OutputFormat for Format {
    const EXTENSIONS: &'static [(&'static str, Self)] = &[
        ("txt", Self::Text),
        ("csv", Self::Csv),
        ("json", Self::Json),
    ];

    fn without_extension(_: Option<&Path>) -> Self {
        Self::Text
    }

    fn wanted(self) -> Wanted {
        match self {
            Self::Text | Self::Csv => Wanted::Text,
            Self::Json => Wanted::Json,
        }
    }
}

const EXAMPLES: &str = examples! {
    "Count what changed from class to class":
    "frostline labels diff old.csv labels.csv"
    "List the images that changed":
    "frostline labels diff old.csv labels.csv -o changes.csv"
};

pub(super) fn run(args: Args) -> anyhow::Result<Outcome> {
    let guard = OutputGuard::new().reads([&args.before, &args.after]);
    let format = args.output.check(&guard, args.format)?;
    let diff = label_diff(&args.before, &args.after, &args.columns.into())?;
    if format != Format::Text {
        talk::say(counts(&diff));
    }
    match format {
        Format::Text => args.output.write_bytes(text(&diff).as_bytes()),
        Format::Json => args.output.write_bytes(json::text(&diff).as_bytes()),
        Format::Csv => args
            .output
            .write(|out| rows(out, &diff).map_err(Error::io("write", args.output.name()))),
    }?;
    Ok(Outcome::AllRight)
}

fn text(diff: &LabelDiff) -> Text {
    let mut text = Text::new();
    let name = |class: &Option<String>| class.as_deref().map_or("(no label)".to_owned(), cell);
    let moves = diff
        .moves
        .iter()
        .map(|found| [name(&found.before), name(&found.after)]);
    let moves: Vec<[String; 2]> = moves.collect();
    let widths = [0, 1].map(|column| widest(moves.iter().map(|names| &names[column])));
    for (names, found) in moves.iter().zip(&diff.moves) {
        let [before, after] = [0, 1].map(|column| padded(&names[column], widths[column]));
        text.line(format!("{before}  → {after}  {:>8}", found.n_images));
    }
    text.line(counts(diff));
    text
}

fn counts(diff: &LabelDiff) -> String {
    let (changed, same) = (counted(diff.changes.len(), "label"), diff.n_same);
    format!("{changed} changed, {same} the same")
}

fn rows(out: &mut dyn Write, diff: &LabelDiff) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["path", "before", "after"])
        .map_err(csv_error)?;
    for change in &diff.changes {
        let [before, after] =
            [&change.before, &change.after].map(|class| class.as_deref().unwrap_or(""));
        csv.write_record([&*change.path, before, after])
            .map_err(csv_error)?;
    }
    csv.flush()
}
