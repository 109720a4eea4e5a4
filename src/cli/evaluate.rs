//! `frostline evaluate`.

use std::path::PathBuf;

use super::Outcome;
use super::bar::Bar;
use super::evaluation_text::{json, text};
use super::head_args::HeadArgs;
use super::output::{skipped, write_to};
use super::talk;
use crate::backbones::Home;
use crate::error::Error;
use crate::images::DecodeOptions;
use crate::tasks::{EvaluateReport, Inputs, JudgeOptions, evaluate};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A feature store, or a folder of images with a folder for each class.
    #[arg(value_name = "FEATURES|IMAGES")]
    data: PathBuf,
    #[command(flatten)]
    head: HeadArgs,
    /// How the figures are written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Where they go [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    let max_pixels = DecodeOptions::default().max_pixels;
    let options = JudgeOptions {
        data: args.data,
        // The images are those of `data`.
        classify: args
            .head
            .options(Inputs::Paths(Vec::new()), max_pixels, home),
    };
    let report = evaluate(&options, &Bar::default())?;
    tell(&report);
    let written = match args.format {
        Format::Text => text(&report.evaluation),
        Format::Json => json(&report) + "\n",
    };
    write_to(args.output.as_deref(), |out| {
        out.write_all(written.as_bytes())
            .map_err(Error::io("write", "the figures"))
    })?;
    Ok(if report.skipped.is_empty() {
        Outcome::AllRight
    } else {
        Outcome::SomeSkipped
    })
}

fn tell(report: &EvaluateReport) {
    report.notes.iter().for_each(talk::warn);
    skipped(&report.skipped);
    let unknown = report
        .unknown_classes
        .iter()
        .map(|(name, n)| format!("{name}: {n} images"));
    talk::warn_list(
        "classes that the head does not know, left out of all figures",
        unknown,
        "",
    );
    talk::warn_list(
        "classes of the head without an image here",
        report.missing_classes.iter(),
        "",
    );
}
