//! Thumbnails, up to the page's size limit.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::options::Original;
use crate::features::Digest;
use crate::images::{DecodeBudget, DecodeOptions, decode_within, read_file, thumbnail};
use crate::progress::Progress;
use crate::report::{PICTURE_ROOM, Thumbnail};
use crate::threads::on_threads;

/// Files that are decoded between two checks of the size limit.
const AT_ONCE: usize = 256;

/// The file of a thumbnail, if it is known, and the place to store the thumbnail in.
pub(super) type Place<'a> = (Option<&'a Original>, &'a mut Option<Thumbnail>);

/// Makes thumbnails until the size limit is reached.
pub(super) struct Pictures {
    room: usize,
    edge: u32,
    quality: u8,
    decoding: DecodeOptions,
    threads: usize,
}

impl Pictures {
    /// Creates it for about `n` thumbnails: the more there are, the smaller they are.
    pub(super) fn new(n: usize, decoding: DecodeOptions, threads: usize) -> Self {
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

    /// Fills the places with thumbnails of their files, in order, until the size limit is reached.
    pub(super) fn show(&mut self, mut places: Vec<Place<'_>>, progress: &dyn Progress) {
        progress.begin("thumbnails", places.len() as u64);
        for chunk in places.chunks_mut(AT_ONCE) {
            if self.room > 0 {
                let files: Vec<_> = chunk.iter().map(|(file, _)| *file).collect();
                for ((_, place), jpeg) in chunk.iter_mut().zip(self.decode(&files)) {
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

    /// Returns a JPEG thumbnail of each readable file, in order, computed on all threads.
    fn decode(&self, files: &[Option<&Original>]) -> Vec<Option<Vec<u8>>> {
        let budget = DecodeBudget::default();
        let next = AtomicUsize::new(0);
        let work = || {
            let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
            let mine = numbers.take_while(|&i| i < files.len());
            mine.map(|i| (i, files[i].and_then(|file| self.small(file, &budget))))
                .collect::<Vec<_>>()
        };
        let mut done = vec![None; files.len()];
        for (i, jpeg) in on_threads(self.threads, work).into_iter().flatten() {
            done[i] = jpeg;
        }
        done
    }

    /// Returns the thumbnail of a file; `None` if it cannot be read or its bytes have changed. The report is
    /// then written without it.
    fn small(&self, file: &Original, budget: &DecodeBudget) -> Option<Vec<u8>> {
        let bytes = read_file(&file.path, &self.decoding.limits, budget).ok()?;
        if Digest::of(&bytes) != file.digest {
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
