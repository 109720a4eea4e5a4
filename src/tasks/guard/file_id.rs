//! The identity of a file, independent of its name.

use std::fs;
use std::path::Path;
#[cfg(not(unix))]
use std::path::PathBuf;

/// Identifies a file by device and inode, which its hard links share and its symlinks lead to. On systems
/// other than Unix, the canonical path is used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileId(#[cfg(unix)] (u64, u64), #[cfg(not(unix))] PathBuf);

impl FileId {
    /// Returns the identity of a regular file; `None` if there is none at `path`.
    #[cfg(unix)]
    pub(super) fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let file = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Self((file.dev(), file.ino())))
    }

    #[cfg(not(unix))]
    pub(super) fn of(path: &Path) -> Option<Self> {
        path.is_file()
            .then(|| fs::canonicalize(path).ok().map(Self))?
    }
}
