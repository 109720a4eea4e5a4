//! Where the features of each image are in a store: in the index of a large store, and else packed in memory,
//! about 50 bytes for each image.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashTable;

use super::content::Digest;
use super::position::Position;
use super::positions::Positions;

/// No position yet.
const NOWHERE: Position = Position::NOWHERE;

/// The images of a store. Clones share them, so that the threads of a run know which features are there.
#[derive(Clone, Default)]
pub struct Directory(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// The index of the store. Its images come first, and have the numbers of their rows.
    index: Option<Positions>,
    /// The other images.
    images: Mutex<Images>,
}

/// Images that are not in the index, numbered in the order in which they were added.
#[derive(Default)]
struct Images {
    digests: Vec<Digest>,
    positions: Vec<Position>,
    /// The numbers by digest.
    numbers: HashTable<u32>,
    hasher: RandomState,
    /// How many have a position.
    stored: usize,
}

impl Images {
    fn number(&self, digest: &Digest) -> Option<u32> {
        let is_it = |&number: &u32| self.digests[number as usize] == *digest;
        let hash = self.hasher.hash_one(digest);
        self.numbers.find(hash, is_it).copied()
    }

    /// Returns the number of an image, which is added without a position if it is new.
    fn number_or_new(&mut self, digest: &Digest) -> (u32, bool) {
        if let Some(number) = self.number(digest) {
            return (number, false);
        }
        let number = u32::try_from(self.digests.len()).expect("it fits into memory");
        self.digests.push(*digest);
        self.positions.push(NOWHERE);
        let (hash, digests, hasher) = (self.hasher.hash_one(digest), &self.digests, &self.hasher);
        self.numbers.insert_unique(hash, number, |&number| {
            hasher.hash_one(digests[number as usize])
        });
        (number, true)
    }
}

impl Directory {
    /// Creates the directory of a store with this index.
    pub(super) fn with_index(index: Option<Positions>) -> Self {
        let images = Mutex::default();
        Self(Arc::new(Inner { index, images }))
    }

    /// Returns whether the images of a part are in the index.
    pub(super) fn covers(&self, part: usize) -> bool {
        self.0
            .index
            .as_ref()
            .is_some_and(|index| index.covers(part))
    }

    fn images(&self) -> MutexGuard<'_, Images> {
        let images = self.0.images.lock();
        images.unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number and the position of an image in the index.
    fn indexed(&self, digest: &Digest) -> Option<(u32, Position)> {
        self.0.index.as_ref()?.find(digest)
    }

    /// Returns how many images the index has.
    fn n_indexed(&self) -> usize {
        self.0.index.as_ref().map_or(0, Positions::len)
    }

    /// Adds an image that is about to be computed. Returns false if it is there already, or was added so.
    pub(super) fn claim(&self, digest: &Digest) -> bool {
        self.indexed(digest).is_none() && self.images().number_or_new(digest).1
    }

    /// Adds the images of a part.
    pub(super) fn add_part(&self, part: usize, digests: &[Digest]) {
        for (image, digest) in digests.iter().enumerate() {
            self.insert(digest, Position::new(part, image));
        }
    }

    /// Adds the position of an image's features, unless it has one already.
    pub(super) fn insert(&self, digest: &Digest, position: Position) {
        if self.indexed(digest).is_some() {
            return;
        }
        let mut images = self.images();
        let number = images.number_or_new(digest).0 as usize;
        if images.positions[number] == NOWHERE {
            images.positions[number] = position;
            images.stored += 1;
        }
    }

    /// Returns the position of an image's features, if the store has them.
    pub(super) fn position(&self, digest: &Digest) -> Option<Position> {
        if let Some((_, position)) = self.indexed(digest) {
            return Some(position);
        }
        let images = self.images();
        let position = images.positions[images.number(digest)? as usize];
        (position != NOWHERE).then_some(position)
    }

    /// Returns whether the store has the features of an image.
    #[must_use]
    pub fn contains(&self, digest: &Digest) -> bool {
        self.position(digest).is_some()
    }

    /// Returns the number of an image whose features the store has.
    pub(super) fn number(&self, digest: &Digest) -> Option<u32> {
        if let Some((number, _)) = self.indexed(digest) {
            return Some(number);
        }
        let images = self.images();
        let number = images.number(digest)?;
        let is_stored = images.positions[number as usize] != NOWHERE;
        is_stored.then(|| self.n_indexed() as u32 + number)
    }

    /// Returns the digest of an image by its number, unless the index cannot be read any more.
    pub(super) fn digest(&self, number: u32) -> Option<Digest> {
        match (number as usize).checked_sub(self.n_indexed()) {
            Some(number) => self.images().digests.get(number).copied(),
            None => self.0.index.as_ref()?.digest(number),
        }
    }

    /// Returns how many images have features.
    #[must_use]
    pub fn len(&self) -> usize {
        self.n_indexed() + self.images().stored
    }

    /// Returns whether no image has features.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FromIterator<Digest> for Directory {
    /// Creates the directory of a store with one part.
    fn from_iter<T: IntoIterator<Item = Digest>>(digests: T) -> Self {
        let directory = Self::default();
        directory.add_part(0, &Vec::from_iter(digests));
        directory
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Directory({})", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_position_of_an_image_counts() {
        let directory = Directory::default();
        let digests: Vec<Digest> = (0..5000u32).map(|n| Digest::of(&n.to_le_bytes())).collect();
        for (image, digest) in digests.iter().enumerate() {
            directory.insert(digest, Position::new(image / 100, image % 100));
            directory.insert(digest, Position::new(7, 7));
        }
        for (image, digest) in digests.iter().enumerate() {
            let position = Position::new(image / 100, image % 100);
            assert_eq!(directory.position(digest), Some(position));
            let number = directory.number(digest).unwrap();
            assert_eq!(directory.digest(number), Some(*digest));
        }
        assert_eq!(directory.len(), digests.len());
    }

    #[test]
    fn a_claimed_image_has_no_features_yet() {
        let (directory, digest) = (Directory::default(), Digest::of(b"a"));
        assert!(directory.claim(&digest) && !directory.clone().claim(&digest));
        assert!(!directory.contains(&digest) && directory.is_empty());
        assert_eq!(directory.number(&digest), None);
        directory.insert(&digest, Position::new(1, 2));
        assert!(directory.contains(&digest) && !directory.claim(&digest));
        assert_eq!(directory.len(), 1);
    }
}
