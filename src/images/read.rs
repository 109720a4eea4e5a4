//! The bytes of an image file: what is no image, or too long, is told from its start and its length and not read.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::Path;

use super::budget::Permit;
use super::{DecodeBudget, Format, Limits, SkipReason, sniff};

/// How much of a file is looked at to tell what it is.
const HEAD: u64 = 4096;

/// All of a file, together with its share of a [`DecodeBudget`], which is given back when it is dropped.
#[derive(Debug)]
pub struct FileBytes<'a> {
    bytes: Vec<u8>,
    _permit: Permit<'a>,
}

impl Deref for FileBytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads a file whose start is that of an image, and waits until the budget has the memory for it.
///
/// A thread must drop a file before it reads the next one, or it may wait for itself.
///
/// # Errors
///
/// Why it cannot be used, as far as its length and its start tell.
pub fn read_file<'a>(
    path: &Path,
    limits: &Limits,
    budget: &'a DecodeBudget,
) -> Result<FileBytes<'a>, SkipReason> {
    let mut file = File::open(path).map_err(|error| unreadable(&error))?;
    let length = file.metadata().map_err(|error| unreadable(&error))?.len();
    if length > limits.max_bytes {
        return Err(SkipReason::TooLong {
            bytes: length,
            limit: limits.max_bytes,
        });
    }
    let bytes = head(&mut file).map_err(|error| unreadable(&error))?;
    // The decoder of JPEGs takes a copy of the file first.
    let copies = if sniff(&bytes)? == Format::Jpeg { 2 } else { 1 };
    let permit = budget.reserve_file(length.saturating_mul(copies));
    Ok(FileBytes {
        bytes: whole(bytes, file, length)?,
        _permit: permit,
    })
}

/// A file of this length, out of its start and what follows: one that grows or shrinks meanwhile is not used.
fn whole(start: Vec<u8>, rest: impl Read, length: u64) -> Result<Vec<u8>, SkipReason> {
    let mut bytes = start;
    let missing = length.saturating_sub(bytes.len() as u64);
    usize::try_from(missing)
        .ok()
        .and_then(|missing| bytes.try_reserve_exact(missing).ok())
        .ok_or(SkipReason::OutOfMemory(length))?;
    // A byte more than there should be tells that there are more.
    rest.take(missing.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 != length {
        let changed = "its length changed while it was read";
        return Err(SkipReason::Unreadable(changed.to_owned()));
    }
    Ok(bytes)
}

/// What a file is, from its start; only that is read.
///
/// # Errors
///
/// As [`sniff`], and where it cannot be read.
pub(super) fn sniff_file(path: &Path) -> Result<Format, SkipReason> {
    let start = File::open(path).and_then(|mut file| head(&mut file));
    sniff(&start.map_err(|error| unreadable(&error))?)
}

fn head(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.by_ref().take(HEAD).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(error: &io::Error) -> SkipReason {
    SkipReason::Unreadable(error.to_string())
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
        read_file(&path, &limits, &budget).map(|bytes| bytes.to_vec())
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
        let read = |rest: &[u8]| whole(b"ab".to_vec(), rest, 5);
        assert_eq!(read(b"cde").unwrap(), b"abcde");
        let changed = "cannot be read: its length changed while it was read";
        assert_eq!(read(b"cd").unwrap_err().to_string(), changed);
        assert_eq!(read(b"cdef").unwrap_err().to_string(), changed);
        let endless = whole(Vec::new(), io::repeat(7), 5);
        assert_eq!(endless.unwrap_err().to_string(), changed);
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
