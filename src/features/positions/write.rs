//! Writes the index of a store.

use std::fs;
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{CHECKSUM, MAGIC, Positions, Row, VERSION, entry, key};
use crate::error::{Error, Result};
use crate::features::manifest::StoreManifest;
use crate::features::names::{DIGESTS, with_parts};
use crate::features::part::{Layout, bytes_per_image};
use crate::outputs::Pending;

/// A store gets a new index if its index lacks more images than this, which are in memory when it is opened.
const LACKING: u64 = 1_000_000;

/// The least number of rows that are sorted at a time, which takes 10 MiB.
const AT_ONCE: u64 = 1 << 18;
/// The most times that all digests are read to sort them.
const PASSES: u64 = 16;

/// Writes the index of a store if it lacks many images, and removes one that cannot be used.
///
/// # Errors
/// [`Error::File`] for a damaged part; [`Error::Io`].
pub(in crate::features) fn refresh(store: &Path, manifest: &StoreManifest) -> Result<()> {
    refresh_beyond(LACKING, store, manifest)
}

/// As [`refresh`], if more than `lacking` images are not covered.
pub(super) fn refresh_beyond(lacking: u64, store: &Path, manifest: &StoreManifest) -> Result<()> {
    with_parts(store, |parts| {
        let found = Positions::open_with(0, store, parts, manifest);
        let is_covered = |part: usize| found.as_ref().is_some_and(|found| found.covers(part));
        let others = parts
            .iter()
            .enumerate()
            .filter(|(part, _)| !is_covered(*part));
        // The size tells the number of images well enough.
        let sizes = others.filter_map(|(_, path)| Some(fs::metadata(path).ok()?.len()));
        if sizes.sum::<u64>() / bytes_per_image(manifest) > lacking {
            return write(store, parts, manifest, AT_ONCE);
        }
        if found.is_some() {
            return Ok(());
        }
        let path = store.join(DIGESTS);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io("remove", &path)(error))
            }
            _ => Ok(()),
        }
    })
}

/// Writes the index of these parts. The digests are read as often as it takes to sort them in little memory.
///
/// # Errors
/// As [`refresh`].
pub(super) fn write(
    store: &Path,
    parts: &[PathBuf],
    manifest: &StoreManifest,
    at_once: u64,
) -> Result<()> {
    let mut entries = Vec::new();
    for part in parts {
        match entry(part, manifest)? {
            Some(entry) => entries.push(entry),
            // The next writer adds the checksum.
            None => return Ok(()),
        }
    }
    let images: u64 = entries.iter().map(|entry| u64::from(entry.2)).sum();
    let passes = images.div_ceil(at_once).min(PASSES);
    let path = store.join(DIGESTS);
    let mut file = Hashed::begin(&path, &entries).map_err(Error::io("write", &path))?;
    for pass in 0..passes {
        let mut rows = Vec::with_capacity((images / passes) as usize);
        for (part, path) in (0..).zip(parts) {
            let digests = Layout::read(path, manifest)?.digests;
            let each = (0..)
                .zip(digests)
                .map(|(image, digest)| Row(digest.0, part, image));
            let is_in =
                |row: &Row| (u128::from(key(&row.0)) * u128::from(passes)) >> 64 == pass.into();
            rows.extend(each.filter(is_in));
        }
        rows.sort_unstable();
        rows.dedup_by_key(|row| row.0);
        let mut rows = rows.into_iter();
        rows.try_for_each(|row| file.push(row))
            .map_err(Error::io("write", &path))?;
    }
    file.finish().map_err(Error::io("write", &path))
}

/// An index that is being written, and its checksum.
struct Hashed {
    pending: Pending,
    hasher: blake3::Hasher,
}

impl Hashed {
    fn begin(path: &Path, entries: &[Row]) -> io::Result<Self> {
        let mut file = Self {
            pending: Pending::begin(path)?,
            hasher: blake3::Hasher::new(),
        };
        let numbers = [VERSION, entries.len() as u32].map(u32::to_le_bytes);
        file.write(&[MAGIC, numbers.as_flattened()].concat())?;
        file.pending.out.write_all(&[0; 32])?;
        entries.iter().try_for_each(|entry| file.push(*entry))?;
        Ok(file)
    }

    fn push(&mut self, row: Row) -> io::Result<()> {
        self.write(&row.to_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.pending.out.write_all(bytes)
    }

    fn finish(mut self) -> io::Result<()> {
        self.pending.out.seek(SeekFrom::Start(CHECKSUM as u64))?;
        self.pending
            .out
            .write_all(self.hasher.finalize().as_bytes())?;
        self.pending.take_place()
    }
}
