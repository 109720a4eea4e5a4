//! Writes files atomically: to a temporary file in the same folder, which is synced and renamed.

use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, ErrorKind, IntoInnerError, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::draft::{Draft, folder_of};
use super::place::{is_stdout, make_folders, name, place_of, refuse_read_only};
use crate::error::{Error, Result};
use crate::inputs::{self, Links};
use crate::visible::Visible;

/// Writes what `content` produces to `path`. On failure, an existing file is unchanged and nothing new is
/// left behind.
///
/// A link at `path` is replaced, not followed. The mode of a replaced file and, if permitted, its owner are
/// kept.
///
/// # Errors
/// [`Error::Io`] naming `path`, or the error of `content`.
pub(crate) fn write(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
) -> Result<()> {
    replace(path, path, own(path), content)
}

/// Writes bytes to a file, as `write` does.
///
/// # Errors
/// [`Error::Io`] naming `path`.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, |file| {
        file.write_all(bytes).map_err(Error::io("write", path))
    })
}

/// Writes bytes to a new file. Returns false, and changes nothing, if there is a file at `path`, also if
/// another process is writing it at the same time.
///
/// # Errors
/// [`Error::Io`] naming `path`.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<bool> {
    let write = || {
        let (mut file, draft) = Draft::begin(folder_of(path), None)?;
        file.write_all(bytes)?;
        draft.take_free_place(&file, path)
    };
    is_new(path, write())
}

/// Makes a file appear in another folder: as a hard link or, where the system cannot, as a copy. Returns
/// `None`, and changes nothing, if there is a file at `path`.
///
/// # Errors
/// [`Error::Io`] naming `path`, or `from` if it cannot be read.
pub(crate) fn link_new(from: &Path, path: &Path) -> Result<Option<Linked>> {
    match fs::hard_link(from, path) {
        Ok(()) => {
            // As in `replace`.
            let _ = sync_folder(path);
            return Ok(Some(Linked::Link));
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
        // Another device, no permission, too many links, or a file system without links.
        Err(_) => {}
    }
    Ok(copy_new(from, path)?.then_some(Linked::Copy))
}

/// Copies a file with its time to a new one. Returns false, and changes nothing, if there is a file at
/// `path`.
///
/// # Errors
/// [`Error::Io`] naming `path`, or `from` if it cannot be read.
pub(crate) fn copy_new(from: &Path, path: &Path) -> Result<bool> {
    let mut source = inputs::open(from, Links::Follow).map_err(Error::io("read", from))?;
    let mut copy = || {
        let (mut file, draft) = Draft::begin(folder_of(path), None)?;
        io::copy(&mut source, &mut file)?;
        if let Ok(time) = source.metadata().and_then(|found| found.modified()) {
            // Not every file system keeps times.
            let _ = file.set_modified(time);
        }
        draft.take_free_place(&file, path)
    };
    is_new(path, copy())
}

/// How a file came into another folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linked {
    /// As another name of the same file.
    Link,
    /// As another file.
    Copy,
}

fn is_new(path: &Path, written: io::Result<()>) -> Result<bool> {
    match written {
        Ok(()) => {
            // As in `replace`.
            let _ = sync_folder(path);
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Error::io("write", path)(error)),
    }
}

/// Writes an output that the user named. Unlike with `write`, a link is followed, missing folders are
/// created, devices and pipes are written in place, `-` is standard output, and a read-only file is refused.
/// On a terminal, control characters are escaped; pipes and files get every byte.
///
/// # Errors
/// [`Error::Io`] naming `path`, or the error of `content`.
pub fn write_through(
    path: &Path,
    content: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>,
) -> Result<()> {
    if is_stdout(path) {
        return write_to(io::stdout(), name(path), content);
    }
    let there = fs::metadata(path).ok();
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        // A rename would replace the device itself, such as `/dev/null`.
        let device = File::options().write(true).open(path);
        return write_to(device.map_err(Error::io("write", path))?, path, content);
    }
    let place = place_of(path).map_err(Error::io("write", path))?;
    match &there {
        Some(old) => refuse_read_only(old).map_err(Error::io("write", path))?,
        None => make_folders(&place)?,
    }
    replace(path, &place, there, |file| content(file))
}

/// Writes bytes to an output, as [`write_through`] does.
///
/// # Errors
/// [`Error::Io`] naming `path`.
pub fn write_bytes_through(path: &Path, bytes: &[u8]) -> Result<()> {
    write_through(path, |file| {
        file.write_all(bytes)
            .map_err(Error::io("write", name(path)))
    })
}

