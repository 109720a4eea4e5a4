//! Images whose features are requested, by their digests, packed: four bytes for each.

use super::content::Digest;

/// Some images of a request, which are taken one after the other from the parts of a store.
#[derive(Debug)]
pub(super) struct Request<'a> {
    digests: &'a [Digest],
    /// The numbers of the images, sorted by digest.
    order: Vec<u32>,
    /// Whether the image at a position of `order` was taken.
    taken: Vec<bool>,
    /// How many were not.
    left: usize,
}

impl<'a> Request<'a> {
    pub(super) fn of(digests: &'a [Digest]) -> Self {
        let mut order: Vec<u32> = (0..).take(digests.len()).collect();
        // Equal digests stay in the order of the request.
        order.sort_unstable_by_key(|&number| (digests[number as usize], number));
        Self {
            digests,
            taken: vec![false; order.len()],
            left: order.len(),
            order,
        }
    }

    /// Returns the numbers of the images with a digest, unless they were taken already.
    pub(super) fn take(&mut self, digest: &Digest) -> &[u32] {
        let digest_of = |number: &u32| self.digests[*number as usize];
        let start = self
            .order
            .partition_point(|number| digest_of(number) < *digest);
        let length = self.order[start..].partition_point(|number| digest_of(number) == *digest);
        if length == 0 || std::mem::replace(&mut self.taken[start], true) {
            return &[];
        }
        self.left -= length;
        &self.order[start..start + length]
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
        assert_eq!(request.take(&digests[0]), [0, 2]);
        assert!(request.take(&digests[2]).is_empty());
        assert_eq!(request.left(), 2);
        assert!(request.take(&Digest::of(b"d")).is_empty());
        assert_eq!(request.take(&digests[3]), [3]);
        assert_eq!(request.take(&digests[1]), [1]);
        assert_eq!(request.left(), 0);
    }
}
