//! Files that grow in place: lock files and resumable downloads.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::inputs;

/// Which owner a file must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The user of this process, so that nobody else can change the file after its content was checked.
    Us,
    /// Any user, for folders that several people write to.
    Anyone,
}

/// Opens a file to read and write in place, and creates it if it is missing. Existing content is kept.
///
/// Another user may have prepared the folder. Therefore a link is never followed, not even to create a file,
/// and a file with a second hard link is refused.
///
/// # Errors
/// The system's error; one caused by [`inputs::NotAFile`]; [`ErrorKind::InvalidInput`] for a file of another
/// owner or with more than one hard link.
pub(crate) fn open_growing(path: &Path, owner: Owner) -> io::Result<File> {
    let file = open_or_make(path)?;
    check(&file, owner)?;
    Ok(file)
}

/// Opens an existing file of this user, as [`open_growing`] does.
///
/// # Errors
/// As [`open_growing`].
pub(super) fn open_ours(path: &Path) -> io::Result<File> {
    let file = open_existing(path)?;
    check(&file, Owner::Us)?;
    Ok(file)
}

fn check(file: &File, owner: Owner) -> io::Result<()> {
    let found = file.metadata()?;
    inputs::check_kind(found.file_type())?;
    if has_more_names(&found) {
        return Err(refused("it is a hard link to a file with another name"));
    }
    if owner == Owner::Us && !is_ours(&found) {
        return Err(refused("it belongs to another user"));
    }
    Ok(())
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, why)
}

/// Opens a file or creates it with `create_new`, which never follows a link, dangling or not.
fn open_or_make(path: &Path) -> io::Result<File> {
    match open_existing(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        opened => return opened,
    }
    match options().create_new(true).open(path) {
        // Another process has just created it.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => open_existing(path),
        made => made,
    }
}

/// Opens an existing file. Its type is checked first because opening a device can have side effects; the
/// caller checks the opened file again.
fn open_existing(path: &Path) -> io::Result<File> {
    inputs::check_kind(fs::symlink_metadata(path)?.file_type())?;
    options().open(path)
}

fn options() -> OpenOptions {
    let mut options = File::options();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    options
}

#[cfg(unix)]
fn has_more_names(file: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.nlink() > 1
}

#[cfg(not(unix))]
fn has_more_names(_file: &Metadata) -> bool {
    false
}

/// Returns whether the file belongs to the user of this process; always true where the system has no owners.
#[cfg(unix)]
fn is_ours(file: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_ours(_file: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_file_is_made_and_then_kept_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut file = open_growing(&path, Owner::Us).unwrap();
        file.write_all(b"abc").unwrap();
        let mut text = String::new();
        let mut again = open_growing(&path, Owner::Us).unwrap();
        again.read_to_string(&mut text).unwrap();
        assert_eq!(text, "abc");
        let error = open_growing(folder.path(), Owner::Us).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IsADirectory);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_pipes_are_refused_and_nothing_behind_them_changes() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        fs::write(place("victim"), "precious").unwrap();
        symlink(place("victim"), place("link")).unwrap();
        symlink(place("missing"), place("dangling")).unwrap();
        symlink("/dev/null", place("device")).unwrap();
        fs::hard_link(place("victim"), place("hard")).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(place("pipe"))
            .status();
        assert!(made.unwrap().success());
        for (name, words) in [
            ("link", "it is a symbolic link, not a regular file"),
            ("dangling", "it is a symbolic link, not a regular file"),
            ("device", "it is a symbolic link, not a regular file"),
            ("pipe", "it is a named pipe, not a regular file"),
            ("hard", "it is a hard link to a file with another name"),
        ] {
            let error = open_growing(&place(name), Owner::Anyone).unwrap_err();
            assert_eq!(error.to_string(), words, "{name}");
        }
        assert_eq!(fs::read(place("victim")).unwrap(), b"precious");
        assert!(!place("missing").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_of_another_user_is_only_taken_where_it_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "").unwrap();
        if std::os::unix::fs::chown(&path, Some(4242), None).is_err() {
            eprintln!("not tested: only root can give a file to another user");
            return;
        }
        let error = open_growing(&path, Owner::Us).unwrap_err();
        assert_eq!(error.to_string(), "it belongs to another user");
        open_growing(&path, Owner::Anyone).unwrap();
    }
}
