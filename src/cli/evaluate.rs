//! `frostline evaluate`.

use std::path::PathBuf;

use super::Outcome;
use super::bar::Bar;
use super::evaluation_args::{EvaluationArgs, guard};
use super::evaluation_text::text;
use super::examples::examples;
use super::given;
use super::headings::STATISTICS;
use super::json;
use super::label_args;
use super::number;
use super::output::{FindingsFormat, OutputArgs, notes, skipped};
use super::training_args;
use super::{signals, talk};
use frostline::backbones::Home;
use frostline::head::Bootstrap;
use frostline::phrases::counted;
use frostline::results::EvaluationJson;
use frostline::tasks::{EvaluateOptions, EvaluateReport, evaluate};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    evaluation: EvaluationArgs,
    /// Compare with another head on the same features, and test whether the difference is significant.
    #[arg(long, value_name = "HEAD")]
    compare: Option<PathBuf>,
    /// Number of bootstrap resamples for the 95 % intervals; 0 disables the intervals.
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().resamples, value_parser = resamples,
          help_heading = STATISTICS)]
    intervals: usize,
    /// Seed of the bootstrap.
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().seed, help_heading = STATISTICS)]
    seed: u64,
    /// Output format [default: by the extension of FILE, .txt or .json; otherwise text].
    #[arg(long, value_enum)]
    format: Option<FindingsFormat>,
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = examples! {
    "Evaluate a head on a validation set":
    "frostline evaluate features/validation --head head.safetensors"
    "Test whether another head is better":
    "frostline evaluate features/validation --head head.safetensors \\
       --compare other.safetensors"
    "Evaluate the images in the folders `images/CLASS`, and write JSON":
    "frostline evaluate images --head head.safetensors -o metrics.json"
};

/// Parses the number of resamples; all of them are kept in memory.
fn resamples(text: &str) -> Result<usize, String> {
    number::within(text, 0, Bootstrap::MOST)
}

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    let mut options = EvaluateOptions::new(args.evaluation.input(home));
    options.compare = args.compare;
    options.bootstrap = Bootstrap::new(args.intervals, args.seed);
    options.compare.as_deref().map_or(Ok(()), given::head)?;
    let guard = guard(&options.input)?.reads(&options.compare);
    let format = args.output.check(&guard, args.format)?;
    if options.input.head.computing.store.is_some() {
        signals::listen();
    }
    let report = evaluate(&options, &Bar::default())?;
    tell(&report, format);
    let other = options.compare.as_deref();
    match format {
        FindingsFormat::Text => args.output.write_bytes(text(&report, other).as_bytes()),
        FindingsFormat::Json => {
            let result = EvaluationJson::new(&report, other);
            args.output.write_bytes(json::text(&result).as_bytes())
        }
    }?;
    Ok(Outcome::of(&report.skipped))
}

fn tell(report: &EvaluateReport, format: FindingsFormat) {
    label_args::tell(report.laid_labels.as_ref());
    notes(&report.notes);
    skipped(&report.skipped);
    training_args::tell(report.training_overlap, format);
    let unknown = report
        .unknown_classes
        .iter()
        .map(|(name, n)| format!("{name}: {}", counted(*n, "image")));
    talk::warn_list(
        "classes that the head does not know, excluded from all metrics",
        unknown,
        "",
    );
    talk::warn_list(
        "classes of the head without images here",
        report.missing_classes.iter(),
        "",
    );
    if let Some(rejected) = report.rejected.filter(|r| r.unknown_classes > 0) {
        talk::say(format!(
            "the head would label {} of classes that it does not know `unknown`",
            counted(rejected.unknown_classes, "image")
        ));
    }
}
