//! `frostline features merge`.

use std::path::PathBuf;

use crate::cli::bar::Bar;
use crate::cli::errors::with_flags;
use crate::cli::examples::examples;
use crate::cli::output::{FindingsFormat, notes, skipped};
use crate::cli::{Outcome, json, signals, talk};
use frostline::features::{MergeOptions, MergeReport, merge};
use frostline::phrases::counted;
use frostline::results::MergedStore;
use frostline::tasks::{OutputGuard, Skipped};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Feature stores of shards; or Parquet and Arrow tables of features, answers of `frostline worker` among
    /// them, and folders of such tables.
    #[arg(value_name = "SHARDS", required = true)]
    shards: Vec<PathBuf>,
    /// Merge what is there, although stores or shards are missing or unfinished.
    #[arg(long)]
    partial: bool,
    /// Feature store to write; an existing one is extended.
    #[arg(short, long, value_name = "STORE")]
    output: PathBuf,
    /// Format of the result; json adds one JSON object on standard output to the text on standard error.
    #[arg(long, value_enum, default_value_t)]
    format: FindingsFormat,
}

const EXAMPLES: &str = examples! {
    "Combine the shards of a run":
    "frostline features merge shards/* -o features/photos"
    "Add a table that Ray or Spark has written to an existing store":
    "frostline features merge spark.parquet -o features/photos"
};

pub(super) fn run(args: Args) -> anyhow::Result<Outcome> {
    OutputGuard::new().check_store(&args.output)?;
    signals::listen();
    let mut options = MergeOptions::new(args.shards, args.output);
    options.partial = args.partial;
    let report = merge(&options, &Bar::default())?;
    tell(&report, &options);
    if args.format == FindingsFormat::Json {
        json::print(&MergedStore::new(&report, &options.output, with_flags))?;
    }
    if report.skipped.is_empty() {
        Ok(Outcome::AllRight)
    } else {
        Ok(Outcome::SomeSkipped)
    }
}

fn tell(report: &MergeReport, options: &MergeOptions) {
    notes(&report.notes);
    talk::warn_list("missing shards", report.absent.iter(), "");
    let paths = |paths: &[PathBuf]| {
        paths
            .iter()
            .map(|path| path.display().to_string())
            .collect()
    };
    let [missing, unfinished]: [Vec<String>; 2] =
        [paths(&report.missing), paths(&report.unfinished)];
    talk::warn_list("missing stores", missing.iter(), "");
    talk::warn_list("unfinished shards", unfinished.iter(), "");
    let images = report.skipped.iter().map(Skipped::from);
    skipped(&images.collect::<Vec<_>>());
    talk::say(format!(
        "{} from {}, {} skipped",
        counted(report.images, "image"),
        counted(options.sources.len() - report.missing.len(), "source"),
        report.skipped.len()
    ));
    let copied = match report.copied {
        0 => String::new(),
        n => format!(", {} copied", counted(n, "part")),
    };
    talk::say(format!(
        "  added     {}, {} linked{copied}",
        counted(report.added, "vector"),
        counted(report.linked, "part")
    ));
    if report.kept > 0 {
        talk::say(format!(
            "  kept      {} of the existing store in none of the sources; to drop them, merge into a new \
             store",
            counted(report.kept, "image")
        ));
    }
    if report.repeated > 0 {
        talk::say(format!(
            "  repeated  {} with the path and content of another one",
            counted(report.repeated, "row")
        ));
    }
    if report.duplicates > 0 {
        talk::say(format!(
            "  duplicate {} with the content of another one under another path",
            counted(report.duplicates, "image")
        ));
    }
    if report.doubles > 0 {
        talk::say(format!(
            "  compared  {} known before, lowest cosine {:.6}",
            counted(report.doubles, "vector"),
            report.lowest_cosine
        ));
    }
    talk::say(format!("  features  {}", options.output.display()));
}
