//! Where files are read: the only module that opens a file for reading.
//!
//! Only regular files are opened. A pipe would block until somebody writes to it, a device may never end, and
//! both are refused by what was really opened, since a name can be given to something else after a check.
//! What is read whole has a limit, which is compared with the file's length before memory is allocated.

use std::fmt;
use std::fs::{File, FileType};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Whether a symbolic link in a file's place is followed. Links on the way to it, in the folders, always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// For what a user names or keeps.
    Follow,
    /// For files that only frostline makes, in folders of its own.
    Refuse,
}

/// The cause of an [`io::Error`]: what was found is not a regular file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAFile(
    /// What it is, with its article.
    pub(crate) &'static str,
);

impl fmt::Display for NotAFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is {}, not a regular file", self.0)
    }
}

impl std::error::Error for NotAFile {}

/// Opens a regular file.
///
/// # Errors
/// That of the system; one of kind [`ErrorKind::IsADirectory`] for a folder, and one caused by [`NotAFile`]
/// for anything else that is not a regular file, such as a pipe, a device, or a link that is not to be
/// followed.
pub(crate) fn open(path: &Path, links: Links) -> io::Result<File> {
    let file = open_without_waiting(path, links)?;
    check_kind(file.metadata()?.file_type())?;
    Ok(file)
}

/// Reads all of a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open`]; [`ErrorKind::FileTooLarge`] where it is longer.
pub(crate) fn read(path: &Path, links: Links, limit: u64) -> io::Result<Vec<u8>> {
    read_all(open(path, links)?, limit)
}

/// Reads all of a regular file of UTF-8 text of at most `limit` bytes.
///
/// # Errors
/// As [`read`]; [`ErrorKind::InvalidData`] where it is not UTF-8.
pub(crate) fn read_text(path: &Path, links: Links, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, links, limit)?)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Reads all of an open file of at most `limit` bytes.
///
/// # Errors
/// [`ErrorKind::FileTooLarge`] where it is longer, also where it grows while it is read;
/// [`ErrorKind::OutOfMemory`].
pub(crate) fn read_all(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let length = length(&file, limit)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(length).map_err(|_| ErrorKind::OutOfMemory)?)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(bytes.len() as u64, limit));
    }
    Ok(bytes)
}

/// The length of an open file of at most `limit` bytes.
///
/// # Errors
/// [`ErrorKind::FileTooLarge`] where it is longer.
pub(crate) fn length(file: &File, limit: u64) -> io::Result<u64> {
    match file.metadata()?.len() {
        length if length > limit => Err(too_large(length, limit)),
        length => Ok(length),
    }
}

fn too_large(length: u64, limit: u64) -> io::Error {
    let text = format!("it has {length} bytes, more than the limit of {limit}");
    io::Error::new(ErrorKind::FileTooLarge, text)
}

/// Refuses what is not a regular file; a link, where the kind is that of the link itself, by that name.
///
/// # Errors
/// As [`open`].
pub(crate) fn check_kind(kind: FileType) -> io::Result<()> {
    if kind.is_file() {
        Ok(())
    } else if kind.is_dir() {
        Err(ErrorKind::IsADirectory.into())
    } else {
        Err(not_a_file(kind_text(kind)))
    }
}

fn not_a_file(kind: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, NotAFile(kind))
}

#[cfg(unix)]
fn open_without_waiting(path: &Path, links: Links) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;
    // Neither waits for a pipe's other end nor makes a terminal this process's own.
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refuse {
        flags |= OFlags::NOFOLLOW;
    }
    let mut options = File::options();
    options.read(true).custom_flags(flags.bits().cast_signed());
    match options.open(path) {
        // Sockets cannot be opened, and a link refuses to be in words that name no link.
        Err(error) if links == Links::Refuse && is_link(path) => Err(refused_link(&error)),
        Err(error) => Err(special(path).unwrap_or(error)),
        opened => opened,
    }
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path, links: Links) -> io::Result<File> {
    if links == Links::Refuse && is_link(path) {
        return Err(not_a_file("a symbolic link"));
    }
    File::open(path)
}

#[cfg(unix)]
fn refused_link(_: &io::Error) -> io::Error {
    not_a_file("a symbolic link")
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|there| there.is_symlink())
}

/// The error for what is there and cannot be opened since it is nothing to open.
#[cfg(unix)]
fn special(path: &Path) -> Option<io::Error> {
    use std::os::unix::fs::FileTypeExt;
    let kind = path.metadata().ok()?.file_type();
    (kind.is_socket() || kind.is_block_device() || kind.is_char_device())
        .then(|| not_a_file(kind_text(kind)))
}

/// What something is that is not a regular file, with its article.
pub(crate) fn kind_text(kind: FileType) -> &'static str {
    if kind.is_dir() {
        return "a folder";
    } else if kind.is_symlink() {
        return "a symbolic link";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a named pipe";
        } else if kind.is_socket() {
            return "a socket";
        } else if kind.is_block_device() || kind.is_char_device() {
            return "a device";
        }
    }
    "something special"
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn kind_of(error: &io::Error) -> Option<&'static str> {
        let cause = error.get_ref()?.downcast_ref::<NotAFile>()?;
        Some(cause.0)
    }

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "abc").unwrap();
        assert_eq!(read(&path, Links::Refuse, 3).unwrap(), b"abc");
        assert_eq!(read_text(&path, Links::Follow, 3).unwrap(), "abc");
        let error = read(&path, Links::Follow, 2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        let error = "it has 3 bytes, more than the limit of 2" == error.to_string();
        assert!(error);
        fs::write(&path, b"\xff").unwrap();
        let error = read_text(&path, Links::Follow, 3).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let error = open(folder.path(), Links::Follow).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IsADirectory);
        let error = open(&folder.path().join("b"), Links::Refuse).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    /// A sparse file of 8 EiB would need as much memory if its length were believed; here it is over the
    /// limit.
    #[test]
    fn a_long_file_is_refused_before_memory_is_allocated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let file = File::create(&path).unwrap();
        file.set_len(1 << 40).unwrap();
        let error = read(&path, Links::Follow, 1 << 30).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    }

    #[cfg(unix)]
    #[test]
    fn pipes_sockets_and_devices_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let socket = folder.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let device = Path::new("/dev/zero");
        for (path, kind) in [
            (&*pipe, "a named pipe"),
            (&*socket, "a socket"),
            (device, "a device"),
        ] {
            for links in [Links::Follow, Links::Refuse] {
                let error = open(path, links).unwrap_err();
                assert_eq!(kind_of(&error), Some(kind), "{}", path.display());
            }
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(path, &link).unwrap();
            let error = open(&link, Links::Follow).unwrap_err();
            assert_eq!(kind_of(&error), Some(kind), "{}", path.display());
            fs::remove_file(&link).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_only_where_it_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a"), folder.path().join("link"));
        fs::write(&path, "abc").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(read(&link, Links::Follow, 9).unwrap(), b"abc");
        let error = read(&link, Links::Refuse, 9).unwrap_err();
        assert_eq!(kind_of(&error), Some("a symbolic link"));
        fs::remove_file(&path).unwrap();
        let error = open(&link, Links::Follow).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let error = open(&link, Links::Refuse).unwrap_err();
        assert_eq!(kind_of(&error), Some("a symbolic link"));
    }
}
