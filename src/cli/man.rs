//! `frostline man`: a page for the program and each of its commands, made of their help.

mod page;

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

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
        guard.check(&folder.join(name), Wanted::ManPage, args.overwrite.into())?;
    }
    for (name, page) in &pages {
        outputs::write_bytes_through(&folder.join(name), page.as_bytes())?;
    }
    let n = counted(pages.len(), "man page");
    talk::say(format!("wrote {n} to {}", folder.display()));
    let [manpath, path] = ["MANPATH", "PATH"].map(|name| env::var_os(name).unwrap_or_default());
    let command = if is_searched(folder, &manpath, &path) {
        "man frostline".to_owned()
    } else {
        format!("man -l {}", folder.join("frostline.1").display())
    };
    talk::say(format!("read the first one with `{command}`"));
    Ok(Outcome::AllRight)
}

/// Returns whether `man` looks for pages in a folder: it is a section of a folder in MANPATH, or of one that
/// belongs to a folder in PATH, such as `share/man` next to `bin`.
fn is_searched(section: &Path, manpath: &OsStr, path: &OsStr) -> bool {
    let place = |path: &Path| fs::canonicalize(path).ok();
    let section = place(section);
    let Some(pages) = section.as_deref().and_then(Path::parent) else {
        return false;
    };
    let beside =
        |bin: PathBuf| ["../man", "../share/man", "man", "share/man"].map(|man| bin.join(man));
    let of_path = env::split_paths(path)
        .filter(|bin| bin.is_absolute())
        .flat_map(beside);
    let mut searched = env::split_paths(manpath).chain(of_path);
    section
        .as_deref()
        .is_some_and(|section| section.ends_with("man1"))
        && searched.any(|searched| place(&searched).as_deref() == Some(pages))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn man_searches_its_path_and_the_folders_beside_programs() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["share/man/man1", "bin", "pages/man1", "pages/other"] {
            fs::create_dir_all(path(name)).unwrap();
        }
        let searched = |section: &str, manpath: &str, bin: &str| {
            is_searched(
                &path(section),
                path(manpath).as_os_str(),
                path(bin).as_os_str(),
            )
        };
        assert!(searched("share/man/man1", "none", "bin"));
        assert!(!searched("share/man/man1", "none", "none/bin"));
        assert!(searched("pages/man1", "pages", "none"));
        assert!(!searched("pages/man1", "none", "bin"));
        assert!(!searched("pages/other", "pages", "bin"));
    }
}
