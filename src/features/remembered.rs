//! The files of the last run whose features are in the store, packed for lookups: about 65 bytes a file.

use std::path::Path;

use hashbrown::HashTable;

use super::arrow_file::Failure;
use super::content::Picture;
use super::directory::Directory;
use super::stamps::{self, StampRow};
use crate::stamp::Stamp;

/// A file, and the image in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct File {
    /// The first 12 bytes of the BLAKE3 hash of its key (`Place::key`).
    key: [u32; 3],
    /// The number of the image in the store's directory.
    image: u32,
    width: u32,
    height: u32,
    stamp: Stamp,
}

/// The stamp of a file that may be written again without a new stamp.
const NO_STAMP: Stamp = Stamp {
    size: 0,
    modified: 0,
    changed: 0,
    inode: 0,
};

impl File {
    /// Describes the file with this key, unless its image is not in the store.
    pub(super) fn new(key: &str, picture: Picture, directory: &Directory) -> Option<Self> {
        Some(Self {
            key: packed(key),
            image: directory.number(&picture.digest)?,
            width: picture.size.0,
            height: picture.size.1,
            stamp: picture.stamp.unwrap_or(NO_STAMP),
        })
    }

    /// Returns the image and the stamp, unless the directory does not know the image any more.
    pub(super) fn picture(&self, directory: &Directory) -> Option<Picture> {
        Some(Picture {
            digest: directory.digest(self.image)?,
            size: (self.width, self.height),
            stamp: (self.stamp != NO_STAMP).then_some(self.stamp),
        })
    }
}

/// The files of the last run.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    files: Vec<File>,
    /// The positions of the files by key.
    numbers: HashTable<u32>,
}

impl Remembered {
    /// Reads the stamps of a store. Returns none if they cannot be read.
    pub(super) fn read(store: &Path, directory: &Directory) -> Self {
        let mut all = Self::default();
        let add = |row: Result<StampRow, Failure>| {
            let row = row?;
            let picture = row.content.picture(Some(row.stamp));
            if let Some(file) = File::new(&row.key, picture, directory) {
                all.add(file);
            }
            Ok(())
        };
        match stamps::rows(store).and_then(|mut rows| rows.try_for_each(add)) {
            Ok(()) => all,
            Err(_) => Self::default(),
        }
    }

    fn add(&mut self, file: File) {
        let number = u32::try_from(self.files.len()).expect("it fits into memory");
        self.files.push(file);
        let files = &self.files;
        let place = |number: &u32| hash(files[*number as usize].key);
        self.numbers.insert_unique(hash(file.key), number, place);
    }

    /// Returns the number of the file with this key and stamp.
    pub(super) fn number(&self, key: &str, stamp: &Stamp) -> Option<u32> {
        let key = packed(key);
        let is_it = |number: &u32| self.files[*number as usize].key == key;
        let number = *self.numbers.find(hash(key), is_it)?;
        (self.files[number as usize].stamp == *stamp).then_some(number)
    }

    /// Returns the files by number.
    pub(super) fn files(&self) -> &[File] {
        &self.files
    }

    pub(super) fn into_files(self) -> Vec<File> {
        self.files
    }
}

/// Returns the start of the BLAKE3 hash of a key.
fn packed(key: &str) -> [u32; 3] {
    let hash = blake3::hash(key.as_bytes());
    let words = hash.as_bytes().as_chunks().0;
    [0, 1, 2].map(|n| u32::from_le_bytes(words[n]))
}

/// Returns the hash of a packed key, which is a hash already.
fn hash(key: [u32; 3]) -> u64 {
    u64::from(key[0]) << 32 | u64::from(key[1])
}
