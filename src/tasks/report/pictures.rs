//! Thumbnails: where the files are, and how much room there is for them on the page.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::ReportOptions;
use super::nearest::Near;
use super::photos::Shown;
use crate::features::{Digest, is_store};
use crate::images::path_text::{from_text, to_text};
use crate::images::{DecodeBudget, DecodeOptions, decode_within, read_file, thumbnail};
use crate::progress::Progress;
use crate::report::{PICTURE_ROOM, Picture, Thumbnail};

/// Files that are decoded before it is looked whether there is still room.
const AT_ONCE: usize = 256;

/// The file of a sample, and the digest of what it held when its features were computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Original {
    path: PathBuf,
    digest: Digest,
}

/// Where the judged images lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Roots<'a> {
    /// A folder of images that was judged: its samples are named by the path to open.
    folder: Option<&'a Path>,
    /// What the names of a store's samples are relative to.
    pub(super) images: Option<&'a Path>,
}

impl<'a> Roots<'a> {
    pub(super) fn of(options: &'a ReportOptions) -> Self {
        let data = options.judge.data.as_path();
        if is_store(data) {
            return Self {
                folder: None,
                images: options.images.as_deref(),
            };
        }
        Self {
            folder: Some(data),
            images: Some(data),
        }
    }

    /// The name of a sample for people: relative to the folder.
    pub(super) fn name<'p>(&self, path: &'p str) -> &'p str {
        let folder = self.folder.map(to_text);
        let below = folder.and_then(|folder| {
            path.strip_prefix(folder.trim_end_matches('/'))?
                .strip_prefix('/')
        });
        below.unwrap_or(path)
    }

    /// The file of a sample, where that is known.
    pub(super) fn file(&self, path: &str, digest: Digest) -> Option<Original> {
        match self.folder {
            Some(_) => Some(Original {
                path: from_text(path),
                digest,
            }),
            None => file_below(self.images?, path, digest),
        }
    }
}

/// The file of a store's sample. An index is data from elsewhere: what leads out of the folder is not followed.
pub(super) fn file_below(root: &Path, name: &str, digest: Digest) -> Option<Original> {
    let name = from_text(name);
    let inside = name
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    inside.then(|| Original {
        path: root.join(name),
        digest,
    })
}

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
    fn an_index_leads_nowhere_else() {
        let below = |name| {
            let file = file_below(Path::new("/images"), name, Digest([0; 32]));
            file.map(|file| file.path)
        };
        assert_eq!(below("cat/1.jpg"), Some("/images/cat/1.jpg".into()));
        assert_eq!(below("../secret.png"), None);
        assert_eq!(below("/etc/secret.png"), None);
    }

    #[test]
    fn a_folder_is_cut_off_the_names_of_its_samples() {
        let roots = Roots {
            folder: Some(Path::new("data/val/")),
            images: None,
        };
        assert_eq!(roots.name("data/val/cat/1.jpg"), "cat/1.jpg");
        assert_eq!(roots.name("data/value/1.jpg"), "data/value/1.jpg");
    }

    #[test]
    fn a_full_page_takes_no_more() {
        let mut pictures = Pictures::new(1, DecodeOptions::default(), 1);
        pictures.room = 10;
        assert!(pictures.keep(vec![0; 8]).is_some());
        assert!(pictures.keep(vec![0; 3]).is_none());
        assert!(pictures.keep(vec![0; 1]).is_none());
    }
}
