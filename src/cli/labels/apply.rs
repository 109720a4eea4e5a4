//! `frostline labels apply`.

use std::path::PathBuf;

use crate::cli::bar::Bar;
use crate::cli::cells::cell;
use crate::cli::examples::examples;
use crate::cli::input_args::NameArgs;
use crate::cli::label_args::ColumnArgs;
use crate::cli::number::float;
use crate::cli::output::{FindingsFormat, skipped};
use crate::cli::{Outcome, given, json, signals, talk};
use frostline::phrases::{counted, in_quotes};
use frostline::tasks::{
    ApplyLabelsOptions, ApplyLabelsReport, LabelOptions, OutputGuard, Sorting, apply_labels,
};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Label file: CSV, JSON Lines or Parquet, or the results of `classify`.
    #[arg(value_name = "LABELS")]
    file: PathBuf,
    /// Folder of images; their own folders do not matter.
    #[arg(value_name = "IMAGES")]
    images: PathBuf,
    #[command(flatten)]
    names: NameArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// Put images whose label has a lower probability into the folder `unknown`, as those that a head
    /// rejected; for the results of `classify`.
    #[arg(long, value_name = "P", value_parser = float::<f64>)]
    min_probability: Option<f64>,
    /// Show what would be done, and write nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    columns: ColumnArgs,
    /// Format of the result; json adds one JSON object on standard output to the text on standard error.
    #[arg(long, value_enum, default_value_t)]
    format: FindingsFormat,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct TargetArgs {
    /// Copy the images to DIR/CLASS.
    #[arg(long, value_name = "DIR")]
    copy: Option<PathBuf>,
    /// Make hard links in DIR/CLASS, which take no space; copies where the file system has no links.
    #[arg(long, value_name = "DIR")]
    link: Option<PathBuf>,
    /// Move the images to DIR/CLASS. Each is removed from its folder only when it is complete in the new one.
    #[arg(long = "move", value_name = "DIR")]
    moved: Option<PathBuf>,
}

impl TargetArgs {
    fn sorting(self) -> Option<(PathBuf, Sorting)> {
        let copy = self.copy.map(|folder| (folder, Sorting::Copy));
        let link = self.link.map(|folder| (folder, Sorting::Link));
        let moved = self.moved.map(|folder| (folder, Sorting::Move));
        copy.or(link).or(moved)
    }
}

const EXAMPLES: &str = examples! {
    "Copy images into a folder for each class":
    "frostline labels apply labels.csv photos --copy sorted"
    "Sort new photos by the predictions of a head, uncertain ones into `unknown`":
    "frostline labels apply predictions.csv photos --move sorted \\
       --min-probability 0.9"
};

pub(super) fn run(args: Args) -> anyhow::Result<Outcome> {
    given::images(std::slice::from_ref(&args.images))?;
    let (target, how) = args.target.sorting().expect("one of them is required");
    let guard = OutputGuard::new();
    guard.check_store(&target)?;
    guard.check_store(&target.join("class"))?;
    let mut labels = LabelOptions::new(args.file);
    labels.columns = args.columns.into();
    let mut options = ApplyLabelsOptions::new(labels, args.images, target, how);
    options.names = args.names.names();
    options.min_probability = args.min_probability;
    options.dry_run = args.dry_run;
    signals::listen();
    let report = apply_labels(&options, &Bar::default())?;
    tell(&report, &options);
    if args.format == FindingsFormat::Json {
        json::print(&report)?;
    }
    Ok(Outcome::of(&report.skipped))
}

fn tell(report: &ApplyLabelsReport, options: &ApplyLabelsOptions) {
    let file = options.labels.file.display();
    skipped(&report.skipped);
    let stay = [
        (report.n_without_label, "without a label", String::new()),
        (
            report.n_unlisted,
            "not listed in the label file",
            named(report.n_unlisted, &report.unlisted),
        ),
    ];
    for (n, what, names) in stay.into_iter().filter(|(n, ..)| *n > 0) {
        talk::note(format!("not sorted: {} {what}{names}", counted(n, "image")));
    }
    if report.n_unmatched > 0 {
        let rows = counted(report.n_unmatched, "row");
        let names = named(report.n_unmatched, &report.unmatched);
        talk::warn(format!("{rows} of `{file}` without an image here{names}"));
    }
    for (class, n) in &report.classes {
        talk::say(format!("  {n:>8}  {}", cell(class)));
    }
    let done = match (report.dry_run, report.how) {
        (true, _) => "would be sorted",
        (false, Sorting::Copy) => "copied",
        (false, Sorting::Link) => "linked",
        (false, _) => "moved",
    };
    let renamed = match report.n_renamed {
        0 => String::new(),
        n => format!(", {n} with a number after their name"),
    };
    talk::say(format!(
        "{} {done} to {}{renamed}, {} there already",
        counted(report.n_placed, "image"),
        report.target,
        report.n_there
    ));
}

fn named(n: usize, first: &[String]) -> String {
    let more = if n > first.len() { ", …" } else { "" };
    format!(": {}{more}", in_quotes(first.iter().map(String::as_str)))
}
