//! Thumbnails, as long as there is room for them on the page.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::nearest::Near;
use super::options::Original;
use super::photos::Shown;
use crate::features::Digest;
use crate::images::{DecodeBudget, DecodeOptions, decode_within, read_file, thumbnail};
use crate::progress::Progress;
use crate::report::{PICTURE_ROOM, Picture, Thumbnail};

/// Files that are decoded before it is looked whether there is still room.
const AT_ONCE: usize = 256;

/// Makes thumbnails as long as there is room.
pub(super) struct Pictures {
    room: usize,
    edge: u32,
    quality: u8,
    decoding: DecodeOptions,
    threads: usize,
}

impl Pictures {
    /// For about `n` pictures: the more there are, the smaller they are.
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

    /// Gives the mistakes their pictures, and the training images near them.
    pub(super) fn show_mistakes(
        &mut self,
        shown: &mut [Shown],
        near: Vec<Near>,
        progress: &dyn Progress,
    ) -> Vec<Picture> {
        let wrong = mistakes(shown);
        self.photograph(&mut shown[..wrong], progress);
        let files: Vec<_> = near.iter().map(|near| near.file.as_ref()).collect();
        let thumbnails = self.thumbnails(&files, progress);
        let with = |(near, thumbnail): (Near, _)| Picture {
            thumbnail,
            ..near.picture
        };
        near.into_iter().zip(thumbnails).map(with).collect()
    }

    /// Gives what was predicted rightly its pictures.
    pub(super) fn show_right(&mut self, shown: &mut [Shown], progress: &dyn Progress) {
        let wrong = mistakes(shown);
        self.photograph(&mut shown[wrong..], progress);
    }

    /// The pictures of other files.
    pub(super) fn of_files(
        &mut self,
        files: &[Option<Original>],
        progress: &dyn Progress,
    ) -> Vec<Option<Thumbnail>> {
        let files: Vec<_> = files.iter().map(Option::as_ref).collect();
        self.thumbnails(&files, progress)
    }

    fn photograph(&mut self, shown: &mut [Shown], progress: &dyn Progress) {
        let files: Vec<_> = shown.iter().map(|shown| shown.file.as_ref()).collect();
        let thumbnails = self.thumbnails(&files, progress);
        for (shown, thumbnail) in shown.iter_mut().zip(thumbnails) {
            shown.photo.thumbnail = thumbnail;
        }
    }

    /// A thumbnail for each file, in order, until the room is full.
    fn thumbnails(
        &mut self,
        files: &[Option<&Original>],
        progress: &dyn Progress,
    ) -> Vec<Option<Thumbnail>> {
        let mut done = Vec::with_capacity(files.len());
        for chunk in files.chunks(AT_ONCE) {
            if self.room == 0 {
                done.extend(chunk.iter().map(|_| None));
            } else {
                done.extend(self.decode(chunk).into_iter().map(|jpeg| self.keep(jpeg?)));
            }
            progress.advance(chunk.len() as u64);
        }
        done
    }

    /// Once one finds no room, none after it does: the order is that of importance.
    fn keep(&mut self, jpeg: Vec<u8>) -> Option<Thumbnail> {
        let rest = self.room.checked_sub(jpeg.len());
        self.room = rest.unwrap_or(0);
        rest.map(|_| Thumbnail(jpeg))
    }

    /// JPEG of each file that can be read, in order, on all threads.
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
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.threads).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                for (i, jpeg) in worker.join().expect("decoding does not panic") {
                    done[i] = jpeg;
                }
            }
        });
        done
    }

    /// Returns the thumbnail of a file; none if it cannot be read or its bytes have changed: a report is
    /// written without the picture.
    fn small(&self, file: &Original, budget: &DecodeBudget) -> Option<Vec<u8>> {
        let bytes = read_file(&file.path, &self.decoding.limits, budget).ok()?;
        if Digest::of(&bytes) != file.digest {
            return None;
        }
        let image = decode_within(&bytes, &self.decoding, budget).ok()?;
        Some(thumbnail(&image, self.edge, self.quality))
    }
}

/// How many mistakes there are; they come first.
fn mistakes(shown: &[Shown]) -> usize {
    let wrong = |shown: &&Shown| !shown.photo.is_right();
    shown.iter().take_while(wrong).count()
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
