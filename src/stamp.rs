//! What tells that a file is the one that was read before, without reading it again.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Times on file systems can be this coarse: FAT counts in steps of two seconds.
const TICK: Duration = Duration::from_secs(2);

/// A file's size and times and, on Unix, its inode: an edit, a replacement or a restored backup changes one
/// of them.
///
/// The time of change counts too, since it cannot be set back as that of modification can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// In bytes.
    pub size: u64,
    /// When its content was last modified, in nanoseconds since 1970.
    pub modified: i64,
    /// When anything of it last changed; 0 where the system does not say.
    pub changed: i64,
    /// Its number on its file system; 0 where there is none.
    pub inode: u64,
}

impl Stamp {
    /// The stamp of a file.
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

    /// Whether a write from now on must change the stamp. One that is as young as the clock of the file
    /// system is coarse may be followed by a write with the same times.
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

/// Since 1970, and before it with a minus; the years 1677 to 2262.
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
