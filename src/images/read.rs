//! Reads image files. Files that are too large or not images are recognised by their length and their start,
//! and not read any further.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Deref;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::budget::Permit;
use super::fault::ReadFault;
use super::memory::of_file;
use super::place::Spot;
use super::stores::Object;
use super::{DecodeBudget, Format, Limits, Place, SkipReason, container, sniff, stores};
use crate::error::{Error, ImagesError, is_of_system};
use crate::inputs::{self, Links, NotAFile};
use crate::stamp::Stamp;

/// How often a file is tried, and the pause between tries, when the system runs out of open files or memory.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// The number of bytes from which a file's format is detected.
const HEAD: u64 = 4096;

/// The content of a file, with its share of a [`DecodeBudget`], which is returned on drop.
#[derive(Debug)]
pub(crate) struct FileBytes<'a> {
    bytes: Vec<u8>,
    /// What an object was when it was read.
    stamp: Option<Stamp>,
    _permit: Permit<'a>,
}

impl FileBytes<'_> {
    /// Returns what was read, if a store has said it.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        self.stamp
    }
}

impl Deref for FileBytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Like [`ReadFault`], but of a single try.
enum Fault {
    OfFile(SkipReason),
    OfStore(ImagesError),
    Io(io::Error),
}

impl From<SkipReason> for Fault {
    fn from(reason: SkipReason) -> Self {
        Self::OfFile(reason)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if let Some(reason) = container::changed(&error) {
            return reason.into();
        }
        if let Some(error) = stores::refusal(&error) {
            return Self::OfStore(error);
        }
        let special = error.get_ref().and_then(|cause| cause.downcast_ref());
        match special {
            Some(&NotAFile(kind)) => SkipReason::NotAFile(kind).into(),
            None if error.kind() == io::ErrorKind::IsADirectory => {
                SkipReason::NotAFile("a folder").into()
            }
            None => Self::Io(error),
        }
    }
}

/// Retries an operation that failed for lack of a system resource, which may be free again once other threads
/// have closed their files.
fn patiently<T>(path: &Path, mut read: impl FnMut() -> Result<T, Fault>) -> Result<T, ReadFault> {
    let mut tries = 1;
    loop {
        match read() {
            Ok(read) => return Ok(read),
            Err(Fault::OfFile(reason)) => return Err(reason.into()),
            Err(Fault::OfStore(error)) => return Err(ReadFault::OfSystem(error.into())),
            Err(Fault::Io(error)) if !is_of_system(&error) => {
                return Err(SkipReason::Unreadable(error.to_string()).into());
            }
            Err(Fault::Io(error)) if tries == TRIES => {
                return Err(ReadFault::OfSystem(Error::io("read", path)(error)));
            }
            Err(Fault::Io(_)) => thread::sleep(PAUSE),
        }
        tries += 1;
    }
}

/// Reads the bytes of an image if they start like one, once the budget has the memory for it.
///
/// A thread must drop a file before it reads the next one, or it may deadlock.
///
/// # Errors
///
/// If the length or the start of the file shows that it cannot be used, or if the system still lacks a
/// resource after a second of retrying.
pub(crate) fn read<'a>(
    place: &Place,
    limits: &Limits,
    budget: &'a DecodeBudget,
) -> Result<FileBytes<'a>, ReadFault> {
    match &place.0 {
        Spot::File(path) => read_file(path, limits, budget),
        Spot::Object(object) => from_store(object, None, limits, budget),
        Spot::Range(container, offset, length) => {
            if let Some(object) = container.remote() {
                return from_store(object, Some((*offset, *length)), limits, budget);
            }
            let name = container.name();
            patiently(Path::new(&name), || {
                let mut contents = container.open()?;
                contents.seek(SeekFrom::Start(*offset))?;
                of_reader(contents.take(*length), *length, limits, budget)
            })
        }
        Spot::Item(series, number) => in_memory(series.take(*number, limits)?, limits, budget),
    }
}

