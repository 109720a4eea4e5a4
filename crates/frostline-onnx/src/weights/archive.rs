//! `PyTorch`'s format since 1.6: a zip archive.
//!
//! # Format
//! A folder with `data.pkl`, the saved object; `data/KEY`, the elements of each storage; `byteorder`, which
//! is `little` (also if it is missing) or `big`. Source: `_save` in `torch/serialization.py`.

use std::io::{self, Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::dtype::ByteOrder;
use super::fault::Fault;
use super::layout::Storage;
use super::names::{self, Group};
use super::pickle;

/// The maximum decompression ratio: weights barely shrink, and `PyTorch` does not compress them at all.
const MAX_UNFOLDING: u64 = 16;

/// Opens an archive of `length` bytes, and finds its tensors.
pub(super) fn open<R: Read + Seek>(
    source: R,
    length: u64,
) -> Result<(Vec<Group>, Archive<R>), Fault> {
    let mut zip = ZipArchive::new(source).map_err(|error| unopened(error, length))?;
    check_apart(&mut zip)?;
    let folder = folder(&zip)?;
    let mut archive = Archive {
        zip,
        folder,
        length,
        budget: length.saturating_mul(MAX_UNFOLDING),
        order: ByteOrder::Little,
    };
    let saved = pickle::load(archive.file("data.pkl", None)?.as_slice())?;
    archive.order = archive.byte_order()?;
    Ok((names::groups(&saved)?, archive))
}

fn unopened(error: ZipError, length: u64) -> Fault {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => Fault::Io(error),
        // The central directory of a zip archive is at its end.
        _ => Fault::Cut(format!(
            "it ends after {length} bytes, without the central directory of a zip archive"
        )),
    }
}

/// Checks that no two entries share bytes, so that a small archive cannot expand to a large one.
fn check_apart<R: Read + Seek>(zip: &mut ZipArchive<R>) -> Result<(), Fault> {
    let mut ranges = Vec::with_capacity(zip.len());
    for number in 0..zip.len() {
        let entry = zip
            .by_index_raw(number)
            .map_err(|error| Fault::damaged(format!("an entry in it cannot be found: {error}")))?;
        let start = entry.data_start().unwrap_or(entry.header_start());
        let end = start.saturating_add(entry.compressed_size());
        ranges.push((entry.header_start(), end));
    }
    ranges.sort_unstable();
    if ranges.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        return Err(Fault::refused("two entries in it share bytes"));
    }
    Ok(())
}

/// Returns the folder that contains everything, with its slash.
fn folder<R: Read + Seek>(zip: &ZipArchive<R>) -> Result<String, Fault> {
    let names = || zip.file_names().filter_map(Result::ok);
    let Some(folder) = names().find_map(|name| name.strip_suffix("data.pkl").map(str::to_owned))
    else {
        let first = names().next().unwrap_or_default().into_owned();
        return Err(Fault::foreign(format!(
            "it is a zip archive without `data.pkl`; its first entry is `{first:.80}`"
        )));
    };
    if names().any(|name| name.strip_prefix(&folder) == Some("constants.pkl")) {
        return Err(Fault::refused(
            "it is a TorchScript program; only tensors are read",
        ));
    }
    Ok(folder)
}

/// An open archive.
pub(super) struct Archive<R> {
    zip: ZipArchive<R>,
    folder: String,
    /// The size of the archive in bytes.
    length: u64,
    /// The number of bytes that may still be extracted.
    budget: u64,
    pub(super) order: ByteOrder,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the bytes of a storage.
    pub(super) fn storage(&mut self, storage: &Storage) -> Result<Vec<u8>, Fault> {
        self.file(&format!("data/{}", storage.key), Some(storage.size as u64))
    }

    /// Reads an entry; it must have `expected` bytes, if given.
    fn file(&mut self, name: &str, expected: Option<u64>) -> Result<Vec<u8>, Fault> {
        let damaged = |why: String| Fault::damaged(format!("its entry `{name}` {why}"));
        let path = format!("{}{name}", self.folder);
        let entry = self
            .zip
            .by_name(&path)
            .map_err(|error| damaged(format!("cannot be read: {error}")))?;
        let size = entry.size();
        if let Some(expected) = expected.filter(|expected| *expected != size) {
            return Err(damaged(format!(
                "has {size} bytes, but its tensors need {expected}"
            )));
        }
        self.budget = self.budget.checked_sub(size).ok_or_else(|| {
            Fault::refused(format!(
                "it decompresses to more than {MAX_UNFOLDING} times its size"
            ))
        })?;
        let mut bytes = Vec::with_capacity(size.min(self.length) as usize);
        // Read one byte beyond the size: the checksum is only verified once the end is reached.
        entry
            .take(size.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(format!("cannot be read: {error}")))?;
        if bytes.len() as u64 == size {
            Ok(bytes)
        } else {
            Err(damaged("ends too early".to_owned()))
        }
    }

    fn byte_order(&mut self) -> Result<ByteOrder, Fault> {
        if self
            .zip
            .index_for_name(&format!("{}byteorder", self.folder))
            .is_none()
        {
            return Ok(ByteOrder::Little);
        }
        match self.file("byteorder", None)?.as_slice() {
            b"little" => Ok(ByteOrder::Little),
            b"big" => Ok(ByteOrder::Big),
            _ => Err(Fault::damaged(
                "its entry `byteorder` is neither `little` nor `big`",
            )),
        }
    }
}
