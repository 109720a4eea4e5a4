//! Opens files for writing; no other module does.
//!
//! A new file is written without a name (on Linux) or under an unpredictable temporary name, synced, and
//! renamed when it is complete. Readers never see a partial file, two writers never share a temporary file,
//! and a killed writer leaves nothing behind, or only a leftover that is removed later. `write` is for files
//! in frostline's own folders. [`write_through`] is for outputs that the user names: it also follows links,
//! creates missing folders, writes to devices and pipes in place, and treats `-` as standard output.
//! `open_growing` is for lock files and downloads, which grow in place and must not be links.

mod draft;
mod growing;
mod moved;
mod place;
mod write;

pub(crate) use draft::{TemporaryFolder, is_leftover, remove_leftovers, temporary_folder};
pub(crate) use growing::{Owner, open_growing};
pub(crate) use moved::{link_or_copy_new, remove_moved};
pub(crate) use place::{check, existing_folder, is_at, is_terminal, lock_folder_of, make_folders};
pub use place::{is_stdout, name, shares_stdout};
pub(crate) use write::{
    Linked, Pending, copy_new, link_new, take_place, write, write_bytes, write_new,
};
pub use write::{write_bytes_through, write_through};