/// Reads a file as [`read`] does.
///
/// # Errors
///
/// Those of [`read`].
pub(crate) fn read_file<'a>(
    path: &Path,
    limits: &Limits,
    budget: &'a DecodeBudget,
) -> Result<FileBytes<'a>, ReadFault> {
    patiently(path, || try_read(path, limits, budget))
}

fn try_read<'a>(
    path: &Path,
    limits: &Limits,
    budget: &'a DecodeBudget,
) -> Result<FileBytes<'a>, Fault> {
    let file = inputs::open(path, Links::Follow)?;
    let length = file.metadata()?.len();
    of_reader(file, length, limits, budget)
}

/// Reads all of `reader`, which has `length` bytes.
fn of_reader<'a>(
    mut reader: impl Read,
    length: u64,
    limits: &Limits,
    budget: &'a DecodeBudget,
) -> Result<FileBytes<'a>, Fault> {
    check_length(length, limits)?;
    let bytes = head(&mut reader, length)?;
    let permit = reserve(&bytes, length, budget)?;
    Ok(FileBytes {
        bytes: whole(&bytes, reader, length)?,
        stamp: None,
        _permit: permit,
    })
}

/// Reads an object of a store, or a range of it.
fn from_store<'a>(
    object: &Object,
    range: Option<(u64, u64)>,
    limits: &Limits,
    budget: &'a DecodeBudget,
) -> Result<FileBytes<'a>, ReadFault> {
    if let Some((_, length)) = range {
        check_length(length, limits)?;
        // No request can ask for a range without bytes.
        if length == 0 {
            return Err(SkipReason::Empty.into());
        }
    }
    let mut got = object.get(range)?;
    let size = got.size();
    check_length(size, limits)?;
    let permit = reserve(got.start(HEAD as usize)?, size, budget)?;
    Ok(FileBytes {
        stamp: Some(got.stamp()),
        bytes: got.whole()?,
        _permit: permit,
    })
}

/// Returns bytes that have been read, if they start like an image.
fn in_memory<'a>(
    bytes: Vec<u8>,
    limits: &Limits,
    budget: &'a DecodeBudget,
) -> Result<FileBytes<'a>, ReadFault> {
    let length = bytes.len() as u64;
    check_length(length, limits)?;
    let permit = reserve(&bytes, length, budget)?;
    Ok(FileBytes {
        bytes,
        stamp: None,
        _permit: permit,
    })
}

fn check_length(length: u64, limits: &Limits) -> Result<(), SkipReason> {
    if length > limits.max_bytes {
        let limit = limits.max_bytes;
        return Err(SkipReason::TooLong {
            bytes: length,
            limit,
        });
    }
    Ok(())
}

/// Reserves memory for an image of `length` bytes with this start.
fn reserve<'a>(
    start: &[u8],
    length: u64,
    budget: &'a DecodeBudget,
) -> Result<Permit<'a>, SkipReason> {
    let start = &start[..start.len().min(HEAD as usize)];
    // The JPEG decoder copies the file first.
    let copies = if sniff(start)? == Format::Jpeg { 2 } else { 1 };
    Ok(budget.reserve_file(length.saturating_mul(copies)))
}

/// Assembles an image of the given length from its start and the rest; fails if the rest is shorter, or
/// longer than the file.
fn whole(start: &[u8], rest: impl Read, length: u64) -> Result<Vec<u8>, Fault> {
    let mut bytes = usize::try_from(length)
        .ok()
        .and_then(of_file)
        .ok_or(SkipReason::OutOfMemory(length))?;
    bytes.extend_from_slice(start);
    let missing = length.saturating_sub(bytes.len() as u64);
    // Reading one byte more reveals a file that has grown.
    rest.take(missing.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        let changed = "its length changed while it was read";
        return Err(SkipReason::Unreadable(changed.to_owned()).into());
    }
    Ok(bytes)
}

/// Detects the format of a file; reads only its start.
///
/// # Errors
///
/// Those of [`sniff()`], and if the file cannot be read.
pub(super) fn sniff_file(path: &Path) -> Result<Format, ReadFault> {
    patiently(path, || {
        let mut file = inputs::open(path, Links::Follow)?;
        Ok(sniff(&head(&mut file, HEAD)?)?)
    })
}

