//! Lists the images of a folder, of a list, or named on the command line, in a stable order.
//!
//! A folder whose subfolders contain images is an *image folder*, as in torchvision: each first-level folder
//! is a class, and everything below it belongs to that class. Any other folder is flat and has no classes.
//! Names determine what is listed (or the first bytes, with [`Names::Any`]); content determines later how it
//! is decoded. Nothing is ever written.

mod all_names;
mod archive;
mod arranged;
mod entries;
mod found;
mod layout;
mod list;
mod merged;
mod names;
mod patterns;
mod prefix;
mod shard;
mod table;
mod walk;

use std::path::Path;

use crate::error::Result;
use crate::progress::Silent;

pub(crate) use all_names::AllNames;
pub use entries::{Entries, Scan};
use found::How;
pub use found::{FolderLayout, Found, Labels, Names, Sample};
pub use list::{Separator, listed, read_list, read_list_file, scan_inputs, scan_list};
pub use names::ignored_text;
pub use prefix::is_remote;
pub use shard::{Shard, ShardProblem};
pub(crate) use table::is_table;

/// Lists the images of a folder and its subfolders, to any depth.
///
/// Hidden names and the folders that systems leave behind (`__MACOSX`, `@eaDir` …) are skipped silently.
/// Links to folders are followed unless they lead to a parent.
///
/// # Errors
///
/// If the folder does not exist, is not a folder, cannot be read, or contains no file with an image
/// extension.
pub fn scan_folder(root: &Path, labels: Labels) -> Result<Scan> {
    let how = How {
        labels,
        names: Names::Extensions,
        progress: &Silent,
    };
    layout::folder(root, how)
}

#[cfg(test)]
mod tests;
