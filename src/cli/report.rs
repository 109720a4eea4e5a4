//! `frostline report`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;

use super::Outcome;
use super::bar::Bar;
use super::evaluation_args::{EvaluationArgs, guard};
use super::examples::examples;
use super::given;
use super::label_args;
use super::output::{OverwriteArg, check_extension, skipped};
use super::{errors, signals, talk};
use frostline::backbones::Home;
use frostline::images::Names;
use frostline::phrases::counted;
use frostline::tasks::{
    Inputs, Overwrite, ReportNote, ReportOptions, ReportSummary, Wanted, report,
};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    evaluation: EvaluationArgs,
    /// Report to write, a self-contained HTML file; `-` is standard output.
    #[arg(short, long, value_name = "REPORT.html")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
    /// Images of the feature store, to show them: a folder, archive, table or URL [default: the folder,
    /// archive or table that they were extracted from].
    #[arg(long, value_name = "IMAGES")]
    images: Option<PathBuf>,
    /// Features that the head was trained on, to show the nearest training images next to each mistake.
    #[arg(long, value_name = "FEATURES")]
    train: Option<PathBuf>,
    /// Training images, in the same forms and with the same default.
    #[arg(long, value_name = "IMAGES", requires = "train")]
    train_images: Option<PathBuf>,
    /// Compare with another head on the same features: the metrics of both, and the images where they differ.
    #[arg(long, value_name = "HEAD")]
    compare: Option<PathBuf>,
    /// Title of the report [default: the name of the evaluated data].
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    title: Option<String>,
}

const EXAMPLES: &str = examples! {
    "Show the results and every mistake, with its image":
    "frostline report features/photos --head head.safetensors -o report.html"
    "Evaluate images, and show the nearest training images next to each mistake":
    "frostline report new_photos --head head.safetensors \\
       --train features/photos --store features/new -o report.html"
    "Show the images on which two heads differ":
    "frostline report features/validation --head head.safetensors \\
       --images images --compare other.safetensors -o report.html"
};

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    let mut options = ReportOptions::new(args.evaluation.input(home), args.output);
    options.images = args.images;
    options.train = args.train;
    options.train_images = args.train_images;
    options.compare = args.compare;
    options.title = args.title;
    check(&options, args.overwrite.into())?;
    if options.input.head.computing.store.is_some() {
        signals::listen();
    }
    let summary = report(&options, &Bar::default())?;
    tell(&summary);
    talk::say(format!("wrote {}", options.output.display()));
    Ok(Outcome::of(&summary.skipped))
}

fn check(options: &ReportOptions, overwrite: Overwrite) -> anyhow::Result<()> {
    let images = [&options.images, &options.train_images];
    let images: Vec<_> = images.into_iter().flatten().cloned().collect();
    given::originals(&images)?;
    options.train.as_deref().map_or(Ok(()), given::store)?;
    options.compare.as_deref().map_or(Ok(()), given::head)?;
    let guard = guard(&options.input)?
        .reads(&options.train)
        .reads(&options.compare)
        .images(&Inputs::Paths(images, Names::Any));
    guard.check(&options.output, Wanted::Html, overwrite)?;
    Ok(check_extension(&options.output, &["html", "htm"])?)
}

/// Returns a note with what the user can do.
fn note(note: &ReportNote) -> String {
    match note {
        ReportNote::FolderUnknown => {
            "images are not where their features were extracted from: add --images IMAGES to show them"
                .to_owned()
        }
        other => errors::with_flags(&other.to_string()),
    }
}

fn tell(summary: &ReportSummary) {
    label_args::tell(summary.laid_labels.as_ref());
    summary.notes.iter().map(note).for_each(talk::warn);
    skipped(&summary.skipped);
    summary.basis.iter().for_each(talk::say);
    talk::say(format!(
        "{} of {} right; report of {:.1} MB",
        summary.right,
        counted(summary.images, "image"),
        summary.bytes as f64 / 1e6
    ));
}
