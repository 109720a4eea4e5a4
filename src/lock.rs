//! A lock file: one writer at a time.
//!
//! The operating system's lock on the file is what counts, so a killed writer leaves nothing to clean up; the file's
//! content, the writer's process number, is for people.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use crate::error::{Error, Result};

/// Held while something is written.
#[derive(Debug)]
pub(crate) struct WriteLock(
    #[expect(dead_code, reason = "the lock lasts as long as the open file")] File,
);

impl WriteLock {
    /// Locks the file at `path`, which is made where it is missing and stays, on behalf of `object`.
    ///
    /// # Errors
    /// [`Error::Locked`] naming `object` and who writes to it; [`Error::Io`].
    pub(crate) fn take(path: &Path, object: &Path) -> Result<Self> {
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let mut file = open.map_err(Error::io("write", path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                let _ = file.read_to_string(&mut owner);
                let owner = format!(
                    "process {}",
                    if owner.is_empty() {
                        "unknown"
                    } else {
                        owner.trim()
                    }
                );
                return Err(Error::Locked {
                    path: object.to_owned(),
                    owner,
                });
            }
            Err(TryLockError::Error(e)) => return Err(Error::io("lock", path)(e)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(Error::io("write", path))?;
        Ok(Self(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_refused_until_the_first_ends() {
        let folder = tempfile::tempdir().unwrap();
        let take = || WriteLock::take(&folder.path().join(".lock"), folder.path());
        let first = take().unwrap();
        let second = take().unwrap_err();
        assert!(
            second.to_string().contains(&std::process::id().to_string()),
            "{second}"
        );
        drop(first);
        take().unwrap();
    }
}
