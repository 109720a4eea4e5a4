//! A lock file that allows one writer at a time.
//!
//! The lock is the operating system's lock on the file, so a killed writer leaves nothing to clean up. The
//! file contains the writer's process ID, for error messages and for people.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::outputs::{self, Owner};

/// A lock that is held while something is written.
#[derive(Debug)]
pub(crate) struct WriteLock(File);

impl Drop for WriteLock {
    /// Unlocks explicitly. Closing the file is not enough: a process that another thread is just starting may
    /// briefly hold a copy of it, and the lock lasts until the last copy is closed.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// More bytes than a process ID and its newline take.
const LONGEST: u64 = 24;

impl WriteLock {
    /// Locks the file at `path` on behalf of `object`. The file is created if it is missing, and is not
    /// removed afterwards.
    ///
    /// # Errors
    /// [`Error::Locked`] naming `object` and the process that writes to it; [`Error::Io`], also if the file
    /// is a link or not a frostline lock file, in which case it is left unchanged.
    pub(crate) fn take(path: &Path, object: &Path) -> Result<Self> {
        let mut file =
            outputs::open_growing(path, Owner::Anyone).map_err(Error::io("write", path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = match owner(&mut file) {
                    Ok(Some(process)) => format!("process {process}"),
                    _ => "another process".to_owned(),
                };
                return Err(Error::Locked {
                    path: object.to_owned(),
                    owner,
                });
            }
            Err(TryLockError::Error(e)) => return Err(Error::io("lock", path)(e)),
        }
        write_owner(&mut file).map_err(Error::io("write", path))?;
        Ok(Self(file))
    }
}

/// Reads the process ID from a lock file; `None` if the file is new.
fn owner(file: &mut File) -> io::Result<Option<u32>> {
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    if text.is_empty() {
        return Ok(None);
    }
    let number = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    let foreign = || io::Error::new(ErrorKind::InvalidData, "it is not a frostline lock file");
    number.map(Some).ok_or_else(foreign)
}

fn write_owner(file: &mut File) -> io::Result<()> {
    use std::io::Seek;
    owner(file)?;
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_copy_of_the_open_file_does_not_keep_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        let first = WriteLock::take(&path, folder.path()).unwrap();
        let _copy = first.0.try_clone().unwrap();
        drop(first);
        WriteLock::take(&path, folder.path()).unwrap();
    }

    #[test]
    fn a_second_writer_is_refused_until_the_first_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        let take = || WriteLock::take(&path, folder.path());
        let first = take().unwrap();
        let second = take().unwrap_err();
        assert!(
            second.to_string().contains(&std::process::id().to_string()),
            "{second}"
        );
        drop(first);
        take().unwrap();
        let content = fs::read_to_string(&path).unwrap();
        assert_eq!(content, format!("{}\n", std::process::id()));
    }

    #[test]
    fn another_file_of_that_name_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        for content in ["precious\n", "123 \u{1b}[31m", "1\n2\n", &"1".repeat(99)] {
            fs::write(&path, content).unwrap();
            let error = WriteLock::take(&path, folder.path()).unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert_eq!(cause, "it is not a frostline lock file");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_its_place_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let [path, victim] = [".lock", "victim"].map(|name| folder.path().join(name));
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        WriteLock::take(&path, folder.path()).unwrap_err();
        assert!(!victim.exists());
        fs::write(&victim, "42\n").unwrap();
        WriteLock::take(&path, folder.path()).unwrap_err();
        assert_eq!(fs::read(&victim).unwrap(), b"42\n");
    }
}
