//! `frostline features compact`.

use std::path::PathBuf;

use crate::cli::bar::Bar;
use crate::cli::errors::with_flags;
use crate::cli::examples::examples;
use crate::cli::output::{FindingsFormat, notes};
use crate::cli::{Outcome, given, json, signals, talk};
use frostline::features::{CompactOptions, CompactReport, compact};
use frostline::phrases::counted;
use frostline::results::CompactedStore;

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Feature store.
    #[arg(value_name = "FEATURES")]
    store: PathBuf,
    /// Drop the features of images that the last run did not list [default: keep all].
    #[arg(long)]
    prune: bool,
    /// Format of the result; json adds one JSON object on standard output to the text on standard error.
    #[arg(long, value_enum, default_value_t)]
    format: FindingsFormat,
}

const EXAMPLES: &str = examples! {
    "Make a store of thousands of parts faster to open":
    "frostline features compact features/photos"
    "Drop the features of images that were deleted since":
    "frostline features compact features/photos --prune"
};

pub(super) fn run(args: Args) -> anyhow::Result<Outcome> {
    given::store(&args.store)?;
    signals::listen();
    let mut options = CompactOptions::new(args.store);
    options.prune = args.prune;
    let report = compact(&options, &Bar::default())?;
    tell(&report, &options);
    if args.format == FindingsFormat::Json {
        json::print(&CompactedStore::new(&report, &options.store, with_flags))?;
    }
    Ok(Outcome::AllRight)
}

fn tell(report: &CompactReport, options: &CompactOptions) {
    notes(&report.notes);
    let is_unchanged = report.written == 0 && report.parts == report.parts_before;
    if is_unchanged {
        let parts = counted(report.parts, "part");
        talk::say(format!(
            "nothing to compact: {parts} in {}",
            options.store.display()
        ));
        return;
    }
    talk::say(format!(
        "{} in {}, {} before",
        counted(report.images, "vector"),
        counted(report.parts, "part"),
        report.parts_before
    ));
    let dropped = [(report.duplicates, "duplicate"), (report.pruned, "vector")];
    let [duplicates, pruned] = dropped.map(|(n, what)| counted(n, what));
    talk::say(format!(
        "  dropped   {duplicates}, {pruned} not in the last run"
    ));
    let [before, now] = [report.bytes_before, report.bytes].map(|bytes| bytes as f64 / 1e6);
    talk::say(format!("  size      {now:.1} MB, {before:.1} MB before"));
    talk::say(format!("  features  {}", options.store.display()));
}
