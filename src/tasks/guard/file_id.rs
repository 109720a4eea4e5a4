//! Telling a file from others, whatever it is called.

use std::fs;
use std::path::Path;
#[cfg(not(unix))]
use std::path::PathBuf;

/// A file, whatever it is called: device and inode, which hard links share and links lead to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileId(#[cfg(unix)] (u64, u64), #[cfg(not(unix))] PathBuf);

impl FileId {
    /// Nothing where there is no such file, or it is a device or pipe.
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
