//! Recognises the files whose features a store already has, by their stamps or else by their content, without
//! running the network.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::content::{Digest, Picture};
use super::directory::Directory;
use super::remembered::{File, Remembered};
use crate::images::{DecodeBudget, DecodeOptions, Entries, Found, Place, dimensions, read};
use crate::progress::Progress;
use crate::stamp::Stamp;
use crate::threads::on_threads;

/// Returns the number of threads that read files: four per CPU, but no more than the larger of 64 and the
/// number of CPUs. Disks and network file systems answer parallel requests faster than sequential ones.
/// Object stores have 64.
pub(crate) fn readers(cpus: usize, is_remote: bool) -> usize {
    let most = if is_remote { REMOTE } else { 4 * cpus };
    most.min(64).max(cpus).max(1)
}

/// Threads that read objects of a store: each spends nearly all of its time waiting.
pub(super) const REMOTE: usize = 64;

/// How unchanged files of an earlier run are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Recognise {
    /// By size, times and inode if the store has them, otherwise by content.
    #[default]
    ByStamp,
    /// By content only: every file is read.
    ByContent,
}

/// The images of a scan whose features are in the store. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Recognised(Arc<Images>);

#[derive(Debug, Default)]
struct Images {
    directory: Directory,
    files: Vec<File>,
    /// The number of the file of each entry of the scan, or [`NONE`].
    of_entries: Vec<u32>,
}

const NONE: u32 = u32::MAX;

/// The state that files are looked up in.
pub(super) struct Lookup<'a> {
    pub(super) remembered: Remembered,
    pub(super) directory: &'a Directory,
    pub(super) decoding: &'a DecodeOptions,
}

impl Recognised {
    /// Returns the digest and size of an image by its number in the scan, if its features are in the store.
    #[must_use]
    pub fn picture(&self, entry: usize) -> Option<Picture> {
        let number = *self.0.of_entries.get(entry)?;
        let file = self.0.files.get(number as usize)?;
        file.picture(&self.0.directory)
    }

    /// Returns whether the features of all entries are in the store, so that none need to be computed.
    #[must_use]
    pub fn covers(&self, entries: &Entries) -> bool {
        let is_known = |entry: usize| self.0.of_entries.get(entry).is_some_and(|&n| n != NONE);
        (0..entries.len()).all(|entry| is_known(entry) || entries.is_skipped(entry))
    }
}

/// Reads all entries, and recognises those whose content is in `directory`.
pub(crate) fn recognised_by_content(
    entries: &Entries,
    directory: &Directory,
    decoding: &DecodeOptions,
    threads: usize,
    progress: &dyn Progress,
) -> Recognised {
    let lookup = Lookup {
        remembered: Remembered::default(),
        directory,
        decoding,
    };
    lookup.all(entries, threads, progress)
}

impl Lookup<'_> {
    /// Looks up all entries, with readers for `threads` CPUs.
    pub(super) fn all(
        self,
        entries: &Entries,
        threads: usize,
        progress: &dyn Progress,
    ) -> Recognised {
        let next = AtomicUsize::new(0);
        let budget = DecodeBudget::default();
        // Files that were read are numbered after those that are remembered.
        let read = Mutex::new(Vec::new());
        let of_entries: Vec<AtomicU32> = (0..entries.len()).map(|_| NONE.into()).collect();
        progress.begin("files", entries.len() as u64);
        let worker = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(found) = entries.get(number) else {
                    return;
                };
                if progress.is_stopped() {
                    return;
                }
                if let Found::Sample(sample) = found
                    && let Some(file) = self.one(&sample.place, &budget, &read)
                {
                    of_entries[number].store(file, Ordering::Relaxed);
                }
                progress.advance(1);
            }
        };
        on_threads(readers(threads, entries.are_remote()), worker);
        progress.end();
        let mut files = self.remembered.into_files();
        files.extend(read.into_inner().unwrap_or_else(PoisonError::into_inner));
        Recognised(Arc::new(Images {
            directory: self.directory.clone(),
            files,
            of_entries: of_entries.into_iter().map(AtomicU32::into_inner).collect(),
        }))
    }

    /// Returns the number of a file whose image is in the store, and adds it to those that were `read` if it
    /// is not remembered.
    fn one(&self, place: &Place, budget: &DecodeBudget, read: &Mutex<Vec<File>>) -> Option<u32> {
        let (key, stamp) = (place.key(), place.stamp()?);
        let remembered = self.remembered.files();
        if let Some(number) = self.remembered.number(&key, &stamp) {
            let picture = remembered[number as usize].picture(self.directory)?;
            return self.fits(&picture, &stamp).then_some(number);
        }
        let picture = look(place, stamp, self.decoding, budget)?;
        let file = File::new(&key, picture, self.directory)?;
        if !self.fits(&picture, &stamp) {
            return None;
        }
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        read.push(file);
        u32::try_from(remembered.len() + read.len() - 1).ok()
    }

    /// Returns whether an image is within the limits.
    fn fits(&self, picture: &Picture, stamp: &Stamp) -> bool {
        let (width, height) = picture.size;
        let limits = self.decoding.limits;
        u64::from(width) * u64::from(height) <= limits.max_pixels && stamp.size <= limits.max_bytes
    }
}

