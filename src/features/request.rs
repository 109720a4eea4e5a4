//! Images whose features are requested, by their digests, packed: about 15 bytes for each.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::iter;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::content::Digest;

/// Some images of a request, which are taken one after the other from the parts of a store.
#[derive(Debug)]
pub(super) struct Request<'a> {
    digests: &'a [Digest],
    /// The number of the first image with each digest that was not taken.
    firsts: HashTable<u32>,
    /// The number of the next image with the same digest, or [`NONE`].
    next: Vec<u32>,
    hasher: RandomState,
    /// How many images were not taken.
    left: usize,
}

const NONE: u32 = u32::MAX;

impl<'a> Request<'a> {
    pub(super) fn of(digests: &'a [Digest]) -> Self {
        let hasher = RandomState::new();
        let mut firsts = HashTable::with_capacity(digests.len());
        let mut next = vec![NONE; digests.len()];
        // From the last to the first, so that images with one digest stay in the order of the request.
        for (number, digest) in digests.iter().enumerate().rev() {
            let is_it = |other: &u32| digests[*other as usize] == *digest;
            let hash = |other: &u32| hasher.hash_one(digests[*other as usize]);
            let new = u32::try_from(number).expect("it fits into memory");
            match firsts.entry(hasher.hash_one(digest), is_it, hash) {
                Entry::Occupied(mut first) => {
                    next[number] = std::mem::replace(first.get_mut(), new);
                }
                Entry::Vacant(free) => {
                    free.insert(new);
                }
            }
        }
        Self {
            digests,
            firsts,
            left: next.len(),
            next,
            hasher,
        }
    }

    /// Returns the numbers of the images with a digest, unless they were taken already.
    pub(super) fn take(&mut self, digest: &Digest) -> impl Iterator<Item = u32> {
        let is_it = |number: &u32| self.digests[*number as usize] == *digest;
        let found = self.firsts.find_entry(self.hasher.hash_one(digest), is_it);
        let first = found.ok().map(|entry| entry.remove().0);
        let left = &mut self.left;
        let next = &self.next;
        let following = move |number: &u32| {
            let following = next[*number as usize];
            (following != NONE).then_some(following)
        };
        iter::successors(first, following).inspect(|_| *left -= 1)
    }

    /// Returns the number of images that were not taken.
    pub(super) fn left(&self) -> usize {
        self.left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_images_with_a_digest_are_taken_once() {
        let digests = [b"b", b"a", b"b", b"c"].map(|bytes| Digest::of(bytes));
        let mut request = Request::of(&digests);
        let mut take = |digest: &Digest| -> (Vec<u32>, usize) {
            let taken = request.take(digest).collect();
            (taken, request.left())
        };
        assert_eq!(take(&digests[0]), (vec![0, 2], 2));
        assert_eq!(take(&digests[2]), (vec![], 2));
        assert_eq!(take(&Digest::of(b"d")), (vec![], 2));
        assert_eq!(take(&digests[3]), (vec![3], 1));
        assert_eq!(take(&digests[1]), (vec![1], 0));
    }
}