fn head(reader: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader
        .by_ref()
        .take(HEAD.min(length))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(bytes: &[u8], max_bytes: u64) -> Result<Vec<u8>, SkipReason> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        fs::write(&path, bytes).unwrap();
        let limits = Limits {
            max_bytes,
            ..Limits::default()
        };
        let budget = DecodeBudget::default();
        let read = read_file(&path, &limits, &budget).map(|bytes| bytes.to_vec());
        read.map_err(ReadFault::reason)
    }

    #[test]
    fn all_of_a_file_is_read_up_to_the_limit() {
        for length in [2, HEAD as usize, HEAD as usize + 1, 100_000] {
            let mut bytes = vec![7; length];
            bytes[..2].copy_from_slice(b"\xff\xd8");
            assert_eq!(read(&bytes, length as u64).unwrap(), bytes);
            let limit = length as u64 - 1;
            let too_long = SkipReason::TooLong {
                bytes: length as u64,
                limit,
            };
            assert_eq!(read(&bytes, limit), Err(too_long));
        }
    }

    #[test]
    fn what_is_no_image_is_named_from_its_start() {
        assert_eq!(read(b"", 9), Err(SkipReason::Empty));
        let page = [b"<html>".as_slice(), &vec![b' '; 100_000]].concat();
        assert_eq!(
            read(&page, u64::MAX),
            Err(SkipReason::NotAnImage("an HTML page"))
        );
    }

    #[test]
    fn a_file_that_grows_or_shrinks_is_not_used() {
        let read_from = |rest: &mut dyn Read| {
            whole(b"ab", rest, 5).map_err(|fault| match fault {
                Fault::OfFile(reason) => reason,
                Fault::Io(error) => panic!("{error}"),
                Fault::OfStore(error) => panic!("{error}"),
            })
        };
        let read = |mut rest: &[u8]| read_from(&mut rest);
        assert_eq!(read(b"cde").unwrap(), b"abcde");
        let changed = "cannot be read: its length changed while it was read";
        assert_eq!(read(b"cd").unwrap_err().to_string(), changed);
        assert_eq!(read(b"cdef").unwrap_err().to_string(), changed);
        let endless = read_from(&mut io::repeat(7));
        assert_eq!(endless.unwrap_err().to_string(), changed);
    }

    #[test]
    fn what_the_system_lacks_is_tried_again_and_then_told_apart() {
        let path = Path::new("a.jpg");
        let full = || Fault::Io(io::Error::from_raw_os_error(24));
        let mut tries = 0;
        let soon = patiently(path, || {
            tries += 1;
            if tries < 3 { Err(full()) } else { Ok(tries) }
        });
        assert_eq!(soon.unwrap(), 3);
        let never = patiently(path, || Err::<(), _>(full()));
        assert!(matches!(never, Err(ReadFault::OfSystem(_))));
        let denied = patiently(path, || {
            Err::<(), _>(io::Error::from_raw_os_error(13).into())
        });
        assert!(matches!(denied, Err(ReadFault::OfFile(_))));
    }

    /// A pipe, device or folder may replace an image after the scan; opening it must not block.
    #[cfg(unix)]
    #[test]
    fn what_is_no_file_any_more_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("a.jpg");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let known = [
            (&*pipe, "a named pipe"),
            (Path::new("/dev/zero"), "a device"),
            (folder.path(), "a folder"),
        ];
        for (path, kind) in known {
            let budget = DecodeBudget::default();
            let reason = read_file(path, &Limits::default(), &budget).map_err(ReadFault::reason);
            assert_eq!(reason.unwrap_err(), SkipReason::NotAFile(kind));
            let reason = sniff_file(path).map_err(ReadFault::reason);
            assert_eq!(reason.unwrap_err(), SkipReason::NotAFile(kind));
        }
    }

    #[test]
    fn a_file_is_given_back_to_the_budget() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        fs::write(&path, [b"\xff\xd8".as_slice(), &[1; 100]].concat()).unwrap();
        let budget = DecodeBudget::new(60);
        for _ in 0..3 {
            read_file(&path, &Limits::default(), &budget).unwrap();
        }
    }
}
