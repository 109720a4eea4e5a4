//! Unfinished files and folders, which are hidden from other processes and removed when their writer exits.

use std::fs::{self, DirEntry, File, Metadata, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use tempfile::{Builder, TempDir, TempPath};

use super::growing;

/// The temporary name of a file that is being written. It is `None` where the system supports files without a
/// name, so that a killed writer leaves nothing behind.
pub(super) struct Draft(Option<TempPath>);

impl Draft {
    /// Creates a file in a folder. While it is written, it has the permissions of the `old` file.
    pub(super) fn begin(folder: &Path, old: Option<&Metadata>) -> io::Result<(File, Self)> {
        let (file, name) = if let Some(file) = unnamed::create(folder) {
            (file, None)
        } else {
            remove_leftovers(folder);
            let (file, name) = named(folder)?;
            (file, Some(name))
        };
        if let Some(old) = old {
            file.set_permissions(kept_permissions(old))?;
        }
        Ok((file, Self(name)))
    }

    /// Renames the file to `place`, with the owner and mode of the `old` file that it replaces.
    pub(super) fn take_place(
        self,
        file: &File,
        place: &Path,
        old: Option<&Metadata>,
    ) -> io::Result<()> {
        if let Some(old) = old {
            keep_owner(file, old);
            // Changing the owner may have cleared some mode bits.
            file.set_permissions(kept_permissions(old))?;
        }
        Ok(self.named(file, place)?.persist(place)?)
    }

    /// Renames the file to `place`, unless there is a file already, which is an error of the kind
    /// [`ErrorKind::AlreadyExists`](io::ErrorKind::AlreadyExists).
    pub(super) fn take_free_place(self, file: &File, place: &Path) -> io::Result<()> {
        Ok(self.named(file, place)?.persist_noclobber(place)?)
    }

    /// Syncs the file, which then has a temporary name at least.
    fn named(self, file: &File, place: &Path) -> io::Result<TempPath> {
        file.sync_all()?;
        match self.0 {
            Some(name) => Ok(name),
            None => unnamed::give_name(file, folder_of(place)),
        }
    }
}

/// Returns the folder that contains a file.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

const PREFIX: &str = ".frostline-";
const SUFFIX: &str = ".tmp";
/// Number of random characters in a temporary name.
const RANDOM: usize = 16;

/// Returns whether a name is that of a temporary file, left by a killed writer.
pub(crate) fn is_leftover(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX);
    rest.is_some_and(|rest| rest.strip_suffix(SUFFIX).is_some())
}

/// Creates a file with a temporary name. It is locked while it is written, which distinguishes it from the
/// leftover of a killed writer.
fn named(folder: &Path) -> io::Result<(File, TempPath)> {
    loop {
        let made = names().make_in(folder, |path| {
            let mut options = File::options();
            options.read(true).write(true).create_new(true).open(path)
        });
        let (file, name) = made.map_err(without_name)?.into_parts();
        // Before the file was locked, another writer may have mistaken it for a leftover. On file systems
        // without locks, no writer removes files.
        let taken = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        if !taken && name.exists() {
            return Ok((file, name));
        }
    }
}

/// Returns the system's error. tempfile adds the temporary name, which would only confuse users, and hides
/// the number, which is in the text.
fn without_name(error: io::Error) -> io::Error {
    let text = error.to_string();
    let number = text.split_once("(os error ").and_then(|(_, rest)| {
        let (number, _) = rest.split_once(')')?;
        number.parse().ok()
    });
    number.map_or(error, io::Error::from_raw_os_error)
}

/// Returns a builder of unpredictable names that no reader mistakes for finished files.
fn names() -> Builder<'static, 'static> {
    let mut names = Builder::new();
    names.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As for any new file; the umask applies.
        names.permissions(fs::Permissions::from_mode(0o666));
    }
    names
}

