//! `frostline labels`.

mod apply;
mod diff;
mod stats;

use super::Outcome;
use super::examples::examples;

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Sort images into a folder for each class.
    ///
    /// Nothing is overwritten: an image that is there already is counted, and another image of the same name
    /// gets a number after its name. Images without a label stay where they are.
    Apply(apply::Args),
    /// Show which labels differ between two files.
    Diff(diff::Args),
    /// Count the labels in a file, and compare it with images.
    Stats(stats::Args),
}

const EXAMPLES: &str = examples! {
    "Count the labels in a file, and find images without one":
    "frostline labels stats labels.csv photos"
    "Copy images into a folder for each class":
    "frostline labels apply labels.csv photos --copy sorted"
};

pub(super) fn run(args: Args) -> anyhow::Result<Outcome> {
    match args.command {
        Command::Apply(args) => apply::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Stats(args) => stats::run(args),
    }
}
