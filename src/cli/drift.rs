//! `frostline drift`.

use std::path::PathBuf;

use super::Outcome;
use super::bar::Bar;
use super::decoding_args::LimitArgs;
use super::drift_text::text;
use super::examples::examples;
use super::given;
use super::input_args::InputArgs;
use super::json;
use super::number::float;
use super::output::{FindingsFormat, OutputArgs, notes, skipped};
use super::run_args::ComputingArgs;
use super::suggest::{guard_of, unlabelled};
use super::talk;
use frostline::backbones::Home;
use frostline::tasks::{DriftOptions, HeadOptions, drift};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Head file; it determines the backbone and the preprocessing.
    #[arg(long, value_name = "HEAD")]
    head: PathBuf,
    /// Feature store that the head was fitted on [default: the training features in the head, which a head
    /// fitted with --reject has].
    #[arg(long, value_name = "FEATURES")]
    train: Option<PathBuf>,
    /// Exit with status 4 if the drift is above X, from 0 to 1 [default: never; 0.2 decides what is called
    /// drift].
    #[arg(long, value_name = "X", value_parser = float::<f64>)]
    fail_above: Option<f64>,
    /// Output format [default: by the extension of FILE, .txt or .json; otherwise text].
    #[arg(long, value_enum)]
    format: Option<FindingsFormat>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    computing: ComputingArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

const EXAMPLES: &str = examples! {
    "Tell whether new images are like the training images":
    "frostline drift new_photos --head head.safetensors --train features/train"
    "Fail in a nightly job if they are not, with all figures in a file":
    "frostline drift inbox --head head.safetensors --train features/train \\
       --fail-above 0.2 -o drift.json"
};

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    args.train.as_deref().map_or(Ok(()), given::store)?;
    let data = unlabelled(args.input)?;
    let limits = args.limits.limits();
    let head = HeadOptions::new(args.head, args.computing.options(limits, home));
    given::head(&head.path)?;
    let mut options = DriftOptions::new(data, head);
    options.train = args.train;
    let asked = args.fail_above;
    options.alarm_above = asked.unwrap_or(options.alarm_above);
    let guard = guard_of(&options.data, &options.head).reads(&options.train);
    let format = args.output.check(&guard, args.format)?;
    let report = drift(&options, &Bar::default())?;
    notes(&report.notes);
    skipped(&report.skipped);
    if format != FindingsFormat::Text || args.output.file().is_some() {
        talk::say(&report.summary);
    }
    match format {
        FindingsFormat::Text => args.output.write_bytes(text(&report).as_bytes()),
        FindingsFormat::Json => args.output.write_bytes(json::text(&report).as_bytes()),
    }?;
    Ok(match asked {
        Some(_) if report.alarm => Outcome::Drifted,
        _ => Outcome::of(&report.skipped),
    })
}
