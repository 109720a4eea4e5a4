//! `frostline inspect`.

use std::path::PathBuf;

use super::Outcome;
use super::given;
use super::inspect_text::text;
use super::output::{FindingsFormat, OutputArgs};
use super::talk;
use frostline::head::NEAR_DUPLICATE;
use frostline::tasks::{InspectOptions, InspectReport, OutputGuard, inspect};

/// Nothing is changed or deleted, and the exit status is 0 whatever is found.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The feature store, as that of the training set.
    #[arg(value_name = "FEATURES")]
    features: PathBuf,
    /// A second store that should share no image with it, as that of the validation set.
    #[arg(long, value_name = "FEATURES")]
    against: Option<PathBuf>,
    /// A head: list the images of FEATURES that it was trained on; they cannot be used to evaluate it.
    #[arg(long, value_name = "HEAD")]
    head: Option<PathBuf>,
    /// Two images are nearly equal from this cosine of their features on.
    #[arg(long, value_name = "COSINE", default_value_t = NEAR_DUPLICATE)]
    near: f32,
    /// Heads that judge labels: each is trained without the images that it judges.
    #[arg(long, value_name = "K", default_value_t = 5)]
    folds: usize,
    /// Of the folds and the heads.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How findings are written: text has the first of each kind, json all
    /// [default: by the extension of FILE, .txt or .json; else text].
    #[arg(long, value_enum)]
    format: Option<FindingsFormat>,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: Args) -> anyhow::Result<Outcome> {
    given::store(&args.features)?;
    args.against.as_deref().map_or(Ok(()), given::store)?;
    args.head.as_deref().map_or(Ok(()), given::head)?;
    let guard = OutputGuard::new()
        .reads([&args.features])
        .reads(&args.against);
    let format = args.output.check(&guard, args.format)?;
    let mut options = InspectOptions::new(args.features);
    options.against = args.against;
    options.head = args.head;
    options.near = args.near;
    options.folds = args.folds;
    options.seed = args.seed;
    let report = inspect(&options)?;
    report.notes.iter().for_each(talk::note);
    match format {
        FindingsFormat::Text => args.output.write_bytes(text(&report).as_bytes()),
        FindingsFormat::Json => args.output.write_bytes(json(&report).as_bytes()),
    }?;
    Ok(Outcome::AllRight)
}

fn json(report: &InspectReport) -> String {
    let value = serde_json::to_value(report).expect("names and numbers have a JSON form");
    format!("{value:#}\n")
}