fn write_to(
    out: impl Write + Send + IsTerminal,
    name: &Path,
    content: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>,
) -> Result<()> {
    if out.is_terminal() {
        write_buffered(Visible::new(out), name, content)
    } else {
        write_buffered(out, name, content)
    }
}

fn write_buffered(
    out: impl Write + Send,
    name: &Path,
    content: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>,
) -> Result<()> {
    let mut out = BufWriter::new(out);
    content(&mut out)?;
    out.flush().map_err(Error::io("write", name))
}

/// Writes the file at `place`, which errors call `path`.
fn replace(
    path: &Path,
    place: &Path,
    old: Option<Metadata>,
    content: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
) -> Result<()> {
    let told = Error::io("write", path);
    let mut pending = match Pending::at(place, old) {
        Ok(pending) => pending,
        Err(error) => return Err(told(error)),
    };
    content(&mut pending.out)?;
    pending.take_place().map_err(told)
}

/// A file that is being written, and appears at its place when it is complete. Otherwise nothing changes.
pub(crate) struct Pending {
    pub(crate) out: BufWriter<File>,
    draft: Draft,
    place: PathBuf,
    /// The file that is replaced.
    old: Option<Metadata>,
}

impl Pending {
    /// Begins a file in one of frostline's own folders, as `write` does.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        Self::at(path, own(path))
    }

    fn at(place: &Path, old: Option<Metadata>) -> io::Result<Self> {
        let (file, draft) = Draft::begin(folder_of(place), old.as_ref())?;
        Ok(Self {
            out: BufWriter::new(file),
            draft,
            place: place.to_owned(),
            old,
        })
    }

    /// Returns the file with everything that was written, to check it before it appears.
    pub(crate) fn written(&mut self) -> io::Result<&File> {
        self.out.flush()?;
        Ok(self.out.get_ref())
    }

    /// Makes a new file appear. Returns false, and changes nothing, if there is a file at its place.
    pub(crate) fn take_free_place(self) -> Result<bool> {
        let taken = self.out.into_inner().map_err(IntoInnerError::into_error);
        let taken = taken.and_then(|file| self.draft.take_free_place(&file, &self.place));
        is_new(&self.place, taken)
    }

    /// Makes the file appear.
    pub(crate) fn take_place(self) -> io::Result<()> {
        let file = self.out.into_inner().map_err(IntoInnerError::into_error)?;
        self.draft
            .take_place(&file, &self.place, self.old.as_ref())?;
        // Failing to sync the folder loses nothing: after a crash, the old file is there.
        let _ = sync_folder(&self.place);
        Ok(())
    }
}

/// Returns the file that is replaced. A link is replaced too, but its target has no influence.
fn own(path: &Path) -> Option<Metadata> {
    fs::symlink_metadata(path).ok().filter(Metadata::is_file)
}

/// Renames a complete, synced file in the same folder to `path`.
///
/// # Errors
/// [`Error::Io`] naming `path`.
pub(crate) fn take_place(beside: &Path, path: &Path) -> Result<()> {
    fs::rename(beside, path).map_err(Error::io("write", path))?;
    // As in `replace`.
    let _ = sync_folder(path);
    Ok(())
}