fn look(
    place: &Place,
    stamp: Stamp,
    decoding: &DecodeOptions,
    budget: &DecodeBudget,
) -> Option<Picture> {
    let settled = stamp.is_settled(SystemTime::now());
    let bytes = read(place, &decoding.limits, budget).ok()?;
    Some(Picture {
        digest: Digest::of(&bytes),
        size: dimensions(&bytes, decoding).ok()?,
        stamp: settled.then_some(stamp),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::features::content::Content;
    use crate::features::stamps::{self, StampRow};
    use crate::images::{Labels, Limits, scan_folder};
    use crate::progress::Silent;

    /// A 1×1 image as a plain-text portable pixmap.
    const RED: &[u8] = b"P3 1 1 255 255 0 0";
    const BLUE: &[u8] = b"P3 1 1 255 0 0 255";

    /// Recognises the files of a folder whose images have features, with stamps of an earlier run.
    fn recognised(
        folder: &Path,
        known: &[&[u8]],
        stamps: &[(&Path, Stamp, Content)],
        decoding: &DecodeOptions,
    ) -> Vec<Option<Picture>> {
        let store = tempfile::tempdir().unwrap();
        let rows = stamps.iter().map(|(path, stamp, content)| StampRow {
            key: Place::from(path.to_path_buf()).key(),
            stamp: *stamp,
            content: *content,
        });
        assert_eq!(stamps::write(store.path(), rows), None);
        let directory: Directory = known.iter().map(|bytes| Digest::of(bytes)).collect();
        let lookup = Lookup {
            remembered: Remembered::read(store.path(), &directory),
            directory: &directory,
            decoding,
        };
        let scan = scan_folder(folder, Labels::None).unwrap();
        let found = lookup.all(&scan.entries, 2, &Silent);
        let pictures: Vec<_> = (0..scan.entries.len())
            .map(|entry| found.picture(entry))
            .collect();
        let all = pictures.iter().all(Option::is_some);
        assert_eq!(found.covers(&scan.entries), all);
        pictures
    }

    #[test]
    fn a_stamp_stands_for_the_content_unless_everything_is_to_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ppm");
        fs::write(&path, RED).unwrap();
        let stamp = Stamp::of(&fs::metadata(&path).unwrap());
        let content = |bytes, width| Content {
            digest: Digest::of(bytes),
            width,
            height: 1,
        };
        // The stored content is wrong on purpose, to distinguish it from what is read.
        let wrong = [(&*path, stamp, content(BLUE, 7))];
        let decoding = DecodeOptions::default();
        let seen = recognised(folder.path(), &[RED, BLUE], &wrong, &decoding);
        let seen = seen[0].unwrap();
        assert_eq!(
            (Content::of(&seen), seen.stamp),
            (content(BLUE, 7), Some(stamp))
        );
        let seen = recognised(folder.path(), &[RED, BLUE], &[], &decoding);
        let seen = seen[0].unwrap();
        assert_eq!(Content::of(&seen), content(RED, 1));
        assert_eq!(
            seen.stamp, None,
            "it was written just now, and may be written again"
        );
    }

    #[test]
    fn what_has_no_features_is_not_recognised() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [("a.ppm", RED), ("b.ppm", BLUE), ("c.ppm", b"no image")] {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let known: [&[u8]; 2] = [BLUE, b"no image"];
        let decoding = DecodeOptions::default();
        let found = recognised(folder.path(), &known, &[], &decoding);
        let found: Vec<bool> = found.iter().map(Option::is_some).collect();
        assert_eq!(found, [false, true, false]);
        let limits = Limits::default();
        for limits in [
            Limits {
                max_pixels: 0,
                ..limits
            },
            Limits {
                max_bytes: BLUE.len() as u64 - 1,
                ..limits
            },
        ] {
            let small = DecodeOptions { limits, ..decoding };
            let found = recognised(folder.path(), &known, &[], &small);
            assert!(found.iter().all(Option::is_none));
        }
    }
}
