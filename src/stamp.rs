//! Detects whether a file has changed since it was last read, without reading it again.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The coarsest resolution of file times: FAT uses steps of two seconds.
const TICK: Duration = Duration::from_secs(2);

/// A file's size, times and, on Unix, inode. Editing, replacing or restoring the file changes at least one of
/// them.
///
/// The change time is included because, unlike the modification time, it cannot be set back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// The size in bytes.
    pub size: u64,
    /// When the content was last modified, in nanoseconds since 1970.
    pub modified: i64,
    /// When the content or metadata last changed, in nanoseconds since 1970; 0 on systems without it.
    pub changed: i64,
    /// The inode number; 0 on systems without it.
    pub inode: u64,
}

impl Stamp {
    /// Creates the stamp of a file from its metadata.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let (changed, inode) = changed_and_inode(metadata);
        Self {
            size: metadata.len(),
            modified: metadata.modified().map_or(0, nanoseconds),
            changed,
            inode,
        }
    }

    /// Returns whether any write from `now` on is certain to change the stamp. If the stamp is more recent
    /// than the resolution of file times, another write could leave the same times.
    #[must_use]
    pub fn is_settled(&self, now: SystemTime) -> bool {
        let tick = TICK.as_nanos() as i64;
        nanoseconds(now) - self.modified.max(self.changed) > tick
    }
}

#[cfg(unix)]
fn changed_and_inode(metadata: &Metadata) -> (i64, u64) {
    use std::os::unix::fs::MetadataExt;
    let changed = metadata.ctime().saturating_mul(1_000_000_000);
    (
        changed.saturating_add(metadata.ctime_nsec()),
        metadata.ino(),
    )
}

#[cfg(not(unix))]
fn changed_and_inode(_: &Metadata) -> (i64, u64) {
    (0, 0)
}

/// Converts a time to nanoseconds since 1970, negative before it, for the years 1677 to 2262.
fn nanoseconds(time: SystemTime) -> i64 {
    let count = |span: Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => count(since),
        Err(before) => -count(before.duration()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    fn stamp(path: &std::path::Path) -> Stamp {
        Stamp::of(&fs::metadata(path).unwrap())
    }

    #[test]
    fn an_untouched_file_keeps_its_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "abc").unwrap();
        let first = stamp(&path);
        fs::read(&path).unwrap();
        assert_eq!(stamp(&path), first);
        assert_eq!(first.size, 3);
    }

    #[cfg(unix)]
    #[test]
    fn a_time_set_back_and_another_file_of_that_name_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "abc").unwrap();
        let first = stamp(&path);
        std::thread::sleep(Duration::from_millis(20));
        fs::write(&path, "abd").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_nanos(first.modified as u64))
            .unwrap();
        let second = stamp(&path);
        assert_eq!((second.size, second.modified), (first.size, first.modified));
        assert_ne!(second, first);
        let other = folder.path().join("b");
        fs::write(&other, "abd").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_ne!(stamp(&path).inode, second.inode);
    }

    #[test]
    fn a_stamp_is_settled_when_the_clock_has_moved_on() {
        let stamp = Stamp {
            size: 1,
            modified: 10_000_000_000,
            changed: 11_000_000_000,
            inode: 1,
        };
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(!stamp.is_settled(at(12)));
        assert!(!stamp.is_settled(at(13)));
        assert!(stamp.is_settled(at(14)));
        assert!(!stamp.is_settled(at(5)));
    }

    #[test]
    fn years_before_1970_are_times_too() {
        assert_eq!(
            nanoseconds(UNIX_EPOCH - Duration::from_secs(1)),
            -1_000_000_000
        );
    }
}