#[cfg(unix)]
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::draft;
    use super::*;

    #[test]
    fn a_new_file_never_replaces_another() {
        let folder = tempfile::tempdir().unwrap();
        let [path, from] = ["a", "b"].map(|name| folder.path().join(name));
        assert!(write_new(&path, b"first").unwrap());
        assert!(!write_new(&path, b"second").unwrap());
        fs::write(&from, "third").unwrap();
        assert_eq!(link_new(&from, &path).unwrap(), None);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(names_in(folder.path()), ["a", "b"]);
        let linked = folder.path().join("c");
        assert_eq!(link_new(&from, &linked).unwrap(), Some(Linked::Link));
        assert_eq!(fs::read(&linked).unwrap(), b"third");
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head.safetensors");
        write_bytes(&path, b"old").unwrap();
        let failed = write(&path, |file| {
            file.write_all(b"half").unwrap();
            Err(Error::Strict { count: 1, total: 2 })
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names_in(folder.path()), ["head.safetensors"]);
    }

    #[test]
    fn a_missing_folder_is_named_or_made() {
        let error = write_bytes(Path::new("/no/such/folder/file"), b"").unwrap_err();
        assert!(error.to_string().contains("/no/such/folder/file"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        super::super::check(&path).unwrap();
        assert!(
            names_in(folder.path()).is_empty(),
            "checking creates nothing"
        );
        write_bytes_through(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    /// A killed writer therefore leaves nothing behind.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_has_no_name_before_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        if draft::unnamed::create(folder.path()).is_none() {
            eprintln!("not tested: this file system does not support files without a name");
            return;
        }
        let path = folder.path().join("a");
        write(&path, |file| {
            file.write_all(b"half").and_then(|()| file.flush()).unwrap();
            assert!(names_in(folder.path()).is_empty());
            Ok(())
        })
        .unwrap();
        assert_eq!(names_in(folder.path()), ["a"]);
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{PermissionsExt, symlink};

        use super::*;

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().permissions().mode() & 0o7777
        }

        #[test]
        fn the_mode_of_a_replaced_file_is_kept() {
            let folder = tempfile::tempdir().unwrap();
            let [path, new, other] = ["a", "b", "c"].map(|name| folder.path().join(name));
            fs::write(&path, "old").unwrap();
            for kept in [0o600, 0o640, 0o664] {
                fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
                write_bytes_through(&path, b"new").unwrap();
                assert_eq!(mode(&path), kept);
                write_bytes(&path, b"newer").unwrap();
                assert_eq!(mode(&path), kept);
            }
            write_bytes(&new, b"new").unwrap();
            fs::write(&other, "as any new file").unwrap();
            assert_eq!(mode(&new), mode(&other));
        }

        #[test]
        fn owner_and_group_of_a_replaced_file_are_kept() {
            use std::os::unix::fs::{MetadataExt, chown};
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a");
            fs::write(&path, "old").unwrap();
            if chown(&path, Some(4242), Some(4343)).is_err() {
                eprintln!("not tested: only root can give a file to another user");
                return;
            }
            fs::set_permissions(&path, fs::Permissions::from_mode(0o6750)).unwrap();
            for write in [write_bytes, write_bytes_through] {
                write(&path, b"new").unwrap();
                let new = fs::metadata(&path).unwrap();
                assert_eq!((new.uid(), new.gid()), (4242, 4343));
                // The new content does not run as that user.
                assert_eq!(mode(&path), 0o750);
            }
        }

        #[test]
        fn a_private_file_is_private_while_it_is_written() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a");
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            write(&path, |file| {
                let now = file.get_ref().metadata().unwrap().permissions();
                assert_eq!(now.mode() & 0o777, 0o600);
                Ok(())
            })
            .unwrap();
        }

        #[test]
        fn a_read_only_file_is_refused() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a");
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
            for refused in [
                super::super::super::check(&path),
                write_bytes_through(&path, b"new"),
            ] {
                let error = refused.unwrap_err();
                let cause = std::error::Error::source(&error).unwrap().to_string();
                assert_eq!(cause, "the file is read-only");
            }
            assert_eq!(fs::read(&path).unwrap(), b"old");
        }

        #[test]
        fn a_link_is_written_through_or_replaced() {
            let folder = tempfile::tempdir().unwrap();
            let [file, link, dangling, later] =
                ["file", "link", "dangling", "later/file"].map(|name| folder.path().join(name));
            fs::write(&file, "old").unwrap();
            symlink("file", &link).unwrap();
            symlink("later/file", &dangling).unwrap();
            write_bytes_through(&link, b"new").unwrap();
            assert_eq!(fs::read(&file).unwrap(), b"new");
            write_bytes_through(&dangling, b"new").unwrap();
            assert_eq!(fs::read(&later).unwrap(), b"new");
            assert!(link.is_symlink() && dangling.is_symlink());
            write_bytes(&link, b"own").unwrap();
            assert!(!link.is_symlink());
            assert_eq!(fs::read(&file).unwrap(), b"new");
        }

        /// A file is replaced, not modified: open handles and hard links keep the old content.
        #[test]
        fn a_second_name_of_a_file_keeps_its_content() {
            let folder = tempfile::tempdir().unwrap();
            let [file, other] = ["file", "other"].map(|name| folder.path().join(name));
            fs::write(&file, "old").unwrap();
            fs::hard_link(&file, &other).unwrap();
            write_bytes_through(&file, b"new").unwrap();
            assert_eq!(fs::read(&other).unwrap(), b"old");
            assert_eq!(fs::read(&file).unwrap(), b"new");
        }
    }
}
