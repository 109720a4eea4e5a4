//! Files that grow in place: locks, and downloads that are continued.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::inputs;

/// Whose file it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// That of this process: nobody else may change it once its content was checked.
    Us,
    /// Anyone's, in a folder that several people write to.
    Anyone,
}

/// Opens a file to read and write in place, and makes it where it is missing; what it holds stays as it is.
///
/// Somebody else may have prepared the folder, so a link is never followed, not even to make a file, and a
/// file that has a second name elsewhere is refused.
///
/// # Errors
/// That of the system; one caused by [`inputs::NotAFile`]; [`ErrorKind::InvalidInput`] for a file of another
/// owner or of more than one name.
pub(crate) fn open_growing(path: &Path, owner: Owner) -> io::Result<File> {
    let file = open_or_make(path)?;
    check(&file, owner)?;
    Ok(file)
}

/// As [`open_growing`], of a file of this user that is there.
///
/// # Errors
/// As there.
pub(super) fn open_ours(path: &Path) -> io::Result<File> {
    let file = open_existing(path)?;
    check(&file, Owner::Us)?;
    Ok(file)
}

fn check(file: &File, owner: Owner) -> io::Result<()> {
    let found = file.metadata()?;
    inputs::check_kind(found.file_type())?;
    if has_more_names(&found) {
        return Err(refused("it is a hard link: the file has another name"));
    }
    if owner == Owner::Us && !is_ours(&found) {
        return Err(refused("it belongs to another user"));
    }
    Ok(())
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, why)
}

/// `create_new` follows no link, whether or not it leads somewhere.
fn open_or_make(path: &Path) -> io::Result<File> {
    match open_existing(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        opened => return opened,
    }
    match options().create_new(true).open(path) {
        // Another process made it just now.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => open_existing(path),
        made => made,
    }
}

/// Looks before it opens, since opening a device may do something already, and the caller looks again at what
/// was opened.
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

/// Whether the file belongs to the user of this process, as far as the system tells.
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
            ("hard", "it is a hard link: the file has another name"),
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
