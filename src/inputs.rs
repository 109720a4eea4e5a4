//! Opens files for reading; no other module does.
//!
//! Only regular files are accepted: a pipe would block until another process writes to it, and a device may
//! never end. The check is made on the opened file, because a path can be replaced after a check. Reading an
//! entire file takes a size limit, which is checked against the file's length before memory is allocated.

use std::fmt;
use std::fs::{File, FileType};
use std::io::{self, BufRead, ErrorKind, Read};
use std::path::Path;

/// Whether to follow a path that is itself a symbolic link. Links in its parent folders are always followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// For files that the user names or owns.
    Follow,
    /// For files that only frostline writes, in its own folders.
    Refuse,
}

/// The cause of an [`io::Error`] for a path that is not a regular file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAFile(
    /// What the path is, with its article.
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
/// The system's error; one of kind [`ErrorKind::IsADirectory`] for a folder; one caused by [`NotAFile`] for
/// anything else that is not a regular file, such as a pipe, a device or a refused link.
pub(crate) fn open(path: &Path, links: Links) -> io::Result<File> {
    let file = open_without_waiting(path, links)?;
    check_kind(file.metadata()?.file_type())?;
    Ok(file)
}

/// Reads all of a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open`]; [`ErrorKind::FileTooLarge`] if it is longer than `limit`.
pub(crate) fn read(path: &Path, links: Links, limit: u64) -> io::Result<Vec<u8>> {
    read_all(open(path, links)?, limit)
}

/// Reads all of a regular file of at most `limit` bytes as UTF-8 text.
///
/// # Errors
/// As [`read`]; [`ErrorKind::InvalidData`] if it is not UTF-8.
pub(crate) fn read_text(path: &Path, links: Links, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, links, limit)?)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Reads all of an open file of at most `limit` bytes.
///
/// # Errors
/// [`ErrorKind::FileTooLarge`] if it is longer than `limit` or grows beyond it while it is read;
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

/// Reads the bytes at a position of an open file, which threads may share.
///
/// # Errors
/// The system's error; [`ErrorKind::UnexpectedEof`] if the file ends before `bytes` are filled.
#[cfg(unix)]
pub(crate) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// Reads the bytes at a position of an open file, which threads may share.
#[cfg(not(unix))]
pub(crate) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        let at = offset + done as u64;
        match std::os::windows::fs::FileExt::seek_read(file, &mut bytes[done..], at)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            n => done += n,
        }
    }
    Ok(())
}

/// Returns whether two regular files have the same content. The second one is not a link, unless `links`
/// says that it may be; anything else than a regular file has other content.
///
/// # Errors
/// The system's error.
pub(crate) fn is_same_content(one: &Path, other: &Path, links: Links) -> io::Result<bool> {
    let first = open(one, Links::Follow)?;
    let is_other = |error: &io::Error| {
        let cause = error
            .get_ref()
            .and_then(|cause| cause.downcast_ref::<NotAFile>());
        error.kind() == ErrorKind::IsADirectory || cause.is_some()
    };
    let second = match open(other, links) {
        Err(error) if is_other(&error) => return Ok(false),
        opened => opened?,
    };
    if first.metadata()?.len() != second.metadata()?.len() {
        return Ok(false);
    }
    let [mut first, mut second] =
        [first, second].map(|file| io::BufReader::with_capacity(1 << 16, file));
    loop {
        let (left, right) = (first.fill_buf()?, second.fill_buf()?);
        let length = left.len().min(right.len());
        if left[..length] != right[..length] || left.is_empty() != right.is_empty() {
            return Ok(false);
        }
        if length == 0 {
            return Ok(true);
        }
        first.consume(length);
        second.consume(length);
    }
}

/// Returns the length of an open file of at most `limit` bytes.
///
/// # Errors
/// [`ErrorKind::FileTooLarge`] if it is longer.
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

/// Returns an error unless `kind` is that of a regular file.
///
/// # Errors
/// As [`open`]; for the kind of a link itself, the error names a symbolic link.
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
    // Do not wait for a pipe's other end, and do not make a terminal the controlling terminal.
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refuse {
        flags |= OFlags::NOFOLLOW;
    }
    let mut options = File::options();
    options.read(true).custom_flags(flags.bits().cast_signed());
    match options.open(path) {
        // A socket cannot be opened, and for a refused link the system's error does not mention a link.
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

/// Returns the error for a path that exists but cannot be opened because it is a socket or a device.
#[cfg(unix)]
fn special(path: &Path) -> Option<io::Error> {
    use std::os::unix::fs::FileTypeExt;
    let kind = path.metadata().ok()?.file_type();
    (kind.is_socket() || kind.is_block_device() || kind.is_char_device())
        .then(|| not_a_file(kind_text(kind)))
}

/// Describes, with an article, a file type other than a regular file.
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
    "a special file"
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

    /// A sparse file of 1 TiB takes no disk space, but reading it would need that much memory.
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
