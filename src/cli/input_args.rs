//! Arguments that name images.

use std::io::{Read, stdin};
use std::path::PathBuf;

use anyhow::Context;

use crate::images::{Names, Separator, parse_list};
use crate::tasks::Inputs;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct InputArgs {
    /// A folder with a folder for each class, a flat folder, image files, or `-` for a list of files on standard input.
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

impl InputArgs {
    pub(super) fn inputs(self) -> anyhow::Result<Inputs> {
        if self.images != [PathBuf::from("-")] {
            return Ok(Inputs::Paths(self.images, self.names.names()));
        }
        let mut list = Vec::new();
        stdin()
            .lock()
            .read_to_end(&mut list)
            .context("cannot read the list of images on standard input")?;
        Ok(Inputs::List(parse_list(
            &list,
            if self.null {
                Separator::Nul
            } else {
                Separator::Newline
            },
        )))
    }
}