/// Files without a name (`O_TMPFILE`), which not every file system supports.
#[cfg(target_os = "linux")]
pub(super) mod unnamed {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, OFlags, linkat};
    use tempfile::TempPath;

    /// The folder of the process's open files, through which a file without a name is linked.
    const OPEN_FILES: &str = "/proc/self/fd";

    pub(in crate::outputs) fn create(folder: &Path) -> Option<File> {
        if !Path::new(OPEN_FILES).exists() {
            return None;
        }
        let flags = OFlags::TMPFILE.bits().cast_signed();
        let mut options = File::options();
        // Read too, so that a file can be checked before it appears.
        let options = options.read(true).write(true).custom_flags(flags);
        options.open(folder).ok()
    }

    pub(super) fn give_name(file: &File, folder: &Path) -> io::Result<TempPath> {
        // Locked while it briefly has a temporary name, so that it is not removed as a leftover.
        let _ = file.try_lock();
        let open = format!("{OPEN_FILES}/{}", file.as_raw_fd());
        let link = |name: &Path| Ok(linkat(CWD, &open, CWD, name, AtFlags::SYMLINK_FOLLOW)?);
        let named = super::names().make_in(folder, link);
        Ok(named.map_err(super::without_name)?.into_temp_path())
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) mod unnamed {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use tempfile::TempPath;

    pub(super) fn create(_folder: &Path) -> Option<File> {
        None
    }

    pub(super) fn give_name(_file: &File, _folder: &Path) -> io::Result<TempPath> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Gives a file the owner and group of the old one. Only root can change the owner; for anyone else, only the
/// group is kept, if the writer belongs to it.
#[cfg(unix)]
fn keep_owner(file: &File, old: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let group = Some(old.gid());
    let _ = fchown(file, Some(old.uid()), group).or_else(|_| fchown(file, None, group));
}

/// Returns the mode of the old file without the set-user-ID and set-group-ID bits, so that new content does
/// not run as another user.
#[cfg(unix)]
fn kept_permissions(old: &Metadata) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(old.permissions().mode() & 0o1777)
}

#[cfg(not(unix))]
fn kept_permissions(old: &Metadata) -> fs::Permissions {
    old.permissions()
}

#[cfg(not(unix))]
fn keep_owner(_file: &File, _old: &Metadata) {}

/// A folder that is removed when this value is dropped or, if the process is killed, by [`remove_leftovers`].
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    folder: TempDir,
    /// Shows other processes that this one is running: the system releases the lock when the process exits.
    _lock: Option<File>,
}

impl TemporaryFolder {
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Creates a new file in the folder. It is not synced, since it goes with the folder.
    ///
    /// # Errors
    /// The system's error.
    pub(crate) fn create(&self, name: &str) -> io::Result<File> {
        File::create_new(self.path().join(name))
    }
}

/// Creates a hidden folder with an unpredictable name in `parent`.
///
/// # Errors
/// The system's error.
pub(crate) fn temporary_folder(parent: &Path) -> io::Result<TemporaryFolder> {
    fs::create_dir_all(parent)?;
    let mut names = Builder::new();
    let folder = names.prefix(PREFIX).rand_bytes(RANDOM).tempdir_in(parent);
    let folder = folder.map_err(without_name)?;
    let lock = lock(folder.path()).ok();
    Ok(TemporaryFolder {
        folder,
        _lock: lock,
    })
}

fn lock(folder: &Path) -> Result<File, TryLockError> {
    let file = File::open(folder).map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}

/// Removes temporary folders and files that killed processes of this user left in a folder. Failures are
/// ignored, since leftovers do no harm.
pub(crate) fn remove_leftovers(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        let (name, path) = (entry.file_name(), entry.path());
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
            continue;
        };
        match rest.strip_suffix(SUFFIX) {
            Some(drawn) if drawn.len() == RANDOM && is_abandoned_file(&path) => {
                let _ = fs::remove_file(path);
            }
            None if rest.len() == RANDOM && is_abandoned_folder(&entry) => {
                let _ = fs::remove_dir_all(path);
            }
            _ => {}
        }
    }
}

/// Returns whether a file belongs to this user and is not locked by a writer.
fn is_abandoned_file(path: &Path) -> bool {
    growing::open_ours(path).is_ok_and(|file| file.try_lock().is_ok())
}

