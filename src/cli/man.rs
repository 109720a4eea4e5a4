//! `frostline man`: a page for the program and each of its commands, made of their help.

mod page;

use std::path::PathBuf;

use anyhow::bail;
use clap::Command;

use super::Outcome;
use super::examples::examples;
use super::output::OverwriteArg;
use super::refusal::Refusal;
use super::talk;
use frostline::outputs;
use frostline::phrases::counted;
use frostline::tasks::{OutputGuard, Wanted};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Folder to write the pages to, as `frostline.1`, `frostline-extract.1` and so on.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
}

const EXAMPLES: &str = examples! {
    "Install the pages for yourself":
    "frostline man ~/.local/share/man/man1"
    "Write them into a package that is being built":
    "frostline man build/usr/share/man/man1"
};

pub(super) fn run(args: &Args, program: Command) -> anyhow::Result<Outcome> {
    let folder = &args.folder;
    if outputs::is_stdout(folder) {
        bail!(Refusal::input(
            "man pages are several files and cannot be written to standard output",
            "choose a folder (`./-` for a folder named `-`)",
        ));
    }
    let pages = pages(program)?;
    let guard = OutputGuard::new();
    // All are checked before the first is written.
    for (name, _) in &pages {
        guard.check(&folder.join(name), Wanted::Text, args.overwrite.into())?;
    }
    for (name, page) in &pages {
        outputs::write_bytes_through(&folder.join(name), page.as_bytes())?;
    }
    let n = counted(pages.len(), "man page");
    talk::say(format!("wrote {n} to {}", folder.display()));
    Ok(Outcome::AllRight)
}

/// Returns the file name and the text of each page.
fn pages(program: Command) -> std::io::Result<Vec<(String, String)>> {
    let mut program = program.disable_help_subcommand(true);
    // Names the commands in full: `frostline-models-pull`.
    program.build();
    let version = program.get_version().unwrap_or_default();
    let mut pages = Vec::new();
    add(&program, version, None, &mut pages)?;
    Ok(pages)
}

/// Adds the page of a command and those of its commands.
fn add(
    command: &Command,
    version: &str,
    above: Option<&str>,
    pages: &mut Vec<(String, String)>,
) -> std::io::Result<()> {
    let title = page::title(command);
    pages.push((format!("{title}.1"), page::page(command, version, above)?));
    for below in command.get_subcommands() {
        add(below, version, Some(title), pages)?;
    }
    Ok(())
}
