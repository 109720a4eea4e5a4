//! Opening files: the caller does it, with its rules of what may be opened.

use std::fs::File;
use std::io;
use std::path::Path;

/// Opens a file for reading. A network names other files, and is read again when it is written or loaded, so
/// that whoever reads one says how files are opened.
pub type Open = fn(&Path) -> io::Result<File>;