/// Returns whether the process that created a folder has exited.
fn is_abandoned_folder(entry: &DirEntry) -> bool {
    /// The longest time between creating a folder and locking it.
    const TO_LOCK: Duration = Duration::from_secs(10);
    /// The age from which a folder counts as abandoned on file systems without locks.
    const TO_END: Duration = Duration::from_hours(24);
    if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
        return false;
    }
    let modified = entry.metadata().and_then(|about| about.modified());
    let Some(age) = modified.ok().and_then(|time| time.elapsed().ok()) else {
        return false;
    };
    match lock(&entry.path()) {
        Ok(_) => age > TO_LOCK,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => age > TO_END,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn an_error_does_not_tell_the_temporary_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let wanted = File::create(file.join("below")).unwrap_err().to_string();
        assert_eq!(named(&file).unwrap_err().to_string(), wanted);
        let made = names().tempdir_in(&file).unwrap_err();
        assert_ne!(made.to_string(), wanted);
        assert_eq!(without_name(made).to_string(), wanted);
    }

    #[test]
    fn names_are_new_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let drafts = [(); 2].map(|()| names().tempfile_in(folder.path()).unwrap());
        let [first, second] = drafts.each_ref().map(|draft| draft.path().to_owned());
        assert_ne!(first, second);
        let name = first.file_name().unwrap().to_str().unwrap();
        assert!(is_leftover(name) && !is_leftover(".frostline-notes"));
        assert!(!name.contains(&std::process::id().to_string()));
    }

    /// As on file systems that do not support files without a name.
    #[test]
    fn a_file_with_a_name_takes_its_place_too() {
        let folder = tempfile::tempdir().unwrap();
        let [place, plain] = ["place", "plain"].map(|name| folder.path().join(name));
        let (file, name) = names().tempfile_in(folder.path()).unwrap().into_parts();
        Draft(Some(name)).take_place(&file, &place, None).unwrap();
        fs::write(&plain, "as any new file").unwrap();
        let [place, plain] = [place, plain].map(|path| fs::metadata(path).unwrap().permissions());
        assert_eq!(place, plain);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        let (_, name) = names().tempfile_in(folder.path()).unwrap().into_parts();
        drop(Draft(Some(name)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_killed_writers_left_goes_and_what_is_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let leftover = ".frostline-0123456789abcdef.tmp";
        let others = [
            ".frostline-notes.tmp",
            "frostline-0123456789abcdef.tmp",
            "a",
        ];
        for name in [&[leftover][..], &others].concat() {
            fs::write(place(name), "half").unwrap();
        }
        let (_file, written) = named(folder.path()).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("a", place(".frostline-fedcba9876543210.tmp")).unwrap();
        remove_leftovers(folder.path());
        assert!(!place(leftover).exists());
        assert!(written.exists() && others.iter().all(|name| place(name).exists()));
        assert!(!cfg!(unix) || place(".frostline-fedcba9876543210.tmp").is_symlink());
        drop(written);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }

    #[cfg(unix)]
    #[test]
    fn folders_of_killed_processes_go_and_those_of_living_ones_stay() {
        let parent = tempfile::tempdir().unwrap();
        let age = |folder: &Path| {
            let time = SystemTime::now() - Duration::from_mins(1);
            File::open(folder).unwrap().set_modified(time).unwrap();
        };
        let living = temporary_folder(parent.path()).unwrap();
        age(living.path());
        for name in [".frostline-0123456789abcdef", ".frostline-notes"] {
            let folder = parent.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("network.onnx"), "half").unwrap();
            age(&folder);
        }
        fs::create_dir(parent.path().join(".frostline-fedcba9876543210")).unwrap();
        let folder = temporary_folder(parent.path()).unwrap();
        remove_leftovers(parent.path());
        let entries = fs::read_dir(parent.path()).unwrap();
        let left: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        assert!(!left.contains(&parent.path().join(".frostline-0123456789abcdef")));
        assert!(
            left.contains(&living.path().to_owned()),
            "its process is running"
        );
        assert_eq!(left.len(), 4, "new folders and other names are kept");
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }
}
