//! Recognises the files whose features a store already has, by their stamps or else by their content, without
//! running the network.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use super::content::{Digest, Picture};
use super::stamps::Stamps;
use crate::images::{DecodeBudget, DecodeOptions, Found, Place, Sample, dimensions, read};
use crate::progress::Progress;
use crate::stamp::Stamp;
use crate::threads::on_threads;

/// Returns the number of threads that read files: four per CPU, but no more than the larger of 64 and the
/// number of CPUs. Disks and network file systems answer parallel requests faster than sequential ones.
/// Object stores have 64.
pub(super) fn readers(cpus: usize, is_remote: bool) -> usize {
    let most = if is_remote { REMOTE } else { 4 * cpus };
    most.min(64).max(cpus).max(1)
}

/// Threads that read objects of a store: each spends nearly all of its time waiting.
const REMOTE: usize = 64;

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

/// The content of the files whose features are in the store.
#[derive(Debug, Default)]
pub struct Recognised(HashMap<Place, Picture>);

/// The state that files are looked up in.
pub(super) struct Lookup<'a> {
    pub(super) stamps: Stamps,
    pub(super) known: &'a HashSet<Digest>,
    pub(super) decoding: &'a DecodeOptions,
    pub(super) how: Recognise,
}

impl Recognised {
    /// Returns the digest and size of the image in a file, if its features are in the store.
    #[must_use]
    pub fn picture(&self, place: &Place) -> Option<Picture> {
        self.0.get(place).copied()
    }

    /// Returns whether the features of all entries are in the store, so that none need to be computed.
    #[must_use]
    pub fn covers(&self, entries: &[Found]) -> bool {
        entries.iter().all(|found| match found {
            Found::Sample(sample) => self.0.contains_key(&sample.place),
            Found::Skipped { .. } => true,
            Found::Given { .. } => false,
        })
    }
}

impl Lookup<'_> {
    /// Looks up all entries, with readers for `threads` CPUs.
    pub(super) fn all(
        &self,
        entries: &[Found],
        threads: usize,
        progress: &dyn Progress,
    ) -> Recognised {
        let samples: Vec<&Sample> = entries
            .iter()
            .filter(|f| f.reason().is_none())
            .map(Found::sample)
            .collect();
        let is_remote = samples.iter().any(|sample| sample.place.is_remote());
        let next = AtomicUsize::new(0);
        let budget = DecodeBudget::default();
        progress.begin("files", samples.len() as u64);
        let worker = || {
            let mut found = Vec::new();
            while let Some(sample) = samples.get(next.fetch_add(1, Ordering::Relaxed)) {
                if progress.is_stopped() {
                    break;
                }
                found.extend(
                    self.one(&sample.place, &budget)
                        .map(|seen| (sample.place.clone(), seen)),
                );
                progress.advance(1);
            }
            found
        };
        let all = on_threads(readers(threads, is_remote), worker);
        progress.end();
        Recognised(all.into_iter().flatten().collect())
    }

    fn one(&self, place: &Place, budget: &DecodeBudget) -> Option<Picture> {
        let stamp = place.stamp()?;
        let remembered = match self.how {
            Recognise::ByStamp => self.stamps.content(&place.key(), &stamp),
            Recognise::ByContent => None,
        };
        let seen = match remembered {
            Some(content) => content.picture(Some(stamp)),
            None => look(place, stamp, self.decoding, budget)?,
        };
        let (width, height) = seen.size;
        let limits = self.decoding.limits;
        let fits = u64::from(width) * u64::from(height) <= limits.max_pixels
            && stamp.size <= limits.max_bytes;
        (fits && self.known.contains(&seen.digest)).then_some(seen)
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
    use crate::images::{Labels, Limits, scan_folder};
    use crate::progress::Silent;

    /// A 1×1 image as a plain-text portable pixmap.
    const RED: &[u8] = b"P3 1 1 255 255 0 0";
    const BLUE: &[u8] = b"P3 1 1 255 0 0 255";

    fn recognised(lookup: &Lookup, folder: &Path) -> Recognised {
        let scan = scan_folder(folder, Labels::None).unwrap();
        lookup.all(&scan.entries, 2, &Silent)
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
        let mut stamps = Stamps::default();
        // The stored content is wrong on purpose, to distinguish it from what is read.
        stamps.insert(Place::from(path.clone()).key(), stamp, content(BLUE, 7));
        let known = HashSet::from([Digest::of(RED), Digest::of(BLUE)]);
        let decoding = DecodeOptions::default();
        let mut lookup = Lookup {
            stamps,
            known: &known,
            decoding: &decoding,
            how: Recognise::ByStamp,
        };
        let seen = recognised(&lookup, folder.path())
            .picture(&path.clone().into())
            .unwrap();
        assert_eq!(
            (Content::of(&seen), seen.stamp),
            (content(BLUE, 7), Some(stamp))
        );
        lookup.how = Recognise::ByContent;
        let seen = recognised(&lookup, folder.path())
            .picture(&path.clone().into())
            .unwrap();
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
        let known = HashSet::from([Digest::of(BLUE), Digest::of(b"no image")]);
        let decoding = DecodeOptions::default();
        let lookup = Lookup {
            stamps: Stamps::default(),
            known: &known,
            decoding: &decoding,
            how: Recognise::ByStamp,
        };
        let found = recognised(&lookup, folder.path());
        let names = ["a.ppm", "b.ppm", "c.ppm"]
            .map(|name| found.picture(&folder.path().join(name).into()).is_some());
        assert_eq!(names, [false, true, false]);
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
            let lookup = Lookup {
                stamps: Stamps::default(),
                decoding: &small,
                ..lookup
            };
            let found = recognised(&lookup, folder.path());
            assert!(found.picture(&folder.path().join("b.ppm").into()).is_none());
        }
    }
}
