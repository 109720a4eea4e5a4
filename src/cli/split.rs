//! `frostline split`.

use std::path::PathBuf;

use super::Outcome;
use super::bar::Bar;
use super::cells::cell;
use super::examples::examples;
use super::given;
use super::input_args::NameArgs;
use super::json;
use super::label_args::{self, LabelArgs};
use super::number::float;
use super::output::{FindingsFormat, OverwriteArg, notes};
use super::refusal::Refusal;
use super::talk;
use frostline::head::NEAR_DUPLICATE;
use frostline::outputs::shares_stdout;
use frostline::phrases::counted;
use frostline::tasks::{OutputGuard, SPLITS, SplitOptions, SplitReport, Wanted, split};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Feature store, or folder of images. Near-duplicates stay together only with a store.
    #[arg(value_name = "FEATURES|IMAGES")]
    data: PathBuf,
    #[command(flatten)]
    names: NameArgs,
    /// CSV file to write, with the columns path, split and class; `-` is standard output. If it exists, its
    /// images keep their splits.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
    /// Shares of the splits train, validation and test.
    #[arg(long, value_name = "SHARES", default_value = "0.8,0.1,0.1", value_parser = fractions)]
    fractions: Fractions,
    /// Table that says which images belong together and must not be in two splits, such as those of one
    /// patient: CSV, JSON Lines or Parquet with the column path or digest.
    #[arg(long, value_name = "FILE")]
    groups: Option<PathBuf>,
    /// Column of that table with the names of the groups.
    #[arg(
        long,
        value_name = "COLUMN",
        default_value = "group",
        requires = "groups"
    )]
    group_column: String,
    /// Earlier result whose images keep their splits [default: the output, if it exists].
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// Cosine similarity from which images of a feature store count as near-duplicates.
    #[arg(long, value_name = "COSINE", default_value_t = NEAR_DUPLICATE, value_parser = float::<f32>)]
    near: f32,
    /// Seed of the choice.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Format of the result; json adds one JSON object on standard output to the text on standard error.
    #[arg(long, value_enum, default_value_t)]
    format: FindingsFormat,
    #[command(flatten)]
    labels: LabelArgs,
}

/// The shares of the splits.
#[derive(Debug, Clone, Copy)]
struct Fractions([f64; 3]);

fn fractions(text: &str) -> Result<Fractions, String> {
    let shares: Result<Vec<f64>, String> =
        text.split(',').map(|share| float(share.trim())).collect();
    let shares: Result<[f64; 3], _> = shares?.try_into();
    shares
        .map(Fractions)
        .map_err(|_| "three shares are needed, such as 0.8,0.1,0.1".to_owned())
}

const EXAMPLES: &str = examples! {
    "Split a feature store, for `fit-head --splits` and `evaluate --splits`":
    "frostline split features/photos -o splits.csv"
    "Keep the images of each patient together":
    "frostline split features/scans -o splits.csv --groups scans.csv \\
       --group-column patient"
};

pub(super) fn run(args: Args) -> anyhow::Result<Outcome> {
    given::data(&args.data)?;
    if args.format == FindingsFormat::Json && shares_stdout(&args.output) {
        let output = args.output.display();
        anyhow::bail!(Refusal::usage(
            format!("`--format json` and `-o {output}` both write to standard output"),
            "write the splits to a file with -o, or omit --format json",
        ));
    }
    let mut options = SplitOptions::new(args.data, args.output);
    options.names = args.names.names();
    options.labels = args.labels.options();
    options.fractions = args.fractions.0;
    options.groups = args.groups.map(|file| (file, args.group_column));
    options.keep = args.keep;
    options.near = args.near;
    options.seed = args.seed;
    let guard = OutputGuard::new()
        .data(&options.data)
        .reads(label_args::file_of(options.labels.as_ref()))
        .reads(options.groups.as_ref().map(|(file, _)| file));
    guard.check(&options.output, Wanted::Text, args.overwrite.into())?;
    let report = split(&options, &Bar::default())?;
    tell(&report, &options);
    if args.format == FindingsFormat::Json {
        json::print(&report)?;
    }
    Ok(Outcome::AllRight)
}

fn tell(report: &SplitReport, options: &SplitOptions) {
    label_args::tell(report.label_file.as_ref());
    notes(&report.notes);
    let all: usize = report.splits.values().sum();
    talk::say(format!(
        "{} in {}, {} with the split of an earlier run",
        counted(all, "image"),
        counted(report.n_groups, "group"),
        report.n_kept
    ));
    for name in SPLITS {
        let classes = report
            .classes
            .iter()
            .map(|(class, counts)| (class, counts[name]));
        let classes = classes.filter(|(_, n)| *n > 0).take(12);
        let classes: Vec<String> = classes
            .map(|(class, n)| format!("{} {n}", cell(class)))
            .collect();
        let more = if report.classes.len() > 12 {
            ", …"
        } else {
            ""
        };
        talk::say(format!(
            "  {name:<10} {:>8}  {}{more}",
            report.splits[name],
            classes.join(", ")
        ));
    }
    talk::say(format!("  splits     {}", options.output.display()));
}
