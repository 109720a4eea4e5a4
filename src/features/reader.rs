//! Reads the features of single images in any order, from stores that are larger than memory.
//!
//! A part is read and checked completely when one of its images is first requested. A small one is kept in
//! memory while there is room. Later, and from large parts, images are read as ranges of the file.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};

use super::content::Digest;
use super::directory::Directory;
use super::manifest::StoreManifest;
use super::part::{KEPT_OPEN, Layout, Numbers, Part};
use crate::error::Result;

/// Bytes of features to keep in memory.
const ROOM: usize = 64 << 20;

/// Reads the features of single images of a store.
#[derive(Debug)]
pub struct FeatureReader {
    manifest: StoreManifest,
    directory: Directory,
    parts: Vec<PathBuf>,
    /// The parts that were read and checked, by number.
    checked: HashMap<usize, Layout>,
    /// Parts in memory, the most recently used at the end.
    kept: VecDeque<Kept>,
    room: usize,
}

/// The features of a part.
#[derive(Debug)]
struct Kept {
    part: usize,
    features: Vec<f32>,
}

impl FeatureReader {
    /// Creates a reader of the store that `manifest` describes, without parts.
    pub(super) fn new(manifest: StoreManifest, directory: Directory) -> Self {
        Self {
            manifest,
            directory,
            parts: Vec::new(),
            checked: HashMap::new(),
            kept: VecDeque::new(),
            room: ROOM,
        }
    }

    /// Adds the parts in `paths` that were written since the last call; these come last.
    pub(super) fn catch_up(&mut self, paths: &[PathBuf]) {
        self.parts.extend_from_slice(&paths[self.parts.len()..]);
    }

    /// Reads the features of all views of an image. Returns `None` if no part has them.
    ///
    /// # Errors
    /// [`Error::File`](crate::error::Error::File) for a part that is damaged or was replaced.
    pub(super) fn image(&mut self, digest: &Digest) -> Result<Option<Vec<f32>>> {
        let position = self.directory.position(digest);
        let Some((part, image)) = position.map(|found| (found.part(), found.image())) else {
            return Ok(None);
        };
        if let Some(place) = self.kept.iter().position(|kept| kept.part == part) {
            let kept = self.kept.remove(place).expect("it was found there");
            let features = self.row(&kept.features, image);
            self.kept.push_back(kept);
            return Ok(Some(features));
        }
        if let Some(layout) = self.checked.get(&part) {
            let mut numbers = Numbers::new(self.manifest.dtype);
            numbers.extend(&layout.read_images(image..image + 1)?);
            return Ok(Some(numbers.widened()));
        }
        let read = Part::read(&self.parts[part], &self.manifest)?;
        if read.layout.digests.get(image) != Some(digest) {
            return Err(read.layout.changed());
        }
        let keep_open = self.checked.len() < KEPT_OPEN;
        if !read.is_in_memory() {
            self.checked.insert(part, read.into_layout(keep_open));
            return self.image(digest);
        }
        let features = read.features(&self.manifest)?;
        self.checked.insert(part, read.into_layout(keep_open));
        let row = self.row(&features, image);
        self.keep(Kept { part, features });
        Ok(Some(row))
    }

    /// Returns the part that has an image.
    pub(super) fn part_of(&self, digest: &Digest) -> Option<&Path> {
        let position = self.directory.position(digest)?;
        self.parts.get(position.part()).map(PathBuf::as_path)
    }

    fn row(&self, features: &[f32], image: usize) -> Vec<f32> {
        let spec = &self.manifest.spec;
        let width = spec.views.len() * spec.backbone.num_features;
        features[image * width..][..width].to_vec()
    }

    /// Keeps a part in memory, and drops the least recently used parts to make room.
    fn keep(&mut self, new: Kept) {
        let bytes = |kept: &Kept| size_of_val(&kept.features[..]);
        let mut used: usize = self.kept.iter().map(bytes).sum::<usize>() + bytes(&new);
        while used > self.room {
            let Some(oldest) = self.kept.pop_front() else {
                return;
            };
            used -= bytes(&oldest);
        }
        self.kept.push_back(new);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::backbones::{BackboneId, Decoding, Engine, FeatureSpec, Pool, Precision};
    use crate::features::names::part_paths;
    use crate::features::{Dtype, Existing, StoreWriter};
    use crate::images::{Preprocessing, View};

    const IMAGES: u32 = 100_000;
    const WIDTH: usize = 32;
    const PARTS: u32 = 7;

    fn manifest() -> StoreManifest {
        let backbone = BackboneId {
            name: "none".to_owned(),
            sha256: "0".repeat(64),
            layer: "none".to_owned(),
            pool: Pool::Flatten,
            map: None,
            prefix_tokens: 0,
            num_features: WIDTH,
            file: None,
            bundle: None,
        };
        let spec = FeatureSpec {
            backbone,
            preprocessing: Preprocessing::default(),
            decoding: Decoding::default(),
            views: vec![View::Center],
        };
        let engine = Engine::new("none", "cpu", Precision::Fp32);
        StoreManifest::new(spec, Dtype::F32, engine)
    }

    fn digest(image: u32) -> Digest {
        Digest::of(&image.to_le_bytes())
    }

    fn features(image: u32) -> Vec<f32> {
        (0..WIDTH).map(|i| image as f32 + i as f32 / 64.0).collect()
    }

    /// Returns the bytes that this thread has read from files, or `None` if the system does not count them.
    fn bytes_read() -> Option<u64> {
        let counts = fs::read_to_string("/proc/thread-self/io").ok()?;
        let count = counts.lines().find_map(|line| line.strip_prefix("rchar: "));
        count.unwrap().parse().ok()
    }

    /// Reads images in random order, with room for all parts, for two parts, and for none. To find the
    /// images, the digests (a fifth of a part) are read twice more, and the views (a sixteenth) once.
    #[test]
    fn a_part_is_read_twice_at_most_in_any_order() {
        let folder = tempfile::tempdir().unwrap();
        let open = || StoreWriter::open(folder.path(), manifest(), Existing::Extend).unwrap();
        let mut writer = open();
        for image in 0..IMAGES {
            writer.push(digest(image), &features(image)).unwrap();
            if image % (IMAGES / PARTS) == 0 {
                writer.flush().unwrap();
            }
        }
        writer.finish().unwrap();
        let parts = part_paths(folder.path()).unwrap();
        assert!(parts.len() > PARTS as usize, "{}", parts.len());
        let size: u64 = parts
            .iter()
            .map(|part| fs::metadata(part).unwrap().len())
            .sum();
        let a_part = WIDTH * 4 * (IMAGES / PARTS) as usize;
        for (room, times) in [(ROOM, 1.5), (a_part * 5 / 2, 2.2), (0, 2.2)] {
            let before = bytes_read();
            let writer = open();
            let mut reader = FeatureReader {
                room,
                ..writer.reader()
            };
            // Multiplying by 48,271 modulo the prime 100,003 shuffles the numbers below it.
            let order = (0..100_003u64).map(|i| (i * 48_271 % 100_003) as u32);
            for image in order.filter(|&image| image < IMAGES) {
                let read = writer.features(&digest(image), &mut reader).unwrap();
                assert_eq!(read, features(image));
            }
            let (Some(before), Some(after)) = (before, bytes_read()) else {
                eprintln!("not tested: the system does not count what is read");
                continue;
            };
            let read = (after - before) as f64 / size as f64;
            assert!(
                read <= times,
                "room {room}: each byte was read {read} times"
            );
        }
    }
}
