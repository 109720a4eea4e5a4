//! Files and folders that are not finished: nobody else comes across them, and they go when their writer ends.

use std::fs::{self, DirEntry, File, Metadata};
use std::io;
use std::path::Path;
use std::time::Duration;

use tempfile::{Builder, TempDir, TempPath};

use super::place::folder_of;

/// The name of a file that is being written: none, so that a killed writer leaves nothing, where the system can do that.
pub(super) struct Draft(Option<TempPath>);

impl Draft {
    /// Begins a file in a folder.
    pub(super) fn begin(folder: &Path) -> io::Result<(File, Self)> {
        if let Some(file) = unnamed::create(folder) {
            return Ok((file, Self(None)));
        }
        let (file, name) = names().tempfile_in(folder)?.into_parts();
        Ok((file, Self(Some(name))))
    }

    /// Gives the file its place, with the owner and the mode of the old one that it replaces.
    pub(super) fn take_place(
        self,
        file: &File,
        place: &Path,
        old: Option<&Metadata>,
    ) -> io::Result<()> {
        if let Some(old) = old {
            keep_owner(file, old);
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()?;
        let name = match self.0 {
            Some(name) => name,
            None => unnamed::give_name(file, folder_of(place))?,
        };
        Ok(name.persist(place)?)
    }
}

const PREFIX: &str = ".frostline-";
const SUFFIX: &str = ".tmp";
/// Characters that are drawn.
const RANDOM: usize = 16;

/// Whether a name is that of a file which a killed writer left.
pub(crate) fn is_leftover(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX);
    rest.is_some_and(|rest| rest.strip_suffix(SUFFIX).is_some())
}

/// Names that no reader takes for a finished file, and nobody guesses.
fn names() -> Builder<'static, 'static> {
    let mut names = Builder::new();
    names.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As for any new file, less what the umask takes away.
        names.permissions(fs::Permissions::from_mode(0o666));
    }
    names
}

/// Files without a name: `O_TMPFILE`, which not every file system has.
#[cfg(target_os = "linux")]
pub(super) mod unnamed {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, OFlags, linkat};
    use tempfile::TempPath;

    /// The process's open files, through which a file without a name is reached.
    const OPEN_FILES: &str = "/proc/self/fd";

    pub(in crate::outputs) fn create(folder: &Path) -> Option<File> {
        if !Path::new(OPEN_FILES).exists() {
            return None;
        }
        let flags = OFlags::TMPFILE.bits().cast_signed();
        let mut options = File::options();
        options.write(true).custom_flags(flags).open(folder).ok()
    }

    pub(super) fn give_name(file: &File, folder: &Path) -> io::Result<TempPath> {
        let open = format!("{OPEN_FILES}/{}", file.as_raw_fd());
        let link = |name: &Path| Ok(linkat(CWD, &open, CWD, name, AtFlags::SYMLINK_FOLLOW)?);
        Ok(super::names().make_in(folder, link)?.into_temp_path())
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

/// Only root may give a file away; of a file that anybody else replaces, the owner becomes its writer.
#[cfg(unix)]
fn keep_owner(file: &File, old: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let _ = fchown(file, Some(old.uid()), Some(old.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_file: &File, _old: &Metadata) {}

/// A folder within `parent` that is hidden and has a name that nobody guesses; it goes when the value does. Those that
/// killed processes left, a day ago or longer, go now.
///
/// # Errors
/// That of the system.
pub(crate) fn temporary_folder(parent: &Path) -> io::Result<TempDir> {
    fs::create_dir_all(parent)?;
    remove_old_folders(parent);
    let mut names = Builder::new();
    names.prefix(PREFIX).rand_bytes(RANDOM).tempdir_in(parent)
}

/// Leftovers that cannot be removed do no harm.
fn remove_old_folders(parent: &Path) {
    const OLD: Duration = Duration::from_hours(24);
    let is_old = |entry: &DirEntry| {
        let name = entry.file_name();
        let name = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let ours = name.is_some_and(|name| name.len() == RANDOM);
        let modified = entry.metadata().and_then(|folder| folder.modified());
        ours && modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > OLD))
    };
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for old in entries.filter(is_old) {
        let _ = fs::remove_dir_all(old.path());
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

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

    /// As on file systems that have no files without a name.
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

    #[cfg(unix)]
    #[test]
    fn folders_of_killed_processes_go_after_a_day() {
        let parent = tempfile::tempdir().unwrap();
        let make = |name: &str, hours: u64| {
            let folder = parent.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("network.onnx"), "half").unwrap();
            let time = SystemTime::now() - Duration::from_hours(hours);
            File::open(&folder).unwrap().set_modified(time).unwrap();
        };
        make(".frostline-0123456789abcdef", 25);
        make(".frostline-fedcba9876543210", 23);
        make(".frostline-notes", 25);
        let folder = temporary_folder(parent.path()).unwrap();
        let entries = fs::read_dir(parent.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        assert!(!left.contains(&".frostline-0123456789abcdef".to_owned()));
        assert_eq!(left.len(), 3);
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }
}
