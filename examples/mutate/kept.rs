//! Saves the current mutant in a file, so that it can be run again even if the process dies.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The file with the current mutant.
pub(crate) struct Kept {
    path: PathBuf,
    file: File,
}

impl Kept {
    /// Creates the file for one target and seed number, in the target folder.
    pub(crate) fn new(target: &str, seed: u64) -> io::Result<Self> {
        let folder = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let folder = Path::new(&folder).join("mutants");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{target}-{seed}"));
        let file = File::create(&path)?;
        Ok(Self { path, file })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the previous mutant by the next one.
    pub(crate) fn put(&mut self, mutant: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(mutant)?;
        self.file.set_len(mutant.len() as u64)
    }

    /// Removes the file, if nothing failed.
    pub(crate) fn remove(self) -> io::Result<()> {
        fs::remove_file(self.path)
    }
}
