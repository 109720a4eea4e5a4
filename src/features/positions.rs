//! `digests.index`: where the features of each image are, so that a store of many millions opens without
//! memory for each of them.
//!
//! # Format
//! All numbers are little-endian.
//! - 8 bytes: `frostidx`
//! - u32: `format_version`, 1
//! - u32: P, the number of parts it covers
//! - 32 bytes: BLAKE3 of all bytes before and after these
//! - P entries of 40 bytes: the checksum in the footer of a part (32 bytes), the number in its name and its
//!   number of images (u32 each)
//! - rows of 40 bytes up to the end of the file, sorted: the digest of an image (32 bytes), the position of
//!   its part among the entries and its position in that part (u32 each)
//!
//! Each digest occurs once, with its first position. The digests of parts that were written later are read
//! from them.
//!
//! The file is optional. It is used if its own checksum is right and those of the parts are still the same,
//! so a damaged or outdated one has no effect, and the next writer replaces it. More than 64 MiB of rows are
//! read when they are needed, 64 at a time: the first digest of each such window is in memory, an eighth of a
//! byte for each image. The file is not mapped, because the system ends a process that reads beyond the end
//! of a mapped file.

mod write;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

pub(super) use write::refresh;

use super::content::Digest;
use super::manifest::StoreManifest;
use super::names::{DIGESTS, part_number};
use super::part;
use super::position::Position;
use crate::error::Result;
use crate::inputs::{self, Links};

const MAGIC: &[u8; 8] = b"frostidx";
const VERSION: u32 = 1;
/// The bytes before the entries. They end with the checksum, which starts at [`CHECKSUM`].
const HEADER: usize = 48;
const CHECKSUM: usize = 16;
/// The bytes of an entry and of a row.
const ROW: usize = 40;
/// Rows that are read at a time to find one.
const WINDOW: usize = 64;
/// The most bytes of rows that are held in memory, where they are found three times as fast.
const IN_MEMORY: u64 = 64 << 20;

/// An open index of a store.
#[derive(Debug)]
pub(super) struct Positions {
    file: File,
    /// The position of the first row in the file.
    start: u64,
    rows: u64,
    /// All rows, unless they are too many.
    in_memory: Option<Vec<u8>>,
    /// The start of the first digest of each window of rows.
    fences: Vec<u64>,
    /// The position of each entry's part in the list of the store's parts, and its number of images. The
    /// positions grow.
    parts: Vec<(usize, u32)>,
}

/// An entry or a row: the checksum of a part, its number and its number of images; or a digest, the position
/// of its part and that in the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row([u8; 32], u32, u32);

impl Row {
    fn of(bytes: &[u8; ROW]) -> Self {
        let (hash, numbers) = bytes.split_first_chunk().expect("a row is longer");
        let numbers = numbers.as_chunks().0;
        let [one, two] = [0, 1].map(|n| u32::from_le_bytes(numbers[n]));
        Self(*hash, one, two)
    }

    fn to_bytes(self) -> [u8; ROW] {
        let mut bytes = [0; ROW];
        bytes[..32].copy_from_slice(&self.0);
        bytes[32..36].copy_from_slice(&self.1.to_le_bytes());
        bytes[36..].copy_from_slice(&self.2.to_le_bytes());
        bytes
    }
}

/// Returns the entry of a part, or `None` if the part has no checksum.
fn entry(path: &Path, manifest: &StoreManifest) -> Result<Option<Row>> {
    let summary = part::summary(path, manifest)?;
    let checksum = summary.checksum.as_deref();
    let checksum = checksum.and_then(|text| blake3::Hash::from_hex(text).ok());
    let number = number_of(path).unwrap_or_default();
    Ok(checksum.map(|checksum| Row(checksum.into(), number, summary.images as u32)))
}

fn number_of(path: &Path) -> Option<u32> {
    let number = part_number(path.file_name()?.to_str()?)?;
    u32::try_from(number).ok()
}

/// The start of a digest as a number.
fn key(digest: &[u8; 32]) -> u64 {
    u64::from_be_bytes(*digest.first_chunk().expect("a digest is longer"))
}

impl Positions {
    /// Opens the index of a store with these parts, the paths in order of their numbers. Returns `None` if it
    /// is missing, damaged or outdated.
    pub(super) fn open(store: &Path, parts: &[PathBuf], manifest: &StoreManifest) -> Option<Self> {
        Self::open_with(IN_MEMORY, store, parts, manifest)
    }

