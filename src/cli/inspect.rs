//! `frostline inspect`.

use std::path::PathBuf;

use super::Outcome;
use super::examples::examples;
use super::given;
use super::inspect_text::text;
use super::json;
use super::label_args::{self, LabelArgs};
use super::number::float;
use super::output::{FindingsFormat, OutputArgs};
use super::talk;
use frostline::head::NEAR_DUPLICATE;
use frostline::tasks::{InspectOptions, OutputGuard, inspect};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Feature store, usually of the training set.
    #[arg(value_name = "FEATURES")]
    features: PathBuf,
    /// Second feature store that should share no images with FEATURES, usually of the validation set.
    #[arg(long, value_name = "FEATURES")]
    against: Option<PathBuf>,
    /// List the images of FEATURES that this head was trained on; they cannot be used to evaluate it.
    #[arg(long, value_name = "HEAD")]
    head: Option<PathBuf>,
    #[command(flatten)]
    labels: LabelArgs,
    /// Cosine similarity from which images count as near-duplicates.
    #[arg(long, value_name = "COSINE", default_value_t = NEAR_DUPLICATE, value_parser = float::<f32>)]
    near: f32,
    /// Number of folds of the cross-validation that checks the labels.
    #[arg(long, value_name = "K", default_value_t = 5)]
    folds: usize,
    /// Seed for the folds and the heads trained on them.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Output format: text lists the first findings of each kind, json all of them [default: by the extension
    /// of FILE, .txt or .json; otherwise text].
    #[arg(long, value_enum)]
    format: Option<FindingsFormat>,
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = examples! {
    "List duplicates, labels to check and outliers":
    "frostline inspect features/train"
    "Also list validation images that are in the training set":
    "frostline inspect features/train --against features/validation"
    "Write all findings as JSON":
    "frostline inspect features/train -o findings.json"
};

pub(super) fn run(args: Args) -> anyhow::Result<Outcome> {
    given::store(&args.features)?;
    args.against.as_deref().map_or(Ok(()), given::store)?;
    args.head.as_deref().map_or(Ok(()), given::head)?;
    let labels = args.labels.options();
    let guard = OutputGuard::new()
        .reads([&args.features])
        .reads(label_args::file_of(labels.as_ref()))
        .reads(&args.against);
    let format = args.output.check(&guard, args.format)?;
    let mut options = InspectOptions::new(args.features);
    options.against = args.against;
    options.labels = labels;
    options.head = args.head;
    options.near = args.near;
    options.folds = args.folds;
    options.seed = args.seed;
    let report = inspect(&options)?;
    label_args::tell(report.laid_labels.as_ref());
    report.notes.iter().for_each(talk::note);
    match format {
        FindingsFormat::Text => args.output.write_bytes(text(&report).as_bytes()),
        FindingsFormat::Json => args.output.write_bytes(json::text(&report).as_bytes()),
    }?;
    Ok(Outcome::AllRight)
}
