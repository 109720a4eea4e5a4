//! A set of images, each identified by the digest of its bytes.

/// The largest set that stores whole digests; a larger one stores the first 8 bytes of each.
///
/// The probability that two different images among a million share these 8 bytes is below 1e-7.
pub(crate) const WHOLE_DIGESTS: usize = 100_000;

/// Bytes of a digest (BLAKE3).
const WHOLE: usize = 32;
/// Bytes of a digest that a large set stores.
const FINGERPRINT: usize = 8;

/// A set of images by their digests, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSet {
    /// Bytes of each row, [`WHOLE`] or [`FINGERPRINT`].
    width: usize,
    rows: Vec<u8>,
}

impl Default for ImageSet {
    /// Returns an empty set.
    fn default() -> Self {
        Self {
            width: WHOLE,
            rows: Vec::new(),
        }
    }
}

impl ImageSet {
    /// Creates the set of the images with these digests.
    #[must_use]
    pub fn of(digests: &[[u8; WHOLE]]) -> Self {
        let mut digests = digests.to_vec();
        digests.sort_unstable();
        digests.dedup();
        Self::of_sorted(&digests, WHOLE_DIGESTS)
    }

    fn of_sorted(digests: &[[u8; WHOLE]], most_whole: usize) -> Self {
        let width = if digests.len() > most_whole {
            FINGERPRINT
        } else {
            WHOLE
        };
        let mut rows: Vec<&[u8]> = digests.iter().map(|digest| &digest[..width]).collect();
        rows.dedup();
        Self {
            width,
            rows: rows.concat(),
        }
    }

    /// Creates a set from rows of `width` bytes, as written to a file, or returns what is wrong with them.
    pub(super) fn from_rows(width: usize, rows: Vec<u8>) -> Result<Self, String> {
        if width != WHOLE && width != FINGERPRINT {
            return Err(format!(
                "has digests of {width} bytes, not {WHOLE} or {FINGERPRINT}"
            ));
        }
        let set = Self { width, rows };
        let rows = set.rows.chunks_exact(width);
        if rows.clone().zip(rows.skip(1)).all(|(a, b)| a < b) {
            return Ok(set);
        }
        Err("is not in strictly ascending order".to_owned())
    }

    /// Returns the number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len() / self.width
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns whether the image with this digest is in the set.
    #[must_use]
    pub fn contains(&self, digest: &[u8; WHOLE]) -> bool {
        self.position(digest).is_some()
    }

    /// Returns the index of an image in the order of the set, below [`Self::len`].
    #[must_use]
    pub fn position(&self, digest: &[u8; WHOLE]) -> Option<usize> {
        let wanted = &digest[..self.width];
        let row = |place: usize| &self.rows[place * self.width..][..self.width];
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            match row(middle).cmp(wanted) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        None
    }

    /// Returns the number of bytes of each row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Returns all rows, one after the other.
    pub(crate) fn rows(&self) -> &[u8] {
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(first: u8, last: u8) -> [u8; WHOLE] {
        let mut digest = [0; WHOLE];
        (digest[0], digest[WHOLE - 1]) = (first, last);
        digest
    }

    #[test]
    fn images_are_found_in_the_order_of_their_digests() {
        let set = ImageSet::of(&[digest(9, 0), digest(2, 1), digest(9, 0), digest(2, 0)]);
        assert_eq!((set.len(), set.width()), (3, 32));
        assert_eq!(set.position(&digest(2, 0)), Some(0));
        assert_eq!(set.position(&digest(2, 1)), Some(1));
        assert_eq!(set.position(&digest(9, 0)), Some(2));
        for other in [digest(0, 0), digest(2, 2), digest(9, 1), digest(255, 0)] {
            assert!(!set.contains(&other));
        }
        assert!(ImageSet::default().is_empty() && !ImageSet::default().contains(&digest(0, 0)));
    }

    #[test]
    fn a_large_set_keeps_fingerprints() {
        // The two digests that differ only in their last byte share a fingerprint.
        let digests = [digest(2, 0), digest(2, 1), digest(9, 0)];
        let set = ImageSet::of_sorted(&digests, 2);
        assert_eq!((set.len(), set.rows().len()), (2, 16));
        assert_eq!(set.position(&digest(9, 7)), Some(1));
        assert!(!set.contains(&digest(3, 0)));
    }

    #[test]
    fn rows_that_are_no_set_are_refused() {
        let set = ImageSet::of(&[digest(2, 0), digest(9, 0)]);
        let again = ImageSet::from_rows(32, set.rows().to_vec());
        assert_eq!(again.unwrap(), set);
        let backwards = [digest(9, 0), digest(2, 0)].concat();
        let twice = [digest(9, 0), digest(9, 0)].concat();
        assert!(ImageSet::from_rows(32, backwards).is_err());
        assert!(ImageSet::from_rows(32, twice).is_err());
        assert!(ImageSet::from_rows(16, vec![0; 16]).is_err());
        assert!(ImageSet::from_rows(0, Vec::new()).is_err());
    }
}
