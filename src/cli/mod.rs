//! The command line: what was typed becomes options, reports become text.
//!
//! Standard output is for results only, standard error for talk; `terminal` is the door that text for people
//! goes through. Exit codes: 0 all right, 1 failed, 2 wrong usage, 3 done, but some images were skipped, 130
//! and 143 interrupted by Ctrl-C or SIGTERM.

mod backbone_args;
mod bar;
mod cells;
mod classify;
mod comparison_text;
mod decoding_args;
mod doctor;
mod errors;
mod evaluate;
mod evaluation_json;
mod evaluation_text;
mod extract;
mod features;
mod fit_head;
mod given;
mod head_args;
mod import;
mod import_notes;
mod input_args;
mod inspect;
mod inspect_text;
mod models;
mod number;
mod outcome;
mod output;
mod predictions;
mod preview;
mod pull;
mod refusal;
mod report;
mod run_args;
mod search_args;
mod signals;
mod size;
mod speed_text;
mod suggest;
mod suggestion_rows;
mod synonyms;
mod talk;
mod terminal;
mod training_args;
mod trust_args;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use self::outcome::Outcome;
use frostline::backbones::Home;
use frostline::error::Error;

/// Train an image classifier in seconds on frozen features.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Say nothing but warnings and errors.
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say more, such as why no GPU is used.
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,
    /// Use `FROSTLINE_HOME` even where other users can write to it: they can then run code as you.
    #[arg(long, global = true)]
    allow_shared_home: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compute the features of images once and keep them on disk.
    Extract(extract::Args),
    /// Train a softmax head on features.
    FitHead(fit_head::Args),
    /// Hold a head against labelled features or images.
    Evaluate(evaluate::Args),
    /// Write what is known of a head as one HTML page to look at.
    Report(report::Args),
    /// Label images with a head.
    Classify(classify::Args),
    /// Look for duplicates, leakage, wrong labels and outliers in a feature store.
    Inspect(inspect::Args),
    /// Choose the unlabelled images that are most worth a label.
    Suggest(suggest::Args),
    /// Show what the network will see of some images, as one picture.
    Preview(preview::Args),
    /// Show or export what a feature store holds.
    Features(features::Args),
    /// List, show, pull and import backbones.
    Models(models::Args),
    /// Look for what is missing, and say what mends it.
    Doctor,
}

/// Parses the arguments, runs the command, and says how it ended.
#[must_use]
pub(crate) fn main() -> ExitCode {
    let cli: Cli = terminal::parse(synonyms::with_tip);
    talk::set_quiet(cli.quiet);
    talk::set_verbose(cli.verbose);
    match run(cli) {
        Ok(Outcome::AllRight) => ExitCode::SUCCESS,
        Ok(Outcome::SomeSkipped) => ExitCode::from(3),
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
    signals::handle().context("cannot handle signals")?;
    let mut home = Home::from_env()?;
    if cli.allow_shared_home {
        home = home.allow_shared();
    }
    match cli.command {
        Command::Extract(args) => extract::run(args, home),
        Command::FitHead(args) => fit_head::run(args),
        Command::Evaluate(args) => evaluate::run(args, home),
        Command::Report(args) => report::run(args, home),
        Command::Classify(args) => classify::run(args, home),
        Command::Inspect(args) => inspect::run(args),
        Command::Suggest(args) => suggest::run(args, home),
        Command::Preview(args) => preview::run(args, home),
        Command::Features(args) => features::run(args),
        Command::Models(args) => models::run(args, home),
        Command::Doctor => doctor::run(&home),
    }
}

fn is_interrupted(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::Interrupted { .. }))
}

/// Whoever read our output has had enough of it (`| head`): no failure of ours.
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
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
