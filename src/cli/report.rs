//! `frostline report`.

use std::path::PathBuf;

use super::Outcome;
use super::bar::Bar;
use super::examples::examples;
use super::given;
use super::head_args::{HeadArgs, guard_of};
use super::input_args::NameArgs;
use super::label_args::{self, LabelArgs};
use super::output::{OverwriteArg, check_extension, skipped};
use super::training_args::TrainingArgs;
use super::{errors, signals, talk};
use frostline::backbones::Home;
use frostline::images::{Limits, Names};
use frostline::phrases::counted;
use frostline::tasks::{
    EvaluationInput, Inputs, Overwrite, ReportNote, ReportOptions, ReportSummary, Wanted, report,
};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Feature store, or folder of images with a folder for each class.
    #[arg(value_name = "FEATURES|IMAGES")]
    data: PathBuf,
    #[command(flatten)]
    names: NameArgs,
    #[command(flatten)]
    head: HeadArgs,
    /// Report to write, a self-contained HTML file; `-` is standard output.
    #[arg(short, long, value_name = "REPORT.html")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
    /// Images of the feature store, to show them: the folder, archive, table or URL that they were extracted
    /// from.
    #[arg(long, value_name = "IMAGES")]
    images: Option<PathBuf>,
    /// Features that the head was trained on, to show the nearest training images next to each mistake.
    #[arg(long, value_name = "FEATURES")]
    train: Option<PathBuf>,
    /// Training images, in the same forms, to show them.
    #[arg(long, value_name = "IMAGES", requires = "train")]
    train_images: Option<PathBuf>,
    #[command(flatten)]
    training: TrainingArgs,
    #[command(flatten)]
    labels: LabelArgs,
}

const EXAMPLES: &str = examples! {
    "Show the results and every mistake, with its image":
    "frostline report features/photos --head head.safetensors \\
       --images photos -o report.html"
    "Evaluate images, and show the nearest training images next to each mistake":
    "frostline report new_photos --head head.safetensors \\
       --train features/photos --store features/new -o report.html"
};

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    let head = args.head.options(Limits::default(), home);
    let mut input = EvaluationInput::new(args.data, head);
    input.names = args.names.names();
    input.training_images = args.training.images();
    input.labels = args.labels.options();
    let mut options = ReportOptions::new(input, args.output);
    options.images = args.images;
    options.train = args.train;
    options.train_images = args.train_images;
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
    given::data(&options.input.data)?;
    let guard = guard_of(&options.input.head)?
        .data(&options.input.data)
        .reads(&options.train)
        .reads(label_args::file_of(options.input.labels.as_ref()))
        .images(&Inputs::Paths(images, Names::Any));
    guard.check(&options.output, Wanted::Html, overwrite)?;
    Ok(check_extension(&options.output, &["html", "htm"])?)
}

/// Returns a note with what the user can do.
fn note(note: &ReportNote) -> String {
    match note {
        ReportNote::FolderUnknown => {
            "a feature store does not record where its images are: add --images IMAGES to show them"
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
