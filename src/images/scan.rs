//! What there is to work on: the images of a folder, of a list, or of the command line, in a stable order.
//!
//! A folder whose subfolders hold images is an *image folder*, as torchvision has it: each first-level folder
//! is a class, and what lies deeper belongs to it. Any other folder is flat and has no classes. Names decide
//! what is listed (or the first bytes, with [`Names::Any`]), content decides later what is decoded; nothing
//! is ever written.

mod found;
mod layout;
mod list;
mod names;
mod walk;

use std::path::Path;

use crate::error::Result;

pub use found::{FolderLayout, Found, Labels, Names, Sample, Scan};
pub use list::{Separator, listed, parse_list, read_list, scan_inputs, scan_list};
pub use names::ignored_text;

/// Lists a folder, and its subfolders to any depth.
///
/// Hidden names and the folders that systems leave behind (`__MACOSX`, `@eaDir` …) are left out without a
/// word. Links to folders are followed unless they lead back up.
///
/// # Errors
///
/// If the folder is missing, is none, cannot be read, or holds no file that is named as an image.
pub fn scan_folder(root: &Path, labels: Labels) -> Result<Scan> {
    layout::folder(root, labels, Names::Extensions)
}

#[cfg(test)]
mod tests;
