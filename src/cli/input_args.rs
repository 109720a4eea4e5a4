//! Arguments that name images.

use std::io::{self, stdin};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Builder;

use anyhow::bail;

use super::given;
use super::headings::INPUT;
use super::refusal::Refusal;
use frostline::error::{Error, ThreadsFor};
use frostline::images::{Names, Separator, read_list, read_list_file};
use frostline::tasks::Inputs;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct InputArgs {
    /// Image files or folders, tar archives (`shards/{000..099}.tar`), Parquet or Arrow files, URLs (`s3://`,
    /// `gs://`, `az://`, `https://`), or `-` for a list of files on standard input. A folder is flat or has a
    /// folder for each class; several folders share their classes.
    #[arg(required = true, value_name = "IMAGES")]
    images: Vec<PathBuf>,
    /// Read a list separated by NUL bytes, as written by `find -print0`.
    #[arg(short = '0', long = "null", help_heading = INPUT)]
    null: bool,
    #[command(flatten)]
    names: NameArgs,
}

/// The argument that decides which files of a folder are images.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct NameArgs {
    /// Recognise images in folders by their content instead of their file extension.
    #[arg(long, help_heading = INPUT)]
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

/// Returns the note about an empty list in a file or on standard input, which is not a failure.
pub(super) fn empty_list(file: Option<&Path>) -> String {
    let place = file.map(|file| format!("in `{}`", file.display()));
    let place = place.as_deref().unwrap_or("on standard input");
    format!("the list of images {place} is empty")
}

/// How many names are read ahead of the images being processed.
const AHEAD: usize = 1024;

impl InputArgs {
    /// Returns whether the images are listed on standard input.
    pub(super) fn is_list(&self) -> bool {
        self.images == [PathBuf::from("-")]
    }

    /// Returns the images; reads the whole list if they are listed on standard input.
    pub(super) fn inputs(self) -> anyhow::Result<Inputs> {
        if !self.is_list() {
            return Ok(Inputs::Paths(self.images, self.names.names()));
        }
        let mut list = Vec::new();
        let read = read_list(stdin().lock(), self.separator(), |path| {
            list.push(path);
            true
        });
        read.map_err(Error::io("read", Path::new("standard input")))?;
        Ok(Inputs::List(list))
    }

    /// Like [`Self::inputs`], but refuses feature stores.
    pub(super) fn images(self) -> anyhow::Result<Inputs> {
        if !self.is_list() {
            given::images(&self.images)?;
        }
        self.inputs()
    }

    /// Like [`Self::images`], or returns the images listed in a file.
    pub(super) fn images_or_list(self, list: Option<PathBuf>) -> anyhow::Result<Inputs> {
        let Some(list) = list else {
            return self.images();
        };
        if !self.images.is_empty() {
            bail!(Refusal::usage(
                "images can be named or listed in a file, not both",
                "omit IMAGES or --list",
            ));
        }
        Ok(Inputs::List(read_list_file(&list, self.separator())?))
    }

    /// Returns the names of the list on standard input as they arrive.
    pub(super) fn names(&self) -> Result<Receiver<io::Result<PathBuf>>, Error> {
        let (sender, names) = sync_channel(AHEAD);
        let separator = self.separator();
        // Nothing joins this thread, since it may block on a pipe forever.
        let started = Builder::new().spawn(move || {
            let each = |path| sender.send(Ok(path)).is_ok();
            if let Err(error) = read_list(stdin().lock(), separator, each) {
                let _ = sender.send(Err(error));
            }
        });
        let purpose = ThreadsFor::Images;
        started.map_err(|source| Error::NoThread { purpose, source })?;
        Ok(names)
    }

    fn separator(&self) -> Separator {
        if self.null {
            Separator::Nul
        } else {
            Separator::Newline
        }
    }
}
