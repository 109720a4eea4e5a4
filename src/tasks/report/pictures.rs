//! Thumbnails, up to the page's size limit.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::originals::Original;
use crate::features::{Digest, readers};
use crate::images::{DecodeBudget, DecodeOptions, decode_within, read, thumbnail};
use crate::progress::Progress;
use crate::report::{PICTURE_ROOM, Thumbnail};
use crate::threads::on_threads;

/// Images that are decoded between two checks of the size limit.
const AT_ONCE: usize = 256;
/// The same where images can only be read in order, since each time a file may be read from its start.
const IN_ORDER: usize = 4096;

/// The image of a thumbnail, if it is known, and the place to store the thumbnail in.
pub(in crate::tasks) type Place<'a> = (Option<&'a Original>, &'a mut Option<Thumbnail>);

/// Makes thumbnails until the size limit is reached.
pub(in crate::tasks) struct Pictures {
    room: usize,
    edge: u32,
    quality: u8,
    decoding: DecodeOptions,
    threads: usize,
}

impl Pictures {
    /// Creates it for about `n` thumbnails: the more there are, the smaller they are.
    pub(in crate::tasks) fn new(n: usize, decoding: DecodeOptions, threads: usize) -> Self {
        let (edge, quality) = match n {
            0..=2000 => (128, 75),
            2001..=7000 => (96, 70),
            _ => (72, 60),
        };
        Self {
            room: PICTURE_ROOM,
            edge,
            quality,
            decoding,
            threads: threads.max(1),
        }
    }

    /// Fills the places with thumbnails of their images, in order, until the size limit is reached.
    pub(in crate::tasks) fn show(&mut self, mut places: Vec<Place<'_>>, progress: &dyn Progress) {
        progress.begin("thumbnails", places.len() as u64);
        let mut originals = places.iter().filter_map(|(original, _)| *original);
        let at_once = if originals.any(|original| original.place.is_in_series()) {
            IN_ORDER
        } else {
            AT_ONCE
        };
        for chunk in places.chunks_mut(at_once) {
            if self.room > 0 {
                let originals: Vec<_> = chunk.iter().map(|(original, _)| *original).collect();
                for ((_, place), jpeg) in chunk.iter_mut().zip(self.decode(&originals)) {
                    **place = jpeg.and_then(|jpeg| self.keep(jpeg));
                }
            }
            progress.advance(chunk.len() as u64);
        }
        progress.end();
    }

    /// Keeps a thumbnail if it fits. After the first that does not fit, none is kept, because the most
    /// important ones come first.
    fn keep(&mut self, jpeg: Vec<u8>) -> Option<Thumbnail> {
        let rest = self.room.checked_sub(jpeg.len());
        self.room = rest.unwrap_or(0);
        rest.map(|_| Thumbnail(jpeg))
    }

    /// Returns a JPEG thumbnail of each readable image, computed on all threads. Images are read in the order
    /// of their list.
    fn decode(&self, originals: &[Option<&Original>]) -> Vec<Option<Vec<u8>>> {
        let known = originals.iter().enumerate();
        let mut known: Vec<_> = known.filter_map(|(i, one)| Some((i, (*one)?))).collect();
        known.sort_by_key(|(_, original)| original.number);
        let is_remote = known.iter().any(|(_, original)| original.place.is_remote());
        let threads = if is_remote {
            readers(self.threads, true)
        } else {
            self.threads
        };
        let budget = DecodeBudget::default();
        let next = AtomicUsize::new(0);
        let work = || {
            let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
            let mine = numbers.map_while(|number| known.get(number));
            mine.map(|(i, original)| (*i, self.small(original, &budget)))
                .collect::<Vec<_>>()
        };
        let mut done = vec![None; originals.len()];
        for (i, jpeg) in on_threads(threads, work).into_iter().flatten() {
            done[i] = jpeg;
        }
        done
    }

    /// Returns the thumbnail of an image; `None` if it cannot be read or its bytes have changed. The report
    /// is then written without it.
    fn small(&self, original: &Original, budget: &DecodeBudget) -> Option<Vec<u8>> {
        let bytes = read(&original.place, &self.decoding.limits, budget).ok()?;
        if Digest::of(&bytes) != original.digest {
            return None;
        }
        let image = decode_within(&bytes, &self.decoding, budget).ok()?;
        Some(thumbnail(&image, self.edge, self.quality))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_page_takes_no_more() {
        let mut pictures = Pictures::new(1, DecodeOptions::default(), 1);
        pictures.room = 10;
        assert!(pictures.keep(vec![0; 8]).is_some());
        assert!(pictures.keep(vec![0; 3]).is_none());
        assert!(pictures.keep(vec![0; 1]).is_none());
    }
}
