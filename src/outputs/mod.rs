//! Where files are written: the only module that opens a file for writing.
//!
//! A new file is written under no name (Linux) or under one that cannot be guessed, synced, and renamed when
//! it is complete: readers never see half of it, two writers never share a temporary file, and a killed
//! writer leaves nothing. `write` is for files in folders of our own; [`write_through`] is for the
//! outputs that a user names: it also follows links, makes missing folders, writes to devices and pipes in
//! place, and takes `-` for standard output. `open_growing` is for locks and downloads, which grow in place
//! and are refused where they are links.

mod draft;
mod growing;
mod place;
mod write;

pub(crate) use draft::{is_leftover, remove_leftovers, temporary_folder};
pub(crate) use growing::{Owner, open_growing};
pub(crate) use place::{check, existing_folder, is_terminal};
pub use place::{is_stdout, name};
pub(crate) use write::{take_place, write, write_bytes};
pub use write::{write_bytes_through, write_through};
