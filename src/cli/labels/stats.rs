//! `frostline labels stats`.

use std::path::PathBuf;

use crate::cli::cells::{cell, padded, widest};
use crate::cli::examples::examples;
use crate::cli::input_args::NameArgs;
use crate::cli::label_args::{self, ColumnArgs};
use crate::cli::output::{FindingsFormat, OutputArgs};
use crate::cli::terminal::Text;
use crate::cli::{Outcome, given, json};
use frostline::progress::Silent;
use frostline::tasks::{LabelOptions, LabelStats, OutputGuard, label_stats};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Label file: CSV, JSON Lines or Parquet, or the results of `classify`.
    #[arg(value_name = "LABELS")]
    file: PathBuf,
    /// Feature store or folder of images to compare the file with.
    #[arg(value_name = "FEATURES|IMAGES")]
    data: Option<PathBuf>,
    #[command(flatten)]
    names: NameArgs,
    #[command(flatten)]
    columns: ColumnArgs,
    /// Output format [default: by the extension of FILE, .txt or .json; otherwise text].
    #[arg(long, value_enum)]
    format: Option<FindingsFormat>,
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = examples! {
    "Count the images of each class":
    "frostline labels stats labels.csv"
    "Also find images without a label, and labels without an image":
    "frostline labels stats labels.csv photos"
};

pub(super) fn run(args: Args) -> anyhow::Result<Outcome> {
    args.data.as_deref().map_or(Ok(()), given::data)?;
    let mut labels = LabelOptions::new(args.file);
    labels.columns = args.columns.into();
    let guard = OutputGuard::new().reads([&labels.file]);
    let guard = args.data.iter().fold(guard, |guard, data| guard.data(data));
    let format = args.output.check(&guard, args.format)?;
    let data = args.data.as_deref().map(|data| (data, args.names.names()));
    let stats = label_stats(&labels, data, &Silent)?;
    label_args::tell(stats.label_file.as_ref());
    match format {
        FindingsFormat::Text => args.output.write_bytes(text(&stats).as_bytes()),
        FindingsFormat::Json => args.output.write_bytes(json::text(&stats).as_bytes()),
    }?;
    Ok(Outcome::AllRight)
}

fn text(stats: &LabelStats) -> Text {
    let mut text = Text::new();
    let none = [
        ("(no label)", stats.n_without_label),
        ("(rejected as unknown)", stats.n_unknown),
    ];
    let none = none.iter().filter(|(_, n)| *n > 0);
    let classes = stats.classes.iter().map(|(class, n)| (cell(class), *n));
    let rows = classes.chain(none.map(|(name, n)| ((*name).to_owned(), *n)));
    let rows: Vec<(String, usize)> = rows.chain([("total".to_owned(), stats.n_rows)]).collect();
    let width = widest(rows.iter().map(|(name, _)| name));
    text.lines(
        rows.iter()
            .map(|(name, n)| format!("{}  {n:>8}", padded(name, width))),
    );
    text
}