    /// As [`open`](Self::open), with up to `in_memory` bytes of rows in memory.
    fn open_with(
        in_memory: u64,
        store: &Path,
        parts: &[PathBuf],
        manifest: &StoreManifest,
    ) -> Option<Self> {
        let file = inputs::open(&store.join(DIGESTS), Links::Follow).ok()?;
        let length = file.metadata().ok()?.len();
        let mut input = BufReader::with_capacity(1 << 18, &file);
        let mut header = [0; HEADER];
        input.read_exact(&mut header).ok()?;
        let (magic, numbers) = header.split_first_chunk()?;
        let [version, n] = [0, 1].map(|n| u32::from_le_bytes(numbers.as_chunks().0[n]));
        let start = HEADER as u64 + u64::from(n) * ROW as u64;
        let rows = length.checked_sub(start)?;
        if magic != MAGIC || version != VERSION || rows % ROW as u64 != 0 {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&header[..CHECKSUM]);
        let mut found = Vec::new();
        for _ in 0..n {
            let mut bytes = [0; ROW];
            input.read_exact(&mut bytes).ok()?;
            hasher.update(&bytes);
            let entry = Row::of(&bytes);
            let is_it = |path: &PathBuf| number_of(path).cmp(&Some(entry.1));
            let part = parts.binary_search_by(is_it).ok()?;
            let is_next = found.last().is_none_or(|(last, _)| *last < part);
            if !is_next || self::entry(&parts[part], manifest).ok()? != Some(entry) {
                return None;
            }
            found.push((part, entry.2));
        }
        if rows / ROW as u64 > found.iter().map(|(_, images)| u64::from(*images)).sum() {
            return None;
        }
        let mut in_memory = (rows <= in_memory).then(|| Vec::with_capacity(rows as usize));
        let rows = rows / ROW as u64;
        let mut fences = Vec::new();
        let mut window = [0; WINDOW * ROW];
        for first in (0..rows).step_by(WINDOW) {
            let n = (rows - first).min(WINDOW as u64) as usize;
            let window = &mut window[..n * ROW];
            input.read_exact(window).ok()?;
            hasher.update(window);
            if let Some(all) = &mut in_memory {
                all.extend(&*window);
            }
            fences.push(key(window.first_chunk()?));
        }
        (*hasher.finalize().as_bytes() == header[CHECKSUM..]).then_some(Self {
            file,
            start,
            rows,
            in_memory,
            fences,
            parts: found,
        })
    }

    /// Returns the number of images.
    pub(super) fn len(&self) -> usize {
        self.rows as usize
    }

    /// Returns whether it covers a part, which is a position in the list of parts.
    pub(super) fn covers(&self, part: usize) -> bool {
        let parts = self.parts.binary_search_by_key(&part, |(part, _)| *part);
        parts.is_ok()
    }

    /// Returns the digest of an image by its number.
    pub(super) fn digest(&self, number: u32) -> Option<Digest> {
        let mut row = [0; ROW];
        let rows = self.read(u64::from(number), &mut row)?;
        Some(Digest(Row::of(rows.first()?).0))
    }

    /// Returns the number and the position of an image.
    pub(super) fn find(&self, digest: &Digest) -> Option<(u32, Position)> {
        let wanted = key(&digest.0);
        let before = |first: &u64| *first < wanted;
        let mut from = self.fences.partition_point(before).saturating_sub(1);
        let mut to = self.fences.partition_point(|first| *first <= wanted);
        // More than one window is left only if digests start with the same eight bytes as the first one of
        // a window.
        while to > from + 1 {
            let middle = from.midpoint(to);
            let mut first = [0; ROW];
            let row = self.read((middle * WINDOW) as u64, &mut first)?.first()?;
            *if row[..32] > digest.0[..] {
                &mut to
            } else {
                &mut from
            } = middle;
        }
        if from == to {
            return None;
        }
        let start = (from * WINDOW) as u64;
        let n = (self.rows - start).min(WINDOW as u64) as usize;
        let mut window = [0; WINDOW * ROW];
        let rows = self.read(start, &mut window[..n * ROW])?;
        let at = rows.binary_search_by(|row| row[..32].cmp(&digest.0)).ok()?;
        self.position(start + at as u64, Row::of(&rows[at]))
    }

    fn position(&self, number: u64, row: Row) -> Option<(u32, Position)> {
        let (part, images) = *self.parts.get(row.1 as usize)?;
        let number = u32::try_from(number).ok()?;
        (row.2 < images).then(|| (number, Position::new(part, row.2 as usize)))
    }

    /// Reads rows from one on.
    fn read<'a>(&self, first: u64, to: &'a mut [u8]) -> Option<&'a [[u8; ROW]]> {
        let at = first * ROW as u64;
        match &self.in_memory {
            Some(all) => to.copy_from_slice(all.get(at as usize..)?.get(..to.len())?),
            None => inputs::read_at(&self.file, to, self.start + at).ok()?,
        }
        Some(to.as_chunks().0)
    }
}

#[cfg(test)]
mod tests;
