//! `frostline completions`.

use std::path::Path;

use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;

use super::Outcome;
use super::examples::examples;
use frostline::outputs;

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Shell to write the script for.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

const EXAMPLES: &str = examples! {
    "Complete commands in this bash; put the line into `~/.bashrc` to keep it":
    "source <(frostline completions bash)"
    "Install the completions for zsh, into a folder of its `fpath`":
    "frostline completions zsh > ~/.zfunc/_frostline"
    "Install the completions for fish":
    "frostline completions fish > ~/.config/fish/completions/frostline.fish"
};

pub(super) fn run(args: &Args, program: Command) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    let name = program.get_name().to_owned();
    clap_complete::generate(args.shell, &mut with_files(program), name, &mut script);
    if args.shell == Shell::Zsh {
        // With two colons, zsh completes no options after the first of several paths.
        script = String::from_utf8(script)?.replace("'*::", "'*:").into();
    }
    outputs::write_bytes_through(Path::new("-"), &script)?;
    Ok(Outcome::AllRight)
}

/// Lets every option for a path complete files and folders. clap's default for paths makes bash add a space
/// after a folder, so that what is inside cannot be completed.
fn with_files(command: Command) -> Command {
    let hinted = |arg: Arg| match arg.get_value_hint() {
        ValueHint::AnyPath => arg.value_hint(ValueHint::FilePath),
        _ => arg,
    };
    command.mut_args(hinted).mut_subcommands(with_files)
}
