//! Arguments that name images.

use std::io::{self, Read, stdin};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use anyhow::Context;

use super::given;
use frostline::images::{Names, Separator, parse_list, read_list};
use frostline::tasks::Inputs;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct InputArgs {
    /// A folder with a folder for each class (several of them share their classes), a flat folder, image
    /// files, or `-` for a list of files on standard input.
    #[arg(required = true, value_name = "IMAGES")]
    images: Vec<PathBuf>,
    /// The list on standard input is separated by NUL bytes, as `find -print0` writes it.
    #[arg(short = '0', long = "null")]
    null: bool,
    #[command(flatten)]
    names: NameArgs,
}

/// Arguments on which files of a folder are images.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct NameArgs {
    /// Look into every file of a folder, and use those that are images whatever their names.
    #[arg(long)]
    any_name: bool,
}

impl NameArgs {
    pub(super) fn names(self) -> Names {
        if self.any_name {
            Names::Any
        } else {
            Names::Extensions
        }
    }
}

/// What is said of a list without names: no rows, and no failure.
pub(super) const EMPTY_LIST: &str = "the list of images on standard input is empty";

/// Names that are read ahead of the images that are worked on.
const AHEAD: usize = 1024;

impl InputArgs {
    /// Whether the images are those of a list on standard input.
    pub(super) fn is_list(&self) -> bool {
        self.images == [PathBuf::from("-")]
    }

    /// The images, when the whole list is read where they are one.
    pub(super) fn inputs(self) -> anyhow::Result<Inputs> {
        if !self.is_list() {
            return Ok(Inputs::Paths(self.images, self.names.names()));
        }
        let mut list = Vec::new();
        stdin()
            .lock()
            .read_to_end(&mut list)
            .context("cannot read the list of images on standard input")?;
        Ok(Inputs::List(parse_list(&list, self.separator())))
    }

    /// The same, where a feature store is a mistake.
    pub(super) fn images(self) -> anyhow::Result<Inputs> {
        if !self.is_list() {
            given::images(&self.images)?;
        }
        self.inputs()
    }

    /// The names of the list on standard input, as they come.
    pub(super) fn names(&self) -> Receiver<io::Result<PathBuf>> {
        let (sender, names) = sync_channel(AHEAD);
        let separator = self.separator();
        // Nobody waits for this thread: it may stand at a pipe for ever.
        thread::spawn(move || {
            let each = |path| sender.send(Ok(path)).is_ok();
            if let Err(error) = read_list(stdin().lock(), separator, each) {
                let _ = sender.send(Err(error));
            }
        });
        names
    }

    fn separator(&self) -> Separator {
        if self.null {
            Separator::Nul
        } else {
            Separator::Newline
        }
    }
}
